//! Pushed values: what others told, as of a time.
//!
//! A value holds from its own time on, which may lie ahead: tomorrow's promotion is told today. So the one that holds
//! and the next few of each entity are kept by the time they hold from, and a request about tomorrow gets tomorrow's. A
//! value told again for the same time takes the place of the one before. Where more lie ahead than there is room for, the
//! farthest is let go and counted: what holds now is never pushed out. Most names hold one value for long, so no room is
//! taken for values that were not told; saved they are as many for each entity, told or not.

use crate::calendar::HOUR_MILLIS;
use crate::saved::Column;
use onhand_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values kept of one name for one entity: what holds, and three ahead.
const KEPT: usize = 4;

/// The values of one name for many entities.
#[derive(Clone, Debug, Default)]
pub(crate) struct PushedValues {
    /// By the time they hold from, the oldest first; at most [`KEPT`] for each entity.
    rows: Vec<Box<[Held]>>,
    /// How many there are of all entities.
    held: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    from: Timestamp,
    /// In millionths.
    value: i64,
}

/// The values of an entity in as many places as there are: empty ones come first.
type Places = [Option<Held>; KEPT];

impl Serialize for PushedValues {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let all = self.rows.iter().flat_map(|row| places(row));
        Column(self.rows.len() * KEPT, all).serialize(to)
    }
}

impl<'d> Deserialize<'d> for PushedValues {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let places = Vec::<Option<Held>>::deserialize(from)?;
        if places.len() % KEPT != 0 {
            let what = "the pushed values of an entity are not all there";
            return Err(serde::de::Error::custom(what));
        }
        let rows = places.chunks_exact(KEPT);
        let rows: Vec<Box<[Held]>> = rows
            .map(|row| row.iter().copied().flatten().collect())
            .collect();
        Ok(Self {
            held: rows.iter().map(|row| row.len()).sum(),
            rows,
        })
    }
}

impl PushedValues {
    /// Whether they are of so many entities.
    pub(crate) fn fit(&self, rows: usize) -> bool {
        self.rows.len() == rows
    }

    /// Makes room for so many entities.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, Box::default());
    }

    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + self.held * size_of::<Held>()
    }

    /// Forgets an entity's values.
    pub(crate) fn clear(&mut self, row: usize) {
        self.keep(row, &[None; KEPT]);
    }

    /// Takes a value that holds from a time on; `false` if one that lies ahead had to be let go.
    pub(crate) fn put(&mut self, row: usize, from: Timestamp, value: i64, now: Timestamp) -> bool {
        let told = Held { from, value };
        if let Some(same) = self.rows[row].iter_mut().find(|held| held.from == from) {
            *same = told;
            return true;
        }
        let mut places = places(&self.rows[row]);
        let is_full = places[0].is_some();
        let all = places.iter().flatten().chain([&told]);
        let is_past = all.filter(|held| held.from <= now).count() > 1;
        let place = if is_full && !is_past { KEPT - 1 } else { 0 };
        let is_out = |held: Held| match place {
            0 => from < held.from,
            _ => from > held.from,
        };
        if !places[place].is_some_and(is_out) {
            places[place] = Some(told);
            places.sort_unstable_by_key(|held| held.map(|held| held.from));
            self.keep(row, &places);
        }
        place == 0
    }

    fn keep(&mut self, row: usize, places: &Places) {
        let kept: Box<[Held]> = places.iter().copied().flatten().collect();
        self.held = self.held + kept.len() - self.rows[row].len();
        self.rows[row] = kept;
    }

    /// The value that holds at a time.
    pub(crate) fn value(&self, row: usize, at: Timestamp) -> Option<f64> {
        self.held(row, at).map(|held| held.value as f64 / 1e6)
    }

    /// For how many hours the value has held.
    pub(crate) fn hours(&self, row: usize, at: Timestamp) -> Option<f64> {
        let since = self.from(row, at)?;
        Some(at.since(since).millis() as f64 / HOUR_MILLIS as f64)
    }

    /// Since when the value has held.
    pub(crate) fn from(&self, row: usize, at: Timestamp) -> Option<Timestamp> {
        self.held(row, at).map(|held| held.from)
    }

    fn held(&self, row: usize, at: Timestamp) -> Option<&Held> {
        self.rows[row].iter().rev().find(|held| held.from <= at)
    }
}

