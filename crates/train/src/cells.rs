//! Which questions are asked: pairs by slot, all of them or a sample.
//!
//! A sample is drawn by a hash of names and time: it does not depend on the order in which a ledger numbers things, and
//! a question is drawn or not whatever else is asked.

use crate::outcome::{Outcomes, Pair};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// For each slot the pairs asked about, ascending.
pub type Cells = Vec<Vec<u32>>;

/// Every question with a label that `keep` wants (by slot and pair).
pub fn all(outcomes: &Outcomes, keep: impl Fn(usize, u32) -> bool) -> Cells {
    let slot = |slot: usize| {
        let pairs = outcomes.labelled(slot);
        pairs.filter(|pair| keep(slot, *pair)).collect()
    };
    (0..outcomes.grid.slots()).map(slot).collect()
}

/// About `rows` of the questions, drawn at random.
pub fn sample(outcomes: &Outcomes, mut cells: Cells, rows: usize, seed: u64) -> Cells {
    let all = count(&cells);
    if all <= rows {
        return cells;
    }
    let below = (rows as f64 / all as f64 * u64::MAX as f64) as u64;
    let names: Vec<u64> = outcomes
        .pairs
        .iter()
        .map(|pair| hash_of_names(pair, seed))
        .collect();
    for (slot, pairs) in cells.iter_mut().enumerate() {
        let at = outcomes.grid.moment(slot).now.millis().to_le_bytes();
        pairs.retain(|pair| xxh3_64_with_seed(&at, names[*pair as usize]) < below);
        pairs.shrink_to_fit();
    }
    cells
}

/// The questions of both.
pub fn join(one: Cells, other: Cells) -> Cells {
    let join = |(mut one, other): (Vec<u32>, Vec<u32>)| {
        one.extend(other);
        one.sort_unstable();
        one.dedup();
        one
    };
    one.into_iter().zip(other).map(join).collect()
}

/// How many questions there are.
pub fn count(cells: &Cells) -> usize {
    cells.iter().map(Vec::len).sum()
}

fn hash_of_names(pair: &Pair, seed: u64) -> u64 {
    let location = xxh3_64_with_seed(pair.location.as_str().as_bytes(), seed);
    xxh3_64_with_seed(pair.sku.as_str().as_bytes(), location)
}
