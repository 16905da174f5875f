//! Ring buckets: sums by hour or by day for many entities, in one flat array.
//!
//! Each entity has a row of as many cells as the longest window needs. The cell of a bucket is its number modulo the
//! length, so a fact is added where its event time says, however late it comes, and the oldest bucket is overwritten
//! by the newest. What is older than the row is not added, and counted by the store.

use serde::{Deserialize, Serialize};

/// Rows of cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ring {
    length: u32,
    /// The newest bucket of each row, plus one; 0 if the row is empty.
    heads: Vec<u32>,
    cells: Cells,
}

/// Sums stay within 32 bits by capping: of seconds a day, those of a group of more than 49,710 shelves. Where 16 bits are
/// enough for certain, half the memory serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Cells {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Ring {
    pub(crate) fn new(length: usize, is_narrow: bool) -> Self {
        Self {
            length: length as u32,
            heads: Vec::new(),
            cells: match is_narrow {
                true => Cells::Narrow(Vec::new()),
                false => Cells::Wide(Vec::new()),
            },
        }
    }

    /// Whether it is one of this kind with so many rows.
    pub(crate) fn fits(&self, length: usize, is_narrow: bool, rows: usize) -> bool {
        let cells = match &self.cells {
            Cells::Narrow(all) if is_narrow => all.len(),
            Cells::Wide(all) if !is_narrow => all.len(),
            _ => return false,
        };
        self.length as usize == length && self.heads.len() == rows && cells == rows * length
    }

    /// Makes room for so many rows.
    pub(crate) fn resize(&mut self, rows: usize) {
        let cells = rows * self.length as usize;
        self.heads.resize(rows, 0);
        match &mut self.cells {
            Cells::Narrow(all) => all.resize(cells, 0),
            Cells::Wide(all) => all.resize(cells, 0),
        }
    }

    /// Empties a row.
    pub(crate) fn clear(&mut self, row: usize) {
        self.heads[row] = 0;
        let first = row * self.length as usize;
        (first..first + self.length as usize).for_each(|cell| self.cells.zero(cell));
    }

    /// Adds to a bucket; `false` if it is older than the row reaches.
    pub(crate) fn add(&mut self, row: usize, bucket: u32, amount: u32) -> bool {
        let next = self.heads[row];
        if bucket >= next {
            self.advance(row, bucket);
        } else if !self.reaches(row, bucket) {
            return false;
        }
        self.cells.add(self.cell(row, bucket), amount);
        true
    }

    /// Takes an amount back from a bucket, if that is still there.
    pub(crate) fn take_back(&mut self, row: usize, bucket: u32, amount: u32) {
        if bucket < self.heads[row] && self.reaches(row, bucket) {
            self.cells.take_back(self.cell(row, bucket), amount);
        }
    }

    /// Whether a row reaches back to a bucket, so that an amount can be added there.
    pub(crate) fn reaches(&self, row: usize, bucket: u32) -> bool {
        self.reaches_within(row, bucket, self.length)
    }

    /// Whether a bucket is one of so many up to the newest, or later.
    pub(crate) fn reaches_within(&self, row: usize, bucket: u32, length: u32) -> bool {
        bucket + length >= self.heads[row]
    }

    /// The buckets of a row.
    pub(crate) fn row(&self, row: usize) -> Buckets<'_> {
        let next = self.heads[row];
        if next == 0 {
            return Buckets::NONE;
        }
        let cells = row * self.length as usize..(row + 1) * self.length as usize;
        Buckets {
            next,
            place: next % self.length,
            length: self.length,
            cells: match &self.cells {
                Cells::Narrow(all) => Slice::Narrow(&all[cells]),
                Cells::Wide(all) => Slice::Wide(&all[cells]),
            },
        }
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let cells = match &self.cells {
            Cells::Narrow(all) => size_of_val(&all[..]),
            Cells::Wide(all) => size_of_val(&all[..]),
        };
        cells + size_of_val(&self.heads[..])
    }

    /// Makes `bucket` the newest: the cells between are empty.
    fn advance(&mut self, row: usize, bucket: u32) {
        let next = self.heads[row];
        let first = next.max((bucket + 1).saturating_sub(self.length));
        for passed in first..=bucket {
            self.cells.zero(self.cell(row, passed));
        }
        self.heads[row] = bucket + 1;
    }

    fn cell(&self, row: usize, bucket: u32) -> usize {
        row * self.length as usize + (bucket % self.length) as usize
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
    cells: Slice<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Slice<'a> {
    Narrow(&'a [u16]),
    Wide(&'a [u32]),
}

impl Buckets<'_> {
    /// Where nothing is kept.
    pub(crate) const NONE: Self = Self {
        next: 0,
        place: 0,
        length: 0,
        cells: Slice::Wide(&[]),
    };

    /// The sum in a bucket; 0 for one that is not there yet or no longer.
    pub(crate) fn get(&self, bucket: u32) -> u32 {
        // A bucket that is not there yet is farther back than any.
        let back = self.next.wrapping_sub(bucket);
        if back.wrapping_sub(1) >= self.length {
            return 0;
        }
        let cell = self.cell(back);
        match self.cells {
            Slice::Narrow(cells) => cells[cell].into(),
            Slice::Wide(cells) => cells[cell],
        }
    }

    /// The cell so many before that of the next bucket: one of the length at most.
    fn cell(&self, back: u32) -> usize {
        let cell = match self.place >= back {
            true => self.place - back,
            false => self.place + self.length - back,
        };
        cell as usize
    }

    /// The sum of the buckets of a run.
    pub(crate) fn sum(&self, run: Run) -> u64 {
        self.fold(run, 0, |sum, cell| sum + u64::from(cell))
    }

    /// Goes through the buckets of a run that are there, from the newest back.
    pub(crate) fn fold<T>(&self, run: Run, begin: T, mut each: impl FnMut(T, u32) -> T) -> T {
        let Some((first, many)) = self.reach(run) else {
            return begin;
        };
        let step = run.step as usize;
        let cells = |from: usize, many: usize| {
            let last = from - (many - 1) * step;
            last..from + 1
        };
        // Up to the first cell, and from the last one on.
        let before = many.min(first / step + 1);
        let begin = self
            .cells
            .fold(cells(first, before), step, begin, &mut each);
        if before == many {
            return begin;
        }
        let again = first + self.length as usize - before * step;
        self.cells
            .fold(cells(again, many - before), step, begin, &mut each)
    }

    /// The cell of the newest bucket of a run that is there, and how many there are.
    fn reach(&self, run: Run) -> Option<(usize, usize)> {
        // Buckets that are not there yet hold nothing, and neither do those that are no longer.
        let ahead = (run.newest + 1)
            .saturating_sub(self.next)
            .div_ceil(run.step);
        let newest = run.newest.checked_sub(ahead * run.step)?;
        let room = (newest + self.length).checked_sub(self.next)?;
        let many = run.many.checked_sub(ahead)?.min(room / run.step + 1);
        let first = self.cell(self.next - newest);
        (many > 0).then_some((first, many as usize))
    }
}

impl Slice<'_> {
    /// Goes through every so many cells of a range, from its end back.
    fn fold<T>(
        self,
        range: std::ops::Range<usize>,
        step: usize,
        begin: T,
        each: &mut impl FnMut(T, u32) -> T,
    ) -> T {
        match (self, step) {
            (Self::Narrow(cells), 1) => {
                let cells = cells[range].iter().rev();
                cells.fold(begin, |done, cell| each(done, u32::from(*cell)))
            }
            (Self::Wide(cells), 1) => cells[range]
                .iter()
                .rev()
                .fold(begin, |done, cell| each(done, *cell)),
            (Self::Narrow(cells), _) => {
                let cells = cells[range].iter().rev().step_by(step);
                cells.fold(begin, |done, cell| each(done, u32::from(*cell)))
            }
            (Self::Wide(cells), _) => {
                let cells = cells[range].iter().rev().step_by(step);
                cells.fold(begin, |done, cell| each(done, *cell))
            }
        }
    }
}

