//! Questions from a grid: every SKU at every location, every hour of some days; all of them, or a sample.

use super::ledger::LedgerFile;
use crate::failure::Failure;
use clap::Args;
use onhand_core::{LocationId, Sku};
use onhand_features::{Known, Question, Questions};
use std::ops::{ControlFlow, RangeInclusive};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Which questions to ask.
#[derive(Args, Debug)]
pub(super) struct Grid {
    /// Ask about all SKUs at locations of the ledger on these days, the first and the last included.
    #[arg(long, value_name = "A..B", value_parser = crate::dates::days, conflicts_with = "entities")]
    pub(super) days: Option<RangeInclusive<u32>>,
    /// At the end of which hours of the day (UTC), the first and the last included.
    #[arg(long, value_name = "A..B", default_value = "8..21", value_parser = hours, requires = "days")]
    hours: RangeInclusive<u32>,
    /// About which hour from there on: 1 is the one that begins then (`lead_hours` 0), 2 the one after it.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "days", value_parser = clap::value_parser!(u32).range(1..))]
    lead: u32,
    /// Only so many of all questions, drawn at random.
    #[arg(long, value_name = "N", requires = "days")]
    rows: Option<usize>,
    /// The seed of the draw.
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "rows")]
    seed: u64,
}

fn hours(text: &str) -> Result<RangeInclusive<u32>, String> {
    let rule = || "must be two hours of 0 to 23, as 8..21".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(rule)?;
    let hour = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|hour| *hour < 24)
            .ok_or_else(rule)
    };
    let (first, last) = (hour(first)?, hour(last)?);
    (first <= last).then_some(first..=last).ok_or_else(rule)
}

impl Grid {
    /// The questions about everything that the ledger ever opened.
    pub(super) fn questions(&self, ledger: &LedgerFile) -> Result<Questions, Failure> {
        let mut pairs: Vec<(LocationId, Sku)> = Vec::new();
        ledger.each("Finding what there is", &mut |entry| {
            let openings = entry.openings.iter();
            pairs.extend(openings.map(|one| (one.location.clone(), one.sku.clone())));
            ControlFlow::Continue(())
        })?;
        let days = self.days.clone().unwrap_or(0..=0);
        let rows = self.cells(pairs.len() as u64, &days);
        Ok(Questions { pairs, rows })
    }

    /// The cells of the grid that are asked about, in the order of time.
    fn cells(&self, pairs: u64, days: &RangeInclusive<u32>) -> Vec<Question> {
        let grid = onhand_train::grid::Grid {
            days: days.clone(),
            hours: self.hours.clone(),
            lead: self.lead,
        };
        let all = grid.slots() as u64 * pairs;
        let question = |cell: u64| {
            let moment = grid.moment((cell / pairs) as usize);
            Question {
                pair: (cell % pairs) as u32,
                known: Known::At(moment.now),
                moment,
            }
        };
        match self.rows.map(|rows| rows as u64).filter(|rows| *rows < all) {
            None => (0..all).map(question).collect(),
            Some(rows) => drawn(rows, all, self.seed)
                .into_iter()
                .map(question)
                .collect(),
        }
    }
}

/// So many different numbers below `all`, in order (Floyd's sampling).
fn drawn(rows: u64, all: u64, seed: u64) -> Vec<u64> {
    let mut drawn = std::collections::BTreeSet::new();
    for last in all - rows..all {
        let number = xxh3_64_with_seed(&last.to_le_bytes(), seed) % (last + 1);
        if !drawn.insert(number) {
            drawn.insert(last);
        }
    }
    drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: Option<usize>) -> Grid {
        Grid {
            days: Some(10..=11),
            hours: 8..=21,
            lead: 1,
            rows,
            seed: 7,
        }
    }

    #[test]
    fn a_grid_asks_at_the_end_of_every_hour_about_the_next() {
        let cells = grid(None).cells(3, &(10..=11));
        assert_eq!(cells.len(), 2 * 14 * 3);
        let first = cells[0].moment;
        assert_eq!(first.now.millis(), (10 * 24 + 9) * 3_600_000);
        assert_eq!(first.target, first.now);
        assert!(cells.is_sorted_by_key(|cell| cell.moment.now));
    }

    #[test]
    fn a_sample_has_no_question_twice_and_depends_on_the_seed_alone() {
        let sample = drawn(500, 1000, 7);
        assert_eq!(sample.len(), 500);
        assert_eq!(sample, drawn(500, 1000, 7));
        assert_ne!(sample, drawn(500, 1000, 8));
        assert_eq!(grid(Some(20)).cells(3, &(10..=11)).len(), 20);
    }
}
