//! Who tells of the shelf: somebody who tells of every item, or shoppers who look at what is ordered.
//!
//! A ledger does not say it, and it matters: where looks are all there is, the state of a shelf that nobody looked at is
//! not known, and how empty the others were says little of it. So it is counted. A feed tells in the night what the day was
//! like, or of every item every day; shoppers tell what they see, of a part of the items.

use crate::grid::day_of;
use crate::outcome::Pair;
use onhand_core::{LevelNo, Span, Timestamp};
use onhand_features::fact::Fact;
use std::ops::RangeInclusive;

/// What is told so long after it happened is told by a feed.
const LATE: Span = Span::from_secs(3600);
/// Whoever tells of this share of the items, every day, is a feed.
const NEARLY_ALL: f64 = 0.99;

/// Looks, counted by the day of which they tell; those of no day that is asked about count for nothing: who told of other
/// days says nothing of these.
#[derive(Debug)]
pub(crate) struct Tellers {
    days: RangeInclusive<u32>,
    by_day: Vec<Day>,
    /// By level, the day of the look before.
    before: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Day {
    looks: u64,
    late: u64,
    /// Items of which anything was told.
    told: u64,
}

impl Tellers {
    /// Of some days.
    pub(crate) fn of(days: RangeInclusive<u32>) -> Self {
        Self {
            days,
            by_day: Vec::new(),
            before: Vec::new(),
        }
    }

    /// Takes a fact that happened at a time and was known at another.
    pub(crate) fn take(&mut self, fact: &Fact<'_>, at: Timestamp, known: Timestamp) {
        let (Fact::Looked { level, .. } | Fact::Picked { level, .. }) = fact else {
            return;
        };
        let (day, LevelNo(level)) = (day_of(at), *level);
        if !self.days.contains(&day) {
            return;
        }
        let before = of(&mut self.before, level);
        let is_first = std::mem::replace(before, day) != day;
        let counted = of(&mut self.by_day, day - self.days.start());
        counted.looks += 1;
        counted.late += u64::from(known.since(at) >= LATE);
        counted.told += u64::from(is_first);
    }

    /// The share of the items' days, of those asked about and up to the last entry, of which anything was told, if looks
    /// seem to be all there is.
    pub(crate) fn looks_alone(
        &self,
        pairs: &[Pair],
        days: RangeInclusive<u32>,
        last: Timestamp,
    ) -> Option<f64> {
        // Of the last day not everything is told yet: it counts only where it is all there is.
        let end = (*days.end()).min(day_of(last).saturating_sub(1).max(*days.start()));
        let counted = (self.days.clone().zip(&self.by_day))
            .filter(|(day, _)| (*days.start()..=end).contains(day));
        let (mut looks, mut late, mut told) = (0, 0, 0);
        for (_, day) in counted {
            looks += day.looks;
            late += day.late;
            told += day.told;
        }
        let known = |pair: &Pair| (end + 1).saturating_sub(day_of(pair.since).max(*days.start()));
        let all: u64 = pairs.iter().map(|pair| u64::from(known(pair))).sum();
        let share = told.min(all) as f64 / all.max(1) as f64;
        let is_fed = 2 * late >= looks || share >= NEARLY_ALL;
        (!is_fed).then_some(share)
    }
}

/// The one at a place, made if there was none.
fn of<T: Clone + Default>(all: &mut Vec<T>, place: u32) -> &mut T {
    let place = place as usize;
    if all.len() <= place {
        all.resize(place + 1, T::default());
    }
    &mut all[place]
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
            categories: Vec::new(),
            since: hour(24),
            sku_since: hour(24),
        };
        (0..count).map(pair).collect()
    }

    /// Every day somebody looks at so many of ten items, and it is known so many hours later.
    fn look(tellers: &mut Tellers, days: RangeInclusive<u64>, items: u32, later: u64) {
        for (day, level) in days.flat_map(|day| (0..items).map(move |item| (day, item))) {
            for at in [9, 15] {
                let at = hour(day * 24 + at);
                let looked = Fact::Looked {
                    level: LevelNo(level),
                    found: true,
                };
                tellers.take(&looked, at, at.plus(Span::from_secs(later * 3600)));
            }
        }
    }

    /// So from the first to the tenth day.
    fn told(items: u32, later: u64) -> Option<f64> {
        let mut tellers = Tellers::of(0..=20);
        look(&mut tellers, 1..=10, items, later);
        tellers.looks_alone(&pairs(10), 0..=20, hour(11 * 24))
    }

    #[test]
    fn whoever_tells_of_all_items_or_in_the_night_is_a_feed_and_others_look() {
        assert_eq!(told(10, 0), None);
        assert_eq!(told(4, 12), None);
        assert_eq!(told(4, 0), Some(0.4));
        let nobody = Tellers::of(0..=20);
        assert_eq!(nobody.looks_alone(&pairs(3), 0..=20, hour(99)), None);
    }

    #[test]
    fn who_told_of_other_days_says_nothing_of_those_asked_about() {
        let tellers = |days| {
            let mut tellers = Tellers::of(days);
            look(&mut tellers, 1..=365, 10, 12);
            look(&mut tellers, 366..=379, 3, 0);
            tellers
        };
        let last = hour(380 * 24);
        for tellers in [tellers(366..=379), tellers(350..=379)] {
            let told = |days| tellers.looks_alone(&pairs(10), days, last);
            assert_eq!(told(366..=379), Some(0.3));
            assert_eq!(told(370..=372), Some(0.3));
        }
        let fed = tellers(350..=379).looks_alone(&pairs(10), 350..=365, last);
        assert_eq!(fed, None);
        // The last day of all is counted where nothing else is.
        let last = hour(379 * 24 + 20);
        let today = tellers(350..=379).looks_alone(&pairs(10), 379..=379, last);
        assert_eq!(today, Some(0.3));
    }
}
