//! Who tells of the shelf: somebody who tells of every item, or shoppers who look at what is ordered.
//!
//! A ledger does not say it, and it matters: where looks are all there is, the state of a shelf that nobody looked at is
//! not known, and how empty the others were says little of it. So it is counted. A feed tells in the night what the day was
//! like, or of every item every day; shoppers tell what they see, of a part of the items.

use crate::grid::day_of;
use crate::outcome::Pair;
use onhand_core::{LevelNo, Span, Timestamp};
use onhand_features::fact::Fact;

/// What is told so long after it happened is told by a feed.
const LATE: Span = Span::from_secs(3600);
/// Whoever tells of this share of the items, every day, is a feed.
const NEARLY_ALL: f64 = 0.99;

/// Looks, counted.
#[derive(Debug, Default)]
pub(crate) struct Tellers {
    looks: u64,
    late: u64,
    /// By level.
    levels: Vec<Seen>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: u32,
    days: u32,
}

impl Tellers {
    /// Takes a fact that happened at a time and was known at another.
    pub(crate) fn take(&mut self, fact: &Fact<'_>, at: Timestamp, known: Timestamp) {
        let (Fact::Looked { level, .. } | Fact::Picked { level, .. }) = fact else {
            return;
        };
        self.looks += 1;
        self.late += u64::from(known.since(at) >= LATE);
        let LevelNo(level) = *level;
        if self.levels.len() <= level as usize {
            self.levels.resize(level as usize + 1, Seen::default());
        }
        let (seen, day) = (&mut self.levels[level as usize], day_of(at));
        if seen.last != day {
            *seen = Seen {
                last: day,
                days: seen.days + 1,
            };
        }
    }

    /// The share of the items' days, up to the last, of which anything was told, if looks seem to be all there is.
    pub(crate) fn looks_alone(&self, pairs: &[Pair], last: Timestamp) -> Option<f64> {
        let seen = self.levels.iter().map(|seen| seen.days);
        let seen = seen.chain(std::iter::repeat(0));
        // Of the last day not everything is told yet.
        let days = pairs
            .iter()
            .map(|pair| day_of(last).saturating_sub(day_of(pair.since)));
        let (told, all) = seen.zip(days).fold((0, 0), |(told, all), (seen, days)| {
            (told + u64::from(seen.min(days)), all + u64::from(days))
        });
        let share = told as f64 / all.max(1) as f64;
        let is_fed = 2 * self.late >= self.looks || share >= NEARLY_ALL;
        (!is_fed).then_some(share)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;
    use onhand_core::{LocationId, Sku};

    const HOUR: u64 = 3_600_000;

    fn hour(hours: u64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    fn pairs(count: usize) -> Vec<Pair> {
        let pair = |number: usize| Pair {
            location: LocationId::new("here").unwrap(),
            sku: Sku::new(&format!("item-{number}")).unwrap(),
            location_no: 0,
            category: None,
            since: hour(24),
            sku_since: hour(24),
        };
        (0..count).map(pair).collect()
    }

    /// Every day from the first to the tenth somebody looks at so many of ten items, and it is known so much later.
    fn told(items: u32, later: u64) -> Option<f64> {
        let mut tellers = Tellers::default();
        for (day, level) in (1..=10).flat_map(|day| (0..items).map(move |item| (day, item))) {
            for at in [9, 15] {
                let at = hour(day * 24 + at);
                let looked = Fact::Looked {
                    level: LevelNo(level),
                    found: true,
                };
                tellers.take(&looked, at, at.plus(Span::from_secs(later * 3600)));
            }
        }
        tellers.looks_alone(&pairs(10), hour(11 * 24))
    }

    #[test]
    fn whoever_tells_of_all_items_or_in_the_night_is_a_feed_and_others_look() {
        assert_eq!(told(10, 0), None);
        assert_eq!(told(4, 12), None);
        assert_eq!(told(4, 0), Some(0.4));
        assert_eq!(Tellers::default().looks_alone(&pairs(3), hour(99)), None);
    }
}
