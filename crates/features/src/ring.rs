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

/// Sums stay within 32 bits by capping; where 16 are enough for certain, half the memory serves.
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
        let cell = match self.place >= back {
            true => self.place - back,
            false => self.place + self.length - back,
        };
        match self.cells {
            Slice::Narrow(cells) => cells[cell as usize].into(),
            Slice::Wide(cells) => cells[cell as usize],
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
}
