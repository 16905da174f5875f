//! Looks: what follows from two of them.
//!
//! A look tells that the item was there, or was not, at one moment. Until the next look it is taken to have stayed so,
//! but no longer than a day. So a feed may tell changes alone (and one look a day), and the hours in between are known:
//! each gets the seconds that the shelf had the item, and the seconds that it had not.
//!
//! Looks come in any order: a picker finds the item at two, and in the night the feed tells that it was gone from eight
//! to one. So the looks of the last two days are kept, and a late one corrects what was told of the time between its
//! neighbours: from its own time on, what the look before it told is taken back and what it tells itself is added; the
//! shelf ran empty when it says so, and not when the look after it did. In which order looks were told does not show.
//!
//! What is kept is bounded: looks of the two days before the one told last, one before those, and not more than
//! [`MOST_KEPT`]. Beyond that, first those go that both neighbours confirm. A look from before all that are kept is
//! counted as a look and corrects nothing.

use crate::calendar::HOUR_MILLIS;
use crate::measure::Measure;
use onhand_core::Timestamp;
use serde::{Deserialize, Serialize};

/// For how long a look is taken to hold.
const HOLDS_MILLIS: u64 = 24 * HOUR_MILLIS;
/// How long before the look told last others are kept.
const KEPT_MILLIS: u64 = 48 * HOUR_MILLIS;
/// Looks kept of one entity.
const MOST_KEPT: usize = 64;

/// The newest looks at each entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Looks {
    rows: Vec<Recent>,
}

/// Looks at one entity, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    looks: Vec<Look>,
    /// Whether there were older ones.
    forgot: bool,
}

/// When, in milliseconds, times two; plus one if the item was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look(u64);

/// What looks tell of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// There was so much at a time.
    Added(u32, Timestamp),
    /// There was so much less than was told.
    TakenBack(u32, Timestamp),
    /// It was once, and earlier than was told.
    Moved {
        /// When it was told to have been.
        from: Timestamp,
        /// When it was.
        to: Timestamp,
    },
}

/// Who takes what follows.
pub(crate) type Each<'a> = &'a mut dyn FnMut(Measure, Told);

impl Looks {
    /// Whether they are of so many entities, each in the order of time.
    pub(crate) fn fit(&self, rows: usize) -> bool {
        let in_order = |one: &Recent| one.looks.is_sorted_by_key(|look| look.at());
        self.rows.len() == rows && self.rows.iter().all(in_order)
    }

    /// Makes room for so many entities.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, Recent::default());
    }

    /// Forgets an entity's looks.
    pub(crate) fn clear(&mut self, row: usize) {
        self.rows[row] = Recent::default();
    }

    /// Takes a look.
    pub(crate) fn add(&mut self, row: usize, at: Timestamp, found: bool, each: Each<'_>) {
        let counted = match found {
            true => Measure::Found,
            false => Measure::NotFound,
        };
        each(counted, Told::Added(1, at));
        self.rows[row].add(Look::new(at, found), each);
    }

    /// Whether the newest look found the item; `None` before the first.
    pub(crate) fn found(&self, row: usize) -> Option<bool> {
        self.newest(row).map(Look::found)
    }

    /// When the newest look was.
    pub(crate) fn at(&self, row: usize) -> Option<Timestamp> {
        self.newest(row).map(Look::time)
    }

    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        let looks = self.rows.iter().map(|row| row.looks.capacity());
        size_of_val(&self.rows[..]) + looks.sum::<usize>() * size_of::<Look>()
    }

    fn newest(&self, row: usize) -> Option<Look> {
        self.rows[row].looks.last().copied()
    }
}

impl Recent {
    fn add(&mut self, look: Look, each: Each<'_>) {
        let place = self.looks.partition_point(|one| one.at() <= look.at());
        if place == 0 && self.forgot {
            return;
        }
        let before = place.checked_sub(1).map(|before| self.looks[before]);
        let after = self.looks.get(place).copied();
        tell_seconds(before, look, after, each);
        tell_changes(before, look, after, each);
        self.looks.insert(place, look);
        self.forget(look);
    }

    /// Stays within bounds after a look.
    fn forget(&mut self, look: Look) {
        let oldest = look.at().saturating_sub(KEPT_MILLIS);
        let old = self.looks.partition_point(|one| one.at() <= oldest);
        if old > 1 {
            self.looks.drain(..old - 1);
            self.forgot = true;
        }
        if self.looks.len() > MOST_KEPT {
            let confirmed = self.looks.windows(3).position(is_confirmed);
            self.forgot |= confirmed.is_none();
            self.looks.remove(confirmed.map_or(0, |before| before + 1));
        }
    }
}

/// Whether the middle one of three looks tells nothing that the others do not.
fn is_confirmed(looks: &[Look]) -> bool {
    let (before, look, after) = (looks[0], looks[1], looks[2]);
    let is_same = before.found() == look.found() && look.found() == after.found();
    is_same && after.at() - before.at() <= HOLDS_MILLIS
}

/// Tells for how long the shelf was empty, or not, now that there is a look between two others.
fn tell_seconds(before: Option<Look>, look: Look, after: Option<Look>, each: Each<'_>) {
    let mut begin = look.at();
    if let Some(before) = before {
        match after {
            None => before.tell(
                before.at(),
                before.until(look),
                &mut |measure, seconds, at| {
                    each(measure, Told::Added(seconds, at));
                },
            ),
            Some(after) if before.found() == look.found() => begin = begin.max(before.until(after)),
            Some(after) => before.tell(begin, before.until(after), &mut |measure, seconds, at| {
                each(measure, Told::TakenBack(seconds, at));
            }),
        }
    }
    if let Some(after) = after {
        look.tell(begin, look.until(after), &mut |measure, seconds, at| {
            each(measure, Told::Added(seconds, at));
        });
    }
}

