//! Which levels are asked for.

use rand::RngExt;
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fmt;
use std::str::FromStr;

/// Spreads the popular levels of a Zipf distribution over all locations: a prime larger than the most levels, so it
/// shares no divisor with their number and no two ranks meet.
const STRIDE: u64 = 1_000_000_000_039;

/// How requests spread over the levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keys {
    /// Every level alike.
    Uniform,
    /// The second most popular level is asked for `1/2^s` times as often as the first, the third `1/3^s` times.
    Zipf(f64),
    /// This share of the requests goes to one level, the rest to its neighbours alike.
    Hot(f64),
    /// So many buyers want one unit each of an item that has so many.
    FlashSale { buyers: u64, units: u32 },
}

impl FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, more) = match text.split_once(':') {
            Some((name, more)) => (name, Some(more)),
            None => (text, None),
        };
        match (name, more) {
            ("uniform", None) => Ok(Self::Uniform),
            ("zipf", more) => exponent(more.unwrap_or("1.0")).map(Self::Zipf),
            ("hot", more) => share(more.unwrap_or("1.0")).map(Self::Hot),
            ("flash-sale", Some(sale)) => flash_sale(sale),
            _ => {
                Err("say uniform, zipf:EXPONENT, hot, hot:SHARE or flash-sale:BUYERS/UNITS".into())
            }
        }
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent = text.parse().ok().filter(|s| (0.0..=10.0).contains(s));
    exponent.ok_or_else(|| format!("zipf's exponent is a number from 0 to 10, not `{text}`"))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|s| (0.0..=1.0).contains(s));
    share.ok_or_else(|| format!("the hot SKU's share is a number from 0 to 1, not `{text}`"))
}

fn flash_sale(text: &str) -> Result<Keys, String> {
    let bad = || format!("a flash sale is BUYERS/UNITS, both from 1 to 1000000000, not `{text}`");
    let (buyers, units) = text.split_once('/').ok_or_else(bad)?;
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|n| (1..=1_000_000_000).contains(n))
    };
    let buyers = number(buyers).ok_or_else(bad)?;
    let units = number(units).ok_or_else(bad)? as u32;
    Ok(Keys::FlashSale { buyers, units })
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(s) => write!(f, "zipf:{s}"),
            Self::Hot(share) => write!(f, "hot:{share}"),
            Self::FlashSale { buyers, units } => write!(f, "flash-sale:{buyers}/{units}"),
        }
    }
}

/// Picks levels.
#[derive(Clone, Debug)]
pub(crate) enum Picker {
    Uniform { count: u64 },
    Zipf { count: u64, ranks: Zipf<f64> },
    Hot { count: u64, share: f64 },
}

/// The one level of hot keys.
pub(crate) const HOT: u64 = 0;

impl Picker {
    pub(crate) fn new(keys: Keys, count: u64) -> Self {
        match keys {
            Keys::Zipf(s) => Self::Zipf {
                count,
                ranks: Zipf::new(count as f64, s).expect("count and exponent are in range"),
            },
            Keys::Hot(share) if count > 1 => Self::Hot { count, share },
            Keys::Hot(_) | Keys::FlashSale { .. } => Self::Uniform { count: 1 },
            Keys::Uniform => Self::Uniform { count },
        }
    }

    /// The number of the next level.
    pub(crate) fn pick(&self, dice: &mut Xoshiro256PlusPlus) -> u64 {
        match self {
            Self::Uniform { count } => dice.random_range(0..*count),
            Self::Zipf { count, ranks } => {
                let rank = ranks.sample(dice) as u64 - 1;
                (u128::from(rank) * u128::from(STRIDE) % u128::from(*count)) as u64
            }
            Self::Hot { share, .. } if dice.random_bool(*share) => HOT,
            Self::Hot { count, .. } => dice.random_range(1..*count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::BTreeMap;

    fn counts(keys: Keys, levels: u64, picks: usize) -> BTreeMap<u64, usize> {
        let picker = Picker::new(keys, levels);
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut counts = BTreeMap::new();
        for _ in 0..picks {
            let level = picker.pick(&mut dice);
            assert!(level < levels);
            *counts.entry(level).or_default() += 1;
        }
        counts
    }

    #[test]
    fn zipf_follows_its_law_and_spreads_over_the_levels() {
        let counts = counts(Keys::Zipf(1.0), 1_000, 100_000);
        let mut by_rank: Vec<usize> = counts.values().copied().collect();
        by_rank.sort_unstable_by(|a, b| b.cmp(a));
        // The harmonic number of 1,000 is 7.485: the first gets 100,000 / 7.485 = 13,360, the n-th 1/n of it.
        for (rank, expected) in [(1, 13_360), (2, 6_680), (10, 1_336)] {
            let found = by_rank[rank - 1] as f64;
            assert!(
                (found / f64::from(expected) - 1.0).abs() < 0.1,
                "rank {rank}: {found}"
            );
        }
        let popular: Vec<u64> = counts
            .iter()
            .filter_map(|(level, count)| (*count > 1_000).then_some(*level))
            .collect();
        assert!(popular.len() > 5);
        let neighbours = popular.windows(2).filter(|pair| pair[0] + 1 == pair[1]);
        assert!(neighbours.count() < popular.len() / 2, "{popular:?}");
    }

    #[test]
    fn zipf_meets_every_level_once_per_rank() {
        let count = 10_000u64;
        let mut levels: Vec<u64> = (0..count)
            .map(|rank| (u128::from(rank) * u128::from(STRIDE) % u128::from(count)) as u64)
            .collect();
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels.len() as u64, count);
    }

    #[test]
    fn the_hot_level_gets_its_share() {
        let counts = counts(Keys::Hot(0.9), 100, 100_000);
        let hot = counts[&HOT];
        assert!((89_000..91_000).contains(&hot), "{hot}");
        assert_eq!(counts.len(), 100);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["uniform", "zipf:1.2", "hot:0.9", "flash-sale:50000/1000"] {
            assert_eq!(Keys::from_str(text).unwrap().to_string(), text);
        }
        assert_eq!(Keys::from_str("hot"), Ok(Keys::Hot(1.0)));
        for text in [
            "",
            "zipf:-1",
            "zipf:x",
            "hot:1.1",
            "flash-sale",
            "flash-sale:0/1",
            "uniform:2",
        ] {
            assert!(Keys::from_str(text).is_err(), "{text}");
        }
    }
}