impl Cells {
    fn zero(&mut self, cell: usize) {
        match self {
            Self::Narrow(all) => all[cell] = 0,
            Self::Wide(all) => all[cell] = 0,
        }
    }

    fn add(&mut self, cell: usize, amount: u32) {
        match self {
            Self::Narrow(all) => {
                let sum = u32::from(all[cell]).saturating_add(amount);
                all[cell] = u16::try_from(sum).unwrap_or(u16::MAX);
            }
            Self::Wide(all) => all[cell] = all[cell].saturating_add(amount),
        }
    }

    fn take_back(&mut self, cell: usize, amount: u32) {
        match self {
            Self::Narrow(all) => {
                let narrow = u16::try_from(amount).unwrap_or(u16::MAX);
                all[cell] = all[cell].saturating_sub(narrow);
            }
            Self::Wide(all) => all[cell] = all[cell].saturating_sub(amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// By runs as one by one, however the ring lies.
        #[test]
        fn a_run_is_its_buckets(
            told in proptest::collection::vec((0..90u32, 1..9u32), 0..20),
            (newest, many, step) in (0..99u32, 0..40u32, 1..30u32),
            length in 1..60usize,
            is_narrow: bool,
        ) {
            let mut ring = Ring::new(length, is_narrow);
            ring.resize(2);
            for (bucket, amount) in told {
                ring.add(1, bucket, amount);
            }
            let buckets: Vec<u32> = (0..many).map_while(|one| newest.checked_sub(one * step)).collect();
            let (mut runs, row) = (Vec::new(), ring.row(1));
            Run::all(&buckets, &mut runs);
            prop_assert!(runs.len() <= 1);
            let one_by_one: Vec<u32> = buckets.iter().map(|bucket| row.get(*bucket)).filter(|amount| *amount > 0).collect();
            let mut by_runs = Vec::new();
            for run in &runs {
                row.fold(*run, (), |(), amount| by_runs.extend((amount > 0).then_some(amount)));
            }
            prop_assert_eq!(by_runs, one_by_one);
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
            let mut ring = Ring::new(4, is_narrow);
            ring.resize(2);
            assert!(ring.add(1, 10, 5));
            assert!(ring.add(1, 12, 7));
            assert!(ring.add(1, 11, 1), "late, but within reach");
            assert!(ring.add(1, 9, 2), "the oldest within reach");
            assert!(!ring.add(1, 8, 9), "out of reach");
            let row = |ring: &Ring| (8..14).map(|one| ring.row(1).get(one)).collect::<Vec<_>>();
            assert_eq!(row(&ring), [0, 2, 5, 1, 7, 0]);
            ring.take_back(1, 8, 9);
            ring.take_back(1, 14, 9);
            ring.take_back(1, 11, 1);
            assert_eq!(
                row(&ring),
                [0, 2, 5, 0, 7, 0],
                "where it is, and only there"
            );
            assert!(ring.add(1, 11, 1));
            assert!(ring.add(1, 13, 3));
            assert_eq!(row(&ring), [0, 0, 5, 1, 7, 3]);
            assert!(ring.add(1, 100, 1));
            assert_eq!(row(&ring), [0; 6]);
            assert_eq!(ring.row(0).get(10), 0, "another row");
            ring.clear(1);
            assert_eq!(ring.row(1).get(100), 0);
        }
    }

    #[test]
    fn a_sum_of_more_than_fits_stays_at_the_most() {
        const DAY: u32 = 86_400;
        for (is_narrow, shelves, most) in [(false, 49_710, u32::MAX), (true, 0, u16::MAX.into())] {
            let mut ring = Ring::new(4, is_narrow);
            ring.resize(1);
            (0..shelves).for_each(|_| assert!(ring.add(0, 10, DAY)));
            assert_eq!(ring.row(0).get(10), shelves * DAY, "so many fit");
            for _ in 0..3 {
                assert!(ring.add(0, 10, DAY));
                assert_eq!(ring.row(0).get(10), most);
            }
            ring.take_back(0, 10, 60_000);
            assert_eq!(ring.row(0).get(10), most - 60_000);
            (0..shelves + 3).for_each(|_| ring.take_back(0, 10, DAY));
            assert_eq!(ring.row(0).get(10), 0, "never below nothing");
        }
    }
}