fn places(row: &[Held]) -> Places {
    let empty = KEPT - row.len();
    std::array::from_fn(|place| place.checked_sub(empty).map(|told| row[told]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: u64) -> Timestamp {
        Timestamp::from_millis(hour * HOUR_MILLIS)
    }

    #[test]
    fn a_value_holds_from_its_time_on_and_may_lie_ahead() {
        let mut values = PushedValues::default();
        values.resize(1);
        values.put(0, at(24), 800_000, at(20));
        values.put(0, at(48), 1_000_000, at(20));
        assert_eq!(values.value(0, at(23)), None);
        assert_eq!(values.value(0, at(30)), Some(0.8));
        assert_eq!(values.hours(0, at(30)), Some(6.0));
        assert_eq!(values.value(0, at(48)), Some(1.0));
        values.put(0, at(24), 700_000, at(20));
        assert_eq!(values.value(0, at(30)), Some(0.7), "told again");
    }

    #[test]
    fn the_newest_values_are_kept() {
        let mut values = PushedValues::default();
        values.resize(1);
        for hour in [50, 10, 40, 30, 20] {
            assert!(values.put(0, at(hour), hour as i64, at(60)));
        }
        assert_eq!(values.value(0, at(19)), None);
        assert_eq!(values.value(0, at(29)), Some(20.0 / 1e6));
        assert_eq!(values.value(0, at(99)), Some(50.0 / 1e6));
    }
    #[test]
    fn what_lies_far_ahead_never_pushes_out_what_holds() {
        let mut values = PushedValues::default();
        values.resize(1);
        let ahead = [200, 100, 300, 400, 150];
        let told = ahead.map(|hour| values.put(0, at(hour), hour as i64, at(10)));
        assert_eq!(told, [true, true, true, true, false], "400 is let go");
        assert!(!values.put(0, at(9), 9, at(10)), "300 makes way for now");
        assert!(
            !values.put(0, at(9999), 1, at(10)),
            "there is no room for it"
        );
        let found = [10, 100, 150, 9999].map(|hour| values.value(0, at(hour)));
        assert_eq!(
            found,
            [9, 100, 150, 200].map(|hour| Some(f64::from(hour) / 1e6))
        );
        assert!(values.put(0, at(8), 8, at(10)), "past is what held before");
        assert!(values.put(0, at(10), 10, at(10)), "9 is past now");
        assert_eq!(values.value(0, at(9999)), Some(200.0 / 1e6));
        assert_eq!(values.value(0, at(9)), None);
    }

    /// The plain form: as many places as there may be values.
    fn put(row: &mut Places, from: Timestamp, value: i64, now: Timestamp) -> bool {
        let told = Held { from, value };
        if let Some(same) = row.iter_mut().flatten().find(|held| held.from == from) {
            same.value = value;
            return true;
        }
        let is_full = row[0].is_some();
        let all = row.iter().flatten().chain([&told]);
        let is_past = all.filter(|held| held.from <= now).count() > 1;
        let place = if is_full && !is_past { KEPT - 1 } else { 0 };
        let is_out = |held: Held| match place {
            0 => from < held.from,
            _ => from > held.from,
        };
        if !row[place].is_some_and(is_out) {
            row[place] = Some(told);
            row.sort_unstable_by_key(|held| held.map(|held| held.from));
        }
        place == 0
    }

    proptest! {
        /// Only what was told takes memory, and it is what places for all would hold, saved and read too.
        #[test]
        fn values_without_empty_places_are_those_with_them(
            told in proptest::collection::vec((0..3usize, 0..40u64, 0..9i64), 0..40),
        ) {
            let (mut values, mut plain) = (PushedValues::default(), [[None; KEPT]; 3]);
            values.resize(3);
            for (now, (row, hour, value)) in told.into_iter().enumerate() {
                let now = at(now as u64);
                let fits = put(&mut plain[row], at(hour), value, now);
                prop_assert_eq!(values.put(row, at(hour), value, now), fits);
            }
            let saved = postcard::to_allocvec(&values).unwrap();
            let as_plain = postcard::to_allocvec(plain.as_flattened()).unwrap();
            prop_assert_eq!(&saved, &as_plain);
            let read: PushedValues = postcard::from_bytes(&saved).unwrap();
            prop_assert_eq!((&read.rows, read.held), (&values.rows, values.held));
            let told = plain.as_flattened().iter().flatten().count();
            prop_assert_eq!(values.held, told);
        }
    }
}
