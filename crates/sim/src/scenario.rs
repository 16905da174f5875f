//! What a seed stands for: how large the world is, who buys, and what breaks.

use crate::ask::{Millis, Rules};
use crate::dice::Dice;
use onhand_engine::Durability;
use onhand_log::disk::Survives;
use std::fmt;

/// How buyers choose their item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// Every item alike.
    Uniform,
    /// The first most, the second half as much, and so on.
    Zipf,
    /// Nine in ten want the first.
    OneHot,
}

/// What one run is like. All of it comes from the seed.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// How many partitions.
    pub partitions: u16,
    /// How many shops.
    pub shops: usize,
    /// How many items.
    pub items: usize,
    /// What buyers want.
    pub skew: Skew,
    /// Whether quantities are about the largest that there may be.
    pub is_huge: bool,
    /// Buyers that come at once for 100 units of one item; 0 for no flash sale.
    pub flash_sale: usize,
    /// How many steps.
    pub steps: usize,
    /// The settings.
    pub rules: Rules,
    /// Requests that may wait for an answer, for each partition.
    pub capacity: usize,
    /// How long a request may wait for its turn, if that is bounded.
    pub queue_time: Option<Millis>,
    /// Who asks.
    pub tenants: usize,
    /// Requests of a full batch.
    pub batch: usize,
    /// Requests that a writer decides in one go.
    pub slice: usize,
    /// Bytes of a full batch.
    pub batch_bytes: usize,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// Bytes of log after which a snapshot is due.
    pub snapshot_bytes: u64,
    /// How long entries are kept at least before the log is trimmed; for ever if not said.
    pub keep_ledger: Option<Millis>,
    /// One step in so many has a fault; 0 for none.
    pub faults: usize,
    /// How durable answers are.
    pub durability: Durability,
    /// Whether writers take small batches to the log themselves, as those with a thread do.
    pub lends: bool,
    /// Crashes at changes of the disk that are said, not thrown.
    pub crashes: Crashes,
}

/// At which change of the disk, counted from 1, the machine crashes. A change is a call that writes, names or syncs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crashes {
    /// Of the making of the folder.
    pub making: Option<u64>,
    /// Of the first life.
    pub running: Option<u64>,
    /// Of the first start after a crash.
    pub starting: Option<u64>,
    /// What survives a crash.
    pub survives: Survives,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partitions,
            shops,
            items,
            skew,
            steps,
            ..
        } = self;
        write!(
            f,
            "{partitions} partitions, {shops} shops, {items} items, {skew:?}, {steps} steps"
        )?;
        if self.is_huge {
            f.write_str(", huge quantities")?;
        }
        if self.flash_sale > 0 {
            write!(f, ", a flash sale for {} buyers", self.flash_sale)?;
        }
        if self.durability != Durability::BeforeAnswer {
            write!(f, ", durable {}", self.durability)?;
        }
        if self.lends {
            f.write_str(", small batches taken by the writer")?;
        }
        match self.faults {
            0 => f.write_str(", no faults"),
            steps => write!(f, ", a fault every {steps} steps or so"),
        }
    }
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64, steps: usize) -> Self {
        let mut dice = Dice::new(seed);
        let minute = 60_000;
        // Small files and short retentions, so that all that is done to a log is done in a short run.
        let is_small = dice.comes(1, 2);
        let mut rules = Rules {
            key_retention: match is_small {
                true => dice.one_of(&[500, 5_000]),
                false => dice.one_of(&[5_000, minute, 10 * minute]),
            },
            ended_retention: dice.one_of(&[1_000, minute, 10 * minute]),
            count_window: dice.one_of(&[10_000, 5 * minute, 60 * minute]),
            most_open: dice.one_of(&[5, 40, 100_000]),
            most_levels: dice.one_of(&[12, 100_000, 100_000]),
        };
        let flash_sale = if dice.comes(1, 40) { 10_000 } else { 0 };
        if flash_sale > 0 {
            // Nothing but the stock stands between its buyers and what they want.
            (rules.most_open, rules.most_levels) = (100_000, 100_000);
        }
        Self {
            seed,
            partitions: dice.one_of(&[1, 1, 2, 3]),
            shops: dice.within(1, 6) as usize,
            items: dice.one_of(&[1, 3, 8, 30]),
            skew: dice.one_of(&[Skew::Uniform, Skew::Zipf, Skew::OneHot]),
            is_huge: dice.comes(1, 10) && flash_sale == 0,
            flash_sale,
            // All its buyers shall come.
            steps: steps + 4 * flash_sale,
            rules,
            capacity: dice.one_of(&[4, 64, 16_384]),
            batch_bytes: dice.one_of(&[512, 8_192, 1 << 20]),
            segment_bytes: match is_small {
                true => 8 << 10,
                false => dice.one_of(&[8 << 10, 32 << 10, 128 << 10]),
            },
            snapshot_bytes: match is_small {
                true => dice.one_of(&[1 << 10, 2 << 10]),
                false => dice.one_of(&[4 << 10, 32 << 10]),
            },
            keep_ledger: (is_small || dice.comes(1, 4))
                .then(|| dice.one_of(&[0, 0, minute, 60 * minute])),
            faults: dice.one_of(&[0, 60, 150, 400]),
            queue_time: dice.one_of(&[None, None, Some(2), Some(20)]),
            tenants: dice.one_of(&[1, 1, 3]),
            batch: dice.one_of(&[8, 2_048]),
            slice: dice.one_of(&[4, 32, 256]),
            durability: dice.one_of(&[
                Durability::BeforeAnswer,
                Durability::BeforeAnswer,
                Durability::Within(5),
                Durability::Within(50),
                Durability::Within(1_000),
            ]),
            lends: dice.comes(1, 2),
            crashes: Crashes::default(),
        }
    }

    /// The same world with what an operator may change at a start, from another seed.
    #[must_use]
    pub fn reconfigured(&self, seed: u64) -> Self {
        let mut other = Self::of(seed, 0);
        if self.flash_sale > 0 {
            (other.rules.most_open, other.rules.most_levels) =
                (self.rules.most_open, self.rules.most_levels);
        }
        Self {
            rules: other.rules,
            capacity: other.capacity,
            queue_time: other.queue_time,
            batch: other.batch,
            slice: other.slice,
            batch_bytes: other.batch_bytes,
            segment_bytes: other.segment_bytes,
            snapshot_bytes: other.snapshot_bytes,
            keep_ledger: other.keep_ledger,
            durability: other.durability,
            lends: other.lends,
            ..self.clone()
        }
    }
}