/// Tells when the shelf ran empty or was filled.
fn tell_changes(before: Option<Look>, look: Look, after: Option<Look>, each: Each<'_>) {
    let differ =
        |one: Option<Look>, other: Look| one.is_some_and(|one| one.found() != other.found());
    let (came, goes) = (
        differ(before, look),
        after.is_some_and(|after| differ(Some(look), after)),
    );
    match after {
        Some(after) if came && !goes => {
            let (from, to) = (after.time(), look.time());
            each(look.change(), Told::Moved { from, to });
        }
        _ if came => each(look.change(), Told::Added(1, look.time())),
        _ => {}
    }
    if let Some(after) = after.filter(|_| goes && (came || before.is_none())) {
        each(after.change(), Told::Added(1, after.time()));
    }
}

impl Look {
    fn new(at: Timestamp, found: bool) -> Self {
        Self(at.millis() << 1 | u64::from(found))
    }

    fn at(self) -> u64 {
        self.0 >> 1
    }

    fn time(self) -> Timestamp {
        Timestamp::from_millis(self.at())
    }

    fn found(self) -> bool {
        self.0 & 1 == 1
    }

    /// How long it holds if this is the next one.
    fn until(self, next: Self) -> u64 {
        next.at().min(self.at() + HOLDS_MILLIS)
    }

    /// What it means if the look before told the contrary.
    fn change(self) -> Measure {
        match self.found() {
            true => Measure::CameBack,
            false => Measure::WentOut,
        }
    }

    /// Tells the seconds of a time in which it holds, hour by hour.
    fn tell(self, begin: u64, end: u64, each: &mut dyn FnMut(Measure, u32, Timestamp)) {
        let lasted = match self.found() {
            true => Measure::SecondsIn,
            false => Measure::SecondsOut,
        };
        let mut start = begin;
        while start < end {
            let hour_ends = (start / HOUR_MILLIS + 1) * HOUR_MILLIS;
            let stop = end.min(hour_ends);
            // Between whole seconds, so that an hour never has more than 3600 however often it was looked.
            let seconds = whole_seconds(stop) - whole_seconds(start);
            each(lasted, seconds as u32, Timestamp::from_millis(start));
            start = stop;
        }
    }
}

fn whole_seconds(millis: u64) -> u64 {
    (millis + 500) / 1000
}

#[cfg(test)]
mod tests {
    use super::Told::{Added, Moved, TakenBack};
    use super::*;
    use Measure::{Found, NotFound, SecondsIn, SecondsOut, WentOut};

    fn minute(minute: u64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn told(looks: &[(u64, bool)]) -> Vec<(Measure, Told)> {
        let mut all = Looks::default();
        all.resize(1);
        let mut told = Vec::new();
        for (at, found) in looks {
            all.add(0, minute(*at), *found, &mut |measure, what| {
                told.push((measure, what));
            });
        }
        told
    }

    #[test]
    fn the_time_between_two_looks_is_told_hour_by_hour() {
        let expected = [
            (Found, Added(1, minute(90))),
            (NotFound, Added(1, minute(190))),
            (SecondsIn, Added(1800, minute(90))),
            (SecondsIn, Added(3600, minute(120))),
            (SecondsIn, Added(600, minute(180))),
            (WentOut, Added(1, minute(190))),
        ];
        assert_eq!(told(&[(90, true), (190, false)]), expected);
    }

    #[test]
    fn a_look_holds_for_a_day_at_most() {
        let out: u32 = told(&[(0, false), (10_000, true)])
            .iter()
            .map(|told| match told {
                (SecondsOut, Added(seconds, _)) => *seconds,
                _ => 0,
            })
            .sum();
        assert_eq!(out, 24 * 3600);
    }

    #[test]
    fn a_late_look_corrects_the_time_between_its_neighbours() {
        let told = told(&[(0, true), (50, false), (20, false)]);
        let expected = [
            (NotFound, Added(1, minute(20))),
            (SecondsIn, TakenBack(1800, minute(20))),
            (SecondsOut, Added(1800, minute(20))),
            (
                WentOut,
                Moved {
                    from: minute(50),
                    to: minute(20),
                },
            ),
        ];
        assert_eq!(told[4..], expected);
    }

    #[test]
    fn a_look_from_before_all_that_are_kept_is_only_counted() {
        const DAY: u64 = 24 * 60;
        let (oldest, old) = ((0, true), (DAY, true));
        let all = told(&[oldest, old, (4 * DAY, true), (DAY / 2, false)]);
        assert_eq!(all.last(), Some(&(NotFound, Added(1, minute(DAY / 2)))));
    }

    #[test]
    fn looks_that_are_confirmed_make_way_first() {
        let mut all = Looks::default();
        all.resize(1);
        for at in 0..1000 {
            all.add(0, minute(at), at != 3, &mut |_, _| {});
        }
        let kept = &all.rows[0].looks;
        assert_eq!(kept.len(), MOST_KEPT);
        let first: Vec<u64> = kept[..4].iter().map(|look| look.at() / 60_000).collect();
        assert_eq!(first, [0, 2, 3, 4]);
        for at in 0..1000 {
            all.add(0, minute(1000 + at), at % 2 == 0, &mut |_, _| {});
        }
        assert_eq!(all.rows[0].looks.len(), MOST_KEPT);
    }
}
