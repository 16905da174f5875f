//! Which questions are asked: pairs by slot, all of them or a sample.
//!
//! A sample is drawn by a hash of names and time: it does not depend on the order in which a ledger numbers things, and
//! a question is drawn or not whatever else is asked.

use crate::outcome::{Outcomes, Pair};
use std::ops::Range;
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
    let slots = cells.len();
    draw(outcomes, &mut cells, 0..slots, (rows, seed));
    cells
}

/// About `rows` of the questions of each day, drawn for each day by itself: of a day nearly the same ones, whichever
/// others are asked about too and whenever. Nearly, because they are a share of those with a label, and of a late day more
/// labels are known later.
pub(crate) fn sample_each_day(outcomes: &Outcomes, mut cells: Cells, rows: usize) -> Cells {
    let (slots, a_day) = (cells.len(), outcomes.grid.slots_a_day());
    for first in (0..slots).step_by(a_day.max(1)) {
        let day = first..slots.min(first + a_day);
        draw(outcomes, &mut cells, day, (rows, 1));
    }
    cells
}

/// Keeps about `rows` of the questions of some slots.
fn draw(outcomes: &Outcomes, cells: &mut Cells, slots: Range<usize>, (rows, seed): (usize, u64)) {
    let all: usize = cells[slots.clone()].iter().map(Vec::len).sum();
    if all <= rows {
        return;
    }
    let below = (rows as f64 / all as f64 * u64::MAX as f64) as u64;
    let names: Vec<u64> = outcomes
        .pairs
        .iter()
        .map(|pair| hash_of_names(pair, seed))
        .collect();
    for (slot, pairs) in slots.clone().zip(&mut cells[slots]) {
        let at = outcomes.grid.moment(slot).now.millis().to_le_bytes();
        pairs.retain(|pair| xxh3_64_with_seed(&at, names[*pair as usize]) < below);
        pairs.shrink_to_fit();
    }
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

/// Whether a question is one of them.
pub(crate) fn has(cells: &Cells, slot: usize, pair: u32) -> bool {
    cells[slot].binary_search(&pair).is_ok()
}

/// How many questions there are.
pub fn count(cells: &Cells) -> usize {
    cells.iter().map(Vec::len).sum()
}

fn hash_of_names(pair: &Pair, seed: u64) -> u64 {
    let location = xxh3_64_with_seed(pair.location.as_str().as_bytes(), seed);
    xxh3_64_with_seed(pair.sku.as_str().as_bytes(), location)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use onhand_core::{LocationId, Sku, Timestamp};
    use std::ops::RangeInclusive;

    /// A thousand items on some days.
    fn outcomes(days: RangeInclusive<u32>) -> Outcomes {
        let pair = |number: usize| Pair {
            location: LocationId::new("here").unwrap(),
            sku: Sku::new(&format!("item-{number}")).unwrap(),
            location_no: 0,
            categories: Vec::new(),
            since: Timestamp::default(),
            sku_since: Timestamp::default(),
        };
        Outcomes::of_pairs(Grid::of_days(days), (0..1000).map(pair).collect())
    }

    /// The questions that are drawn of some days, by time.
    fn drawn(days: RangeInclusive<u32>, rows: usize) -> Vec<(Timestamp, Vec<u32>)> {
        let outcomes = outcomes(days);
        let all = vec![(0..1000).collect(); outcomes.grid.slots()];
        let cells = sample_each_day(&outcomes, all, rows).into_iter();
        let at = |slot| outcomes.grid.moment(slot).now;
        cells
            .enumerate()
            .map(|(slot, pairs)| (at(slot), pairs))
            .collect()
    }

    #[test]
    fn of_a_day_the_same_questions_are_drawn_whichever_others_are_asked_about() {
        let (one, many) = (drawn(12..=12, 500), drawn(10..=16, 500));
        assert_eq!(one, many[28..42]);
        for day in many.chunks(14) {
            let rows: usize = day.iter().map(|(_, pairs)| pairs.len()).sum();
            assert!((400..600).contains(&rows), "{rows}");
        }
        assert_ne!(many[0].1, many[14].1, "each day others");
        assert_eq!(drawn(12..=12, 14_000)[0].1.len(), 1000, "all there are");
    }
}
