//! For whom requests are asked: tenants and their shares of the load.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fmt;
use std::str::FromStr;

/// The longest name of a tenant.
const LONGEST: usize = 128;

/// Tenants with their shares; nobody in particular by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tenants(Vec<(String, f64)>);

impl FromStr for Tenants {
    type Err = String;

    /// `name`, or `a:9,b:1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let tenants: Result<Vec<_>, _> = text.split(',').map(tenant).collect();
        tenants.map(Self)
    }
}

fn tenant(text: &str) -> Result<(String, f64), String> {
    let (name, share) = text.split_once(':').unwrap_or((text, "1"));
    let is_a_name =
        (1..=LONGEST).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_a_name {
        return Err(format!(
            "a tenant's name is 1 to {LONGEST} visible ASCII characters, not `{name}`"
        ));
    }
    match share.parse() {
        Ok(share) if share > 0.0 && share <= 1e6 => Ok((name.into(), share)),
        _ => Err(format!(
            "a tenant's share is a number above 0, up to 1000000, not `{share}`"
        )),
    }
}

impl fmt::Display for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenants: Vec<String> = self
            .0
            .iter()
            .map(|(name, share)| format!("{name}:{share}"))
            .collect();
        f.write_str(&tenants.join(","))
    }
}

impl Tenants {
    /// Their names; one `None` if requests name no tenant.
    pub(crate) fn names(&self) -> Vec<Option<&str>> {
        match self.0.is_empty() {
            true => vec![None],
            false => self.0.iter().map(|(name, _)| Some(name.as_str())).collect(),
        }
    }

    /// The place of the next one in `names`.
    pub(crate) fn pick(&self, dice: &mut Xoshiro256PlusPlus) -> usize {
        if self.0.len() < 2 {
            return 0;
        }
        let sum: f64 = self.0.iter().map(|(_, share)| share).sum();
        let mut at = dice.random_range(0.0..sum);
        let found = self.0.iter().position(|(_, share)| {
            at -= share;
            at < 0.0
        });
        found.unwrap_or(self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn tenants_get_their_shares() {
        let tenants: Tenants = "a:9,b:1".parse().unwrap();
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
        let second = (0..10_000).filter(|_| tenants.pick(&mut dice) == 1).count();
        assert!((900..1_100).contains(&second), "{second}");
        assert_eq!(tenants.names(), [Some("a"), Some("b")]);
        assert_eq!(Tenants::default().names(), [None]);
    }

    #[test]
    fn what_is_no_tenant_is_refused() {
        for text in ["", "a,", "a:0", "a:-1", "a:x", "with space"] {
            assert!(Tenants::from_str(text).is_err(), "{text}");
        }
    }
}
