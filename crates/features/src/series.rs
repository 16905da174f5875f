//! A series: everything kept of one measure for one kind of entity.

use crate::calendar::{HOURS_A_DAY, hour_of};
use crate::decay::{CELLS, Sums, Usual};
use crate::fading::Fading;
use crate::packed::{Fields, Packed};
use crate::plan::{LEAST_HOURS, SeriesPlan};
use crate::ring::{Buckets, Ring};
use onhand_core::Timestamp;

/// Seconds of an hour in which a shelf was looked after; those of a day.
const FULL_HOUR: u32 = 3600;
const FULL_DAY: u32 = FULL_HOUR * HOURS_A_DAY;

/// Rows by the number of the entity. It is saved as flat arrays: see [`crate::saved`].
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) hours: Option<Ring>,
    pub(crate) days: Option<Ring>,
    /// How usual amounts fade.
    pub(crate) fadings: Vec<Fading>,
    pub(crate) rows: Vec<Row>,
    /// Usual amounts of each row, if any are kept.
    pub(crate) usual: Vec<Usual>,
    /// Bytes of all cells and usual amounts.
    packed: usize,
}

/// What is kept of one entity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// When it last grew; the epoch if it never did.
    pub(crate) last: Timestamp,
    /// The newest hour, plus one; 0 if the row is empty.
    pub(crate) next: u32,
    /// The day that usual amounts are at, plus one; 0 if there are none.
    pub(crate) day: u32,
    pub(crate) cells: Packed,
}

/// What happened in hours one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts<'a> {
    /// Hours, each with how much it was: more than nothing.
    pub(crate) hours: &'a [(u32, u32)],
    /// When the last of it happened.
    pub(crate) newest: Timestamp,
}

/// What a series keeps of each entity.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Hours; 0 for none.
    pub(crate) hours: usize,
    /// Whether an hour's sum is small for certain: seconds of one shelf.
    pub(crate) is_narrow: bool,
    /// Days; 0 for none.
    pub(crate) days: usize,
    /// How usual amounts fade.
    pub(crate) usual: Vec<Fading>,
}

impl SeriesPlan {
    fn shape(&self) -> Shape {
        Shape {
            hours: self.hours,
            is_narrow: self.is_narrow() && self.hours > 0,
            days: self.days,
            usual: self.usual.iter().map(|one| (*one).into()).collect(),
        }
    }

    /// Whether a row has room for all that is asked of it.
    pub(crate) fn has_room(&self) -> bool {
        Series::of(self.shape(), 0).is_some()
    }
}

impl Series {
    pub(crate) fn new(plan: &SeriesPlan) -> Self {
        let mut series =
            Self::of(plan.shape(), 0).expect("a set that asks for too much is refused");
        series.make_ready(plan);
        series
    }

    /// An empty series of so many entities, not ready for use; `None` if it keeps more than a row has room for.
    pub(crate) fn of(shape: Shape, rows: usize) -> Option<Self> {
        let mut fields = Fields::default();
        let hours = fields.take(shape.hours, if shape.is_narrow { 1 } else { 2 });
        let days = fields.take(shape.days, 2);
        if !fields.fit() {
            return None;
        }
        let (hour, day) = match shape.is_narrow {
            true => (FULL_HOUR, FULL_DAY),
            false => (1, 1),
        };
        let ring = |first, length, is_narrow, usual| {
            let field = fields.field(first, length, usual);
            (length > 0).then(|| Ring::new(length, is_narrow, field))
        };
        Some(Self {
            hours: ring(hours, shape.hours, shape.is_narrow, hour),
            days: ring(days, shape.days, false, day),
            usual: vec![Usual::default(); if shape.usual.is_empty() { 0 } else { rows }],
            fadings: shape.usual,
            rows: vec![Row::default(); rows],
            packed: 0,
        })
    }

    /// Whether it is what a plan asks for, of so many entities.
    pub(crate) fn fits(&self, plan: &SeriesPlan, rows: usize) -> bool {
        let fits = |ring: &Option<Ring>, length, is_narrow| match ring {
            Some(ring) => (ring.len(), ring.is_narrow()) == (length, is_narrow),
            None => length == 0,
        };
        let usual = self.fadings.iter().map(Fading::half_life);
        fits(&self.hours, plan.hours, plan.is_narrow())
            && fits(&self.days, plan.days, false)
            && usual.eq(plan.usual.iter().copied())
            && self.rows.len() == rows
    }

    /// Makes it ready for use, after it was read. What a group is told changes cells that hold something: of many SKUs at
    /// locations something happens in every hour.
    pub(crate) fn make_ready(&mut self, plan: &SeriesPlan) {
        let is_dense = plan.entity != 0;
        let rings = self.hours.iter_mut().chain(&mut self.days);
        rings.for_each(|ring| ring.field.is_dense = is_dense);
        for fading in &mut self.fadings {
            *fading = Fading::new(fading.half_life());
        }
        let cells = self.rows.iter().map(|row| row.cells.bytes());
        let usual = self.usual.iter().map(Usual::bytes);
        self.packed = cells.chain(usual).sum();
    }

