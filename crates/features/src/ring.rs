//! Ring buckets: sums by hour or by day.
//!
//! Each entity has as many cells as the longest window needs. The cell of a bucket is its number modulo the length, so a
//! fact is added where its event time says, however late it comes, and the oldest bucket is overwritten by the newest. What
//! is older than the row is not added, and counted by the store. Most cells hold nothing: see [`crate::packed`].

use crate::packed::{Cells, Field, Packed};

/// How the cells of a row are a ring. The row itself says which bucket is the next after its newest; 0 if it is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    length: u32,
    is_narrow: bool,
    pub(crate) field: Field,
}

impl Ring {
    /// A ring is narrow if its sums stay within 16 bits, and else within 32, by capping: of seconds a day, those of a group
    /// of more than 49,710 shelves.
    pub(crate) fn new(length: usize, is_narrow: bool, field: Field) -> Self {
        Self {
            length: length as u32,
            is_narrow,
            field,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length as usize
    }

    pub(crate) fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// Adds to a bucket; `false` if it is older than the row reaches.
    pub(crate) fn add(&self, row: &mut Packed, next: u32, bucket: u32, amount: u32) -> bool {
        let is_newest = bucket >= next;
        if is_newest {
            self.clear_between(row, next, bucket);
        } else if !self.reaches(next, bucket) {
            return false;
        }
        let most: u64 = match self.is_narrow {
            true => u16::MAX.into(),
            false => u32::MAX.into(),
        };
        row.update(self.field, bucket % self.length, |sum| {
            // The cell of the newest still holds the oldest.
            let sum = if is_newest { 0 } else { sum };
            most.min(sum + u64::from(amount))
        });
        true
    }

    /// Takes an amount back from a bucket, if that is still there.
    pub(crate) fn take_back(&self, row: &mut Packed, next: u32, bucket: u32, amount: u32) {
        if bucket < next && self.reaches(next, bucket) {
            row.update(self.field, bucket % self.length, |sum| {
                sum.saturating_sub(amount.into())
            });
        }
    }

    /// Whether a row reaches back to a bucket, so that an amount can be added there.
    fn reaches(&self, next: u32, bucket: u32) -> bool {
        bucket + self.length >= next
    }

    /// The buckets of a row.
    pub(crate) fn row<'a>(&self, row: &'a Packed, next: u32) -> Buckets<'a> {
        if next == 0 {
            return Buckets::NONE;
        }
        Buckets {
            next,
            place: next % self.length,
            length: self.length,
            cells: row.cells(self.field),
        }
    }

    /// Empties the buckets before one that is newer than all.
    fn clear_between(&self, row: &mut Packed, next: u32, bucket: u32) {
        let first = next.max((bucket + 1).saturating_sub(self.length));
        let (begin, many) = (first as usize % self.len(), (bucket - first) as usize);
        if many > 0 {
            let end = (begin + many).min(self.len());
            row.clear(self.field, begin..end);
            row.clear(self.field, 0..begin + many - end);
        }
    }
}

/// Buckets at equal distances, from the newest back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    newest: u32,
    many: u32,
    step: u32,
}

impl Run {
    /// The runs of buckets, of which each is as long as it can be.
    pub(crate) fn all(buckets: &[u32], runs: &mut Vec<Self>) {
        runs.clear();
        for bucket in buckets {
            let longer = runs.last().and_then(|run: &Self| run.and(*bucket));
            match (longer, runs.last_mut()) {
                (Some(longer), Some(last)) => *last = longer,
                _ => runs.push(Self {
                    newest: *bucket,
                    many: 1,
                    step: 1,
                }),
            }
        }
    }

    /// With one more, if that is the next.
    fn and(mut self, bucket: u32) -> Option<Self> {
        let oldest = self.newest - (self.many - 1) * self.step;
        let step = oldest.checked_sub(bucket)?;
        if self.many == 1 {
            self.step = step.max(1);
        }
        self.many += 1;
        (step == self.step).then_some(self)
    }
}

/// The buckets of a row. A window asks for many of them, so where the newest lies is worked out once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets<'a> {
    next: u32,
    /// The cell that the next bucket will have.
    place: u32,
    length: u32,
    cells: Cells<'a>,
}

