//! What is asked.

use crate::keys::{HOT, Keys, Picker};
use crate::levels::{Level, Levels, push_digits};
use crate::tenants::Tenants;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fmt;
use std::str::FromStr;

/// The most reservations that are remembered to be confirmed or released later; more are left to expire.
const MOST_HELD: usize = 100_000;

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Receipt,
    Reserve,
    Batch,
    Confirm,
    Release,
    Read,
    Predict,
}

impl Operation {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Receipt,
        Self::Reserve,
        Self::Batch,
        Self::Confirm,
        Self::Release,
        Self::Read,
        Self::Predict,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Reserve => "reserve",
            Self::Batch => "reserve in batches",
            Self::Confirm => "confirm",
            Self::Release => "release",
            Self::Read => "availability",
            Self::Predict => "predictions",
        }
    }
}

/// What a run asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    /// Fill the shelves: a receipt for each location, one after the other.
    Fill,
    Reserve,
    Availability,
    Predictions,
    Mix(Shares),
}

/// Shares of a mix, in no unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    reserve: f64,
    confirm: f64,
    release: f64,
    read: f64,
}

/// About what a shop does: most look, some take, and most of those buy.
const USUAL: Shares = Shares {
    reserve: 30.0,
    confirm: 20.0,
    release: 10.0,
    read: 40.0,
};

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "reserve" => Ok(Self::Reserve),
            None if text == "availability" => Ok(Self::Availability),
            None if text == "predictions" => Ok(Self::Predictions),
            None if text == "mix" => Ok(Self::Mix(USUAL)),
            Some(("mix", shares)) => shares.parse().map(Self::Mix),
            _ => Err(
                "say reserve, availability, predictions, mix or mix:reserve=30,confirm=20,release=10,read=40"
                    .into(),
            ),
        }
    }
}

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Self {
            reserve: 0.0,
            confirm: 0.0,
            release: 0.0,
            read: 0.0,
        };
        for part in text.split(',') {
            let (name, share) = part
                .split_once('=')
                .ok_or_else(|| format!("a share is NAME=NUMBER, not `{part}`"))?;
            let slot = match name {
                "reserve" => &mut shares.reserve,
                "confirm" => &mut shares.confirm,
                "release" => &mut shares.release,
                "read" => &mut shares.read,
                _ => {
                    return Err(format!(
                        "a mix has reserve, confirm, release and read, not `{name}`"
                    ));
                }
            };
            let number = share
                .parse()
                .ok()
                .filter(|share| (0.0..=1e6).contains(share));
            *slot = number
                .ok_or_else(|| format!("a share is a number from 0 to 1000000, not `{share}`"))?;
        }
        match shares.sum() > 0.0 {
            true => Ok(shares),
            false => Err("a mix needs a share above zero".into()),
        }
    }
}

impl Shares {
    fn sum(self) -> f64 {
        self.reserve + self.confirm + self.release + self.read
    }

    fn pick(self, dice: &mut Xoshiro256PlusPlus) -> Operation {
        let mut at = dice.random_range(0.0..self.sum());
        for (operation, share) in [
            (Operation::Reserve, self.reserve),
            (Operation::Confirm, self.confirm),
            (Operation::Release, self.release),
        ] {
            if at < share {
                return operation;
            }
            at -= share;
        }
        Operation::Read
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fill => f.write_str("fill"),
            Self::Reserve => f.write_str("reserve"),
            Self::Availability => f.write_str("availability"),
            Self::Predictions => f.write_str("predictions"),
            Self::Mix(shares) => write!(
                f,
                "mix:reserve={},confirm={},release={},read={}",
                shares.reserve, shares.confirm, shares.release, shares.read
            ),
        }
    }
}

/// One request to come: what it does, for whom, and where.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    /// The tenant's place in the list.
    pub(crate) tenant: usize,
    /// For one level: its number; for a receipt the location's.
    pub(crate) level: u64,
    /// For a confirmation or a release: the reservation.
    pub(crate) reservation: Option<Box<str>>,
}

/// What a workload is made from.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) work: Work,
    pub(crate) keys: Keys,
    pub(crate) levels: Levels,
    /// Reservations in a batch; `None` if each is a request of its own.
    pub(crate) batch: Option<usize>,
    /// Levels in a read.
    pub(crate) items: usize,
    pub(crate) tenants: Tenants,
    pub(crate) seed: u64,
}

/// Deals requests, the same ones for the same seed; only their idempotency keys are new in every run.
#[derive(Debug)]
pub(crate) struct Workload {
    recipe: Recipe,
    picker: Picker,
    dice: Xoshiro256PlusPlus,
    held: Vec<Box<str>>,
    key_prefix: String,
    keys_given: u64,
    locations_filled: u64,
}