    /// Makes room for so many entities.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, Row::default());
        if !self.fadings.is_empty() {
            self.usual.resize(rows, Usual::default());
        }
    }

    /// Forgets an entity.
    pub(crate) fn clear(&mut self, row: usize) {
        self.packed -= std::mem::take(&mut self.rows[row]).cells.bytes();
        if let Some(usual) = self.usual.get_mut(row) {
            self.packed -= std::mem::take(usual).bytes();
        }
    }

    /// Adds what happened at a time to an entity known since a day; `false` if that is too long ago for a window, or
    /// before that day.
    fn add(&mut self, row: usize, first: u32, amount: u32, at: Timestamp) -> bool {
        let amounts = Amounts {
            hours: &[(hour_of(at), amount)],
            newest: at,
        };
        self.add_all(row, first, amounts) == 0
    }

    /// Adds what happened in some hours; gives how many of them are too long ago.
    pub(crate) fn add_all(&mut self, row: usize, first: u32, amounts: Amounts<'_>) -> u64 {
        let (mut usual, row) = (self.usual.get_mut(row), &mut self.rows[row]);
        let usual_bytes = |usual: &Option<&mut Usual>| usual.as_ref().map_or(0, |one| one.bytes());
        let (before, mut late) = (row.cells.bytes() + usual_bytes(&usual), 0);
        let mut left = amounts.hours;
        while let Some((hour, _)) = left.first() {
            let day = hour / HOURS_A_DAY;
            let of_day = left.partition_point(|(hour, _)| *hour < (day + 1) * HOURS_A_DAY);
            let (today, later) = left.split_at(of_day);
            let mut is_late = day < first;
            if let Some(days) = &self.days {
                let sum = today
                    .iter()
                    .fold(0, |sum: u32, one| sum.saturating_add(one.1));
                is_late |= !days.add(&mut row.cells, next_day(row.next), day, sum);
            }
            for &(hour, amount) in today {
                let fits = match &self.hours {
                    Some(hours) => hours.add(&mut row.cells, row.next, hour, amount),
                    None => true,
                };
                late += u64::from(is_late || !fits);
                row.next = row.next.max(hour + 1);
                if let Some(usual) = usual.as_mut().filter(|_| day >= first) {
                    usual.add(&self.fadings, &mut row.day, hour, amount);
                }
            }
            left = later;
        }
        row.last = row.last.max(amounts.newest);
        self.packed = self.packed + row.cells.bytes() + usual_bytes(&usual) - before;
        late
    }

    /// Takes back what was added; when it last grew stays.
    pub(crate) fn take_back(&mut self, row: usize, first: u32, amount: u32, at: Timestamp) {
        let (hour, usual) = (hour_of(at), self.usual.get_mut(row));
        let row = &mut self.rows[row];
        let before = row.cells.bytes();
        if let Some(hours) = &self.hours {
            hours.take_back(&mut row.cells, row.next, hour, amount);
        }
        if let Some(days) = &self.days {
            let next = next_day(row.next);
            days.take_back(&mut row.cells, next, hour / HOURS_A_DAY, amount);
        }
        if let Some(usual) = usual.filter(|_| hour / HOURS_A_DAY >= first) {
            usual.take_back(&self.fadings, row.day, hour, amount);
        }
        self.packed = self.packed + row.cells.bytes() - before;
    }

    /// What happened once at a time happened earlier. If it was the last, it is so still: of a group another one may have
    /// been in between, and is then passed over.
    pub(crate) fn move_back(
        &mut self,
        row: usize,
        first: u32,
        (from, to): (Timestamp, Timestamp),
    ) -> bool {
        self.take_back(row, first, 1, from);
        let was_last = self.rows[row].last == from;
        let fits = self.add(row, first, 1, to);
        if was_last {
            self.rows[row].last = to;
        }
        fits
    }

    /// Whether a first amount can be added to the hour of a time: it has none, and is not too long ago.
    pub(crate) fn is_first(&self, row: usize, at: Timestamp) -> bool {
        let hour = hour_of(at);
        // A fixed reach: how long the ring is depends on what other features ask of it.
        let reaches = hour + LEAST_HOURS as u32 >= self.rows[row].next;
        self.hours.is_some() && reaches && self.hours(row).get(hour) == 0
    }

    /// The sums by hour.
    pub(crate) fn hours(&self, row: usize) -> Buckets<'_> {
        let (hours, row) = (self.hours.as_ref(), &self.rows[row]);
        hours.map_or(Buckets::NONE, |hours| hours.row(&row.cells, row.next))
    }

    /// The sums by day.
    pub(crate) fn days(&self, row: usize) -> Buckets<'_> {
        let (days, row) = (self.days.as_ref(), &self.rows[row]);
        days.map_or(Buckets::NONE, |days| {
            days.row(&row.cells, next_day(row.next))
        })
    }

    /// Usual amounts, by their place in the plan.
    pub(crate) fn usual(&self, place: usize, row: usize) -> Sums<'_> {
        Sums {
            fading: &self.fadings[place],
            place: (place, self.fadings.len()),
            at: self.rows[row].day,
            usual: &self.usual[row],
        }
    }

    /// How many numbers are saved of it.
    pub(crate) fn numbers(&self) -> usize {
        let rings = [&self.hours, &self.days].into_iter().flatten();
        let rings = rings.map(|ring| ring.len() + 1).sum::<usize>();
        self.rows.len() * (rings + self.fadings.len() * (2 * CELLS + 1) + 1)
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + size_of_val(&self.usual[..]) + self.packed
    }

    /// When it last grew.
    pub(crate) fn last(&self, row: usize) -> Option<Timestamp> {
        let last = self.rows[row].last;
        (last > Timestamp::default()).then_some(last)
    }
}

/// The day after that of the newest hour, by the hour after it; 0 if there is none.
pub(crate) fn next_day(next: u32) -> u32 {
    next.div_ceil(HOURS_A_DAY)
}