impl Buckets<'_> {
    /// Where nothing is kept.
    pub(crate) const NONE: Self = Self {
        next: 0,
        place: 0,
        length: 0,
        cells: Cells::NONE,
    };

    /// The sum in a bucket; 0 for one that is not there yet or no longer.
    pub(crate) fn get(&self, bucket: u32) -> u32 {
        // A bucket that is not there yet is farther back than any.
        let back = self.next.wrapping_sub(bucket);
        if back.wrapping_sub(1) >= self.length {
            return 0;
        }
        self.cells.get(self.cell(back)) as u32
    }

    /// The cell so many before that of the next bucket: one of the length at most.
    fn cell(&self, back: u32) -> u32 {
        match self.place >= back {
            true => self.place - back,
            false => self.place + self.length - back,
        }
    }

    /// The sum of the buckets of a run.
    pub(crate) fn sum(&self, run: Run) -> u64 {
        self.fold(run, 0, |sum, cell| sum + u64::from(cell))
    }

    /// Goes through the buckets of a run that are not empty, in no order.
    pub(crate) fn fold<T>(&self, run: Run, mut done: T, mut each: impl FnMut(T, u32) -> T) -> T {
        let Some((newest, many)) = self.reach(run) else {
            return done;
        };
        if run.step > 1 {
            let back = self.next - newest;
            let backs = (0..many).map(|one| back + one * run.step);
            let amounts = backs.map(|back| self.cells.get(self.cell(back)) as u32);
            return amounts.filter(|amount| *amount > 0).fold(done, each);
        }
        let end = self.cell(self.next - newest) as usize + 1;
        let (many, length) = (many as usize, self.length as usize);
        let before = many.min(end);
        let mut add = |done, range| {
            self.cells
                .fold(range, done, |done, one| each(done, one as u32))
        };
        done = add(done, end - before..end);
        add(done, length - (many - before)..length)
    }

    /// The newest bucket of a run that is there, and how many there are.
    fn reach(&self, run: Run) -> Option<(u32, u32)> {
        // Buckets that are not there yet hold nothing, and neither do those that are no longer.
        let ahead = (run.newest + 1)
            .saturating_sub(self.next)
            .div_ceil(run.step);
        let newest = run.newest.checked_sub(ahead * run.step)?;
        let room = (newest + self.length).checked_sub(self.next)?;
        let many = run.many.checked_sub(ahead)?.min(room / run.step + 1);
        (many > 0).then_some((newest, many))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Fields;
    use proptest::prelude::*;

    /// A ring of one row.
    struct One {
        ring: Ring,
        cells: Packed,
        next: u32,
    }

    impl One {
        fn new(length: usize, is_narrow: bool) -> Self {
            let mut fields = Fields::default();
            let first = fields.take(length, 2);
            Self {
                ring: Ring::new(length, is_narrow, fields.field(first, length, 1)),
                cells: Packed::default(),
                next: 0,
            }
        }

        fn add(&mut self, bucket: u32, amount: u32) -> bool {
            let fits = self.ring.add(&mut self.cells, self.next, bucket, amount);
            self.next = self.next.max(bucket + 1);
            fits
        }

        fn take_back(&mut self, bucket: u32, amount: u32) {
            self.ring
                .take_back(&mut self.cells, self.next, bucket, amount);
        }

        fn row(&self) -> Buckets<'_> {
            self.ring.row(&self.cells, self.next)
        }
    }

    /// The plain form: a number for each bucket ever.
    #[derive(Default)]
    struct Plain {
        sums: Vec<u32>,
        next: u32,
    }

    impl Plain {
        fn reaches(&self, bucket: u32, length: u32) -> bool {
            bucket + length >= self.next
        }

        fn add(&mut self, bucket: u32, amount: u32, length: u32) -> bool {
            if !self.reaches(bucket, length) {
                return false;
            }
            self.next = self.next.max(bucket + 1);
            self.sums.resize(self.sums.len().max(self.next as usize), 0);
            self.sums[bucket as usize] += amount;
            true
        }

        fn take_back(&mut self, bucket: u32, amount: u32, length: u32) {
            if bucket < self.next && self.reaches(bucket, length) {
                let sum = &mut self.sums[bucket as usize];
                *sum = sum.saturating_sub(amount);
            }
        }

        fn get(&self, bucket: u32, length: u32) -> u32 {
            match self.reaches(bucket, length) {
                true => self.sums.get(bucket as usize).copied().unwrap_or(0),
                false => 0,
            }
        }
    }

    proptest! {
        /// By runs as one by one, however the ring lies.
        #[test]
        fn a_run_is_its_buckets(
            told in proptest::collection::vec((0..90u32, 1..9u32), 0..20),
            (newest, many, step) in (0..99u32, 0..40u32, 1..30u32),
            length in 1..60usize,
            is_narrow: bool,
        ) {
            let mut ring = One::new(length, is_narrow);
            for (bucket, amount) in told {
                ring.add(bucket, amount);
            }
            let buckets: Vec<u32> = (0..many).map_while(|one| newest.checked_sub(one * step)).collect();
            let (mut runs, row) = (Vec::new(), ring.row());
            Run::all(&buckets, &mut runs);
            prop_assert!(runs.len() <= 1);
            let mut one_by_one: Vec<u32> = buckets.iter().map(|bucket| row.get(*bucket)).filter(|amount| *amount > 0).collect();
            let mut by_runs = Vec::new();
            for run in &runs {
                row.fold(*run, (), |(), amount| by_runs.push(amount));
            }
            one_by_one.sort_unstable();
            by_runs.sort_unstable();
            prop_assert_eq!(by_runs, one_by_one);
        }

        /// What is told in any order, and taken back, is where a number for each bucket ever has it.
        #[test]
        fn a_ring_is_what_a_number_for_each_bucket_says(
            told in proptest::collection::vec((0..400u32, 0..4000u32, any::<bool>()), 0..60),
            length in 1..90u32,
        ) {
            let (mut ring, mut plain) = (One::new(length as usize, false), Plain::default());
            for (bucket, amount, is_added) in told {
                match is_added {
                    true => prop_assert_eq!(ring.add(bucket, amount), plain.add(bucket, amount, length)),
                    false => {
                        ring.take_back(bucket, amount);
                        plain.take_back(bucket, amount, length);
                    }
                }
                let row = ring.row();
                for bucket in 0..420 {
                    prop_assert_eq!(row.get(bucket), plain.get(bucket, length), "{}", bucket);
                }
            }
        }

        /// Buckets in any order are in runs.
        #[test]
        fn runs_hold_each_bucket_once(buckets in proptest::collection::vec(0..50u32, 0..30)) {
            let mut runs = Vec::new();
            Run::all(&buckets, &mut runs);
            let each = runs.iter().flat_map(|run| (0..run.many).map(|one| run.newest - one * run.step));
            prop_assert_eq!(each.collect::<Vec<_>>(), buckets);
        }
    }

    #[test]
    fn late_amounts_land_in_their_bucket_and_old_buckets_make_way() {
        for is_narrow in [false, true] {
            let mut ring = One::new(4, is_narrow);
            assert!(ring.add(10, 5));
            assert!(ring.add(12, 7));
            assert!(ring.add(11, 1), "late, but within reach");
            assert!(ring.add(9, 2), "the oldest within reach");
            assert!(!ring.add(8, 9), "out of reach");
            let row = |ring: &One| (8..14).map(|one| ring.row().get(one)).collect::<Vec<_>>();
            assert_eq!(row(&ring), [0, 2, 5, 1, 7, 0]);
            ring.take_back(8, 9);
            ring.take_back(14, 9);
            ring.take_back(11, 1);
            assert_eq!(
                row(&ring),
                [0, 2, 5, 0, 7, 0],
                "where it is, and only there"
            );
            assert!(ring.add(11, 1));
            assert!(ring.add(13, 3));
            assert_eq!(row(&ring), [0, 0, 5, 1, 7, 3]);
            assert!(ring.add(100, 1));
            assert_eq!(row(&ring), [0; 6]);
        }
    }

    #[test]
    fn a_sum_of_more_than_fits_stays_at_the_most() {
        const DAY: u32 = 86_400;
        for (is_narrow, shelves, most) in [(false, 49_710, u32::MAX), (true, 0, u16::MAX.into())] {
            let mut ring = One::new(4, is_narrow);
            (0..shelves).for_each(|_| assert!(ring.add(10, DAY)));
            assert_eq!(ring.row().get(10), shelves * DAY, "so many fit");
            for _ in 0..3 {
                assert!(ring.add(10, DAY));
                assert_eq!(ring.row().get(10), most);
            }
            ring.take_back(10, 60_000);
            assert_eq!(ring.row().get(10), most - 60_000);
            (0..shelves + 3).for_each(|_| ring.take_back(10, DAY));
            assert_eq!(ring.row().get(10), 0, "never below nothing");
        }
    }
}