impl Workload {
    /// `run` must differ from run to run, and `lane` within one: together they begin every idempotency key.
    pub(crate) fn new(recipe: Recipe, run: u32, lane: u64) -> Self {
        Self {
            picker: Picker::new(recipe.keys, recipe.levels.count),
            dice: Xoshiro256PlusPlus::seed_from_u64(recipe.seed.wrapping_add(lane)),
            held: Vec::new(),
            key_prefix: format!("load-{run:08x}-{lane:03}-"),
            keys_given: 0,
            locations_filled: 0,
            recipe,
        }
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Ask {
        let (operation, reservation) = self.operation();
        Ask {
            operation,
            reservation,
            tenant: self.recipe.tenants.pick(&mut self.dice),
            level: match operation {
                Operation::Reserve | Operation::Predict => self.picker.pick(&mut self.dice),
                Operation::Receipt => self.next_location(),
                _ => 0,
            },
        }
    }

    /// What to do; a confirmation or a release needs a reservation, and makes one while there is none.
    fn operation(&mut self) -> (Operation, Option<Box<str>>) {
        let wanted = match self.recipe.work {
            Work::Fill => Operation::Receipt,
            Work::Availability => Operation::Read,
            Work::Predictions => Operation::Predict,
            Work::Mix(shares) => shares.pick(&mut self.dice),
            Work::Reserve if self.recipe.batch.is_some() => Operation::Batch,
            Work::Reserve => Operation::Reserve,
        };
        match wanted {
            Operation::Confirm | Operation::Release => match self.held.pop() {
                Some(reservation) => (wanted, Some(reservation)),
                None => (Operation::Reserve, None),
            },
            _ => (wanted, None),
        }
    }

    fn next_location(&mut self) -> u64 {
        self.locations_filled += 1;
        self.locations_filled - 1
    }

    /// A level for one line of a batch or a read.
    pub(crate) fn level(&mut self) -> Level {
        let number = self.picker.pick(&mut self.dice);
        self.recipe.levels.at(number)
    }

    /// Writes an idempotency key that was never used before.
    pub(crate) fn push_key(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.key_prefix.as_bytes());
        push_digits::<11>(out, self.keys_given);
        self.keys_given += 1;
    }

    /// The levels of a page: as many of a location as are read at once, from its first on.
    pub(crate) fn page(&self, level: u64) -> impl Iterator<Item = Level> {
        let levels = self.recipe.levels;
        let first = level / levels.skus * levels.skus;
        let page = (self.recipe.items as u64).min(levels.skus);
        (first..(first + page).min(levels.count)).map(move |number| levels.at(number))
    }

    pub(crate) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Whether the identifiers of reservations are of use.
    pub(crate) fn wants_reservations(&self) -> bool {
        matches!(self.recipe.work, Work::Mix(_))
    }

    /// Remembers a reservation that was made.
    pub(crate) fn keep(&mut self, reservation: Box<str>) {
        if self.held.len() < MOST_HELD {
            self.held.push(reservation);
        }
    }

    /// Whether a request is for a neighbour of the hot SKU: those are told apart.
    pub(crate) fn is_neighbour(&self, ask: &Ask) -> bool {
        matches!(self.picker, Picker::Hot { .. })
            && ask.operation == Operation::Reserve
            && ask.level != HOT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(work: &str, seed: u64) -> Workload {
        let recipe = Recipe {
            work: work.parse().unwrap(),
            keys: Keys::Uniform,
            levels: Levels::new(100, 10).unwrap(),
            batch: None,
            items: 10,
            tenants: Tenants::default(),
            seed,
        };
        Workload::new(recipe, 1, 0)
    }

    #[test]
    fn a_mix_keeps_its_shares_once_there_are_reservations() {
        let mut workload = workload("mix:reserve=50,confirm=20,release=10,read=20", 3);
        let mut counts = [0; Operation::ALL.len()];
        for number in 0..10_000 {
            let ask = workload.next();
            counts[ask.operation as usize] += 1;
            let needs_one = matches!(ask.operation, Operation::Confirm | Operation::Release);
            assert_eq!(ask.reservation.is_some(), needs_one);
            if ask.operation == Operation::Reserve {
                workload.keep(format!("r0-{number}").into());
            }
        }
        for (operation, expected) in [
            (Operation::Reserve, 5_000),
            (Operation::Confirm, 2_000),
            (Operation::Release, 1_000),
            (Operation::Read, 2_000),
        ] {
            let found: i32 = counts[operation as usize];
            assert!((found - expected).abs() < 200, "{operation:?}: {found}");
        }
    }

    #[test]
    fn nothing_is_confirmed_that_was_not_reserved() {
        let mut workload = workload("mix:confirm=1", 3);
        assert_eq!(workload.next().operation, Operation::Reserve);
        workload.keep("r0-1".into());
        let ask = workload.next();
        assert_eq!(
            (ask.operation, ask.reservation.as_deref()),
            (Operation::Confirm, Some("r0-1"))
        );
        assert_eq!(workload.next().operation, Operation::Reserve);
    }

    #[test]
    fn the_seed_decides_what_is_asked_and_keys_never_come_twice() {
        let levels = |seed| -> Vec<u64> {
            let mut workload = workload("reserve", seed);
            (0..50).map(|_| workload.next().level).collect()
        };
        assert_eq!(levels(1), levels(1));
        assert_ne!(levels(1), levels(2));
        let mut workload = workload("reserve", 1);
        let mut key = || {
            let mut key = Vec::new();
            workload.push_key(&mut key);
            key
        };
        assert_ne!(key(), key());
    }

    #[test]
    fn works_are_read_as_they_are_written() {
        for text in [
            "reserve",
            "availability",
            "predictions",
            "mix:reserve=1,confirm=2,release=3,read=4",
        ] {
            assert_eq!(Work::from_str(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "mix:",
            "mix:read=0",
            "mix:look=1",
            "mix:read=-1",
            "mix:read",
            "reserve:1",
        ] {
            assert!(Work::from_str(text).is_err(), "{text}");
        }
    }
}
