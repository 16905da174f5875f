//! Packed cells: many whole numbers of which most are nothing, or the one that is usual among them.
//!
//! What is kept of a SKU at a location is mostly nothing: hours in which none was sold, days without a delivery. And where
//! there is anything it is mostly the same: an hour in which a shelf was looked after has 3600 seconds, what happens seldom
//! happens once. So cells lie in blocks of 32. A block in which every cell is nothing is not there. In one that is there
//! each cell takes two bits, which say whether it is nothing, the usual number or another; the others follow in order, all
//! as wide as the greatest of them. A cell is found by counting the bits before its own.
//!
//! All blocks of a row are in one allocation of 16-bit words, which is exactly as long as they are: an index that says
//! where each block begins, 0 if it is not there, and then the [blocks](Block) in any order.
//!
//! A cell that changes its kind moves what comes after it. That is a copy of a few hundred bytes, and seldom: a cell of
//! what is told is changed more often than begun.

mod block;

use block::{
    BLOCK, Block, HEAD, Packing, Room, WIDEST, dense, is_other, mask, put, put_masks, unpacked,
    value, with, words_of,
};
use std::ops::Range;

/// Words that a row may have: offsets are of one word.
const MOST_WORDS: usize = u16::MAX as usize;

/// Some cells of a row that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The first of its blocks.
    first: u16,
    /// Blocks of the whole row.
    of: u16,
    cells: u16,
    /// The number that is usual among the cells; 0 if none is.
    usual: u32,
    /// Whether cells are kept as they are, nothing too: where most are something they need never move.
    pub(crate) is_dense: bool,
}

/// Gives fields their places in a row, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    blocks: usize,
    words: usize,
}

impl Fields {
    /// Takes places for so many cells, of which none takes more than so many words.
    pub(crate) fn take(&mut self, cells: usize, words: usize) -> usize {
        let blocks = cells.div_ceil(BLOCK);
        self.blocks += blocks;
        self.words += blocks * (1 + HEAD + BLOCK * words);
        self.blocks - blocks
    }

    /// Whether a row of these fields always has room.
    pub(crate) fn fit(&self) -> bool {
        self.words <= MOST_WORDS
    }

    /// The field of so many cells at the places that were taken.
    pub(crate) fn field(&self, first: usize, cells: usize, usual: u32) -> Field {
        Field {
            first: first as u16,
            of: self.blocks as u16,
            cells: cells as u16,
            usual,
            is_dense: false,
        }
    }
}

/// The cells of a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    words: Box<[u16]>,
}

/// The cells of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    words: &'a [u16],
    field: Field,
}

impl Packed {
    pub(crate) fn cells(&self, field: Field) -> Cells<'_> {
        Cells {
            words: &self.words,
            field,
        }
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }

    /// Changes a cell.
    pub(crate) fn update(&mut self, field: Field, cell: u32, change: impl FnOnce(u64) -> u64) {
        self.change(field, field.place(cell), change);
    }

    fn change(
        &mut self,
        field: Field,
        (number, place): (usize, usize),
        change: impl FnOnce(u64) -> u64,
    ) {
        if let Some((first, width)) = dense(&self.words, number) {
            let words = &mut self.words[first + place * width..][..width];
            let after = change(value(words));
            return match words_of(after) <= width {
                true => put(words, after),
                false => self.edit(field, number, |cells| cells[place] = after),
            };
        }
        let Some(block) = Block::find(&self.words, number) else {
            return match change(0) {
                0 => {}
                value => self.edit(field, number, |cells| cells[place] = value),
            };
        };
        let before = block.get(place, field.usual);
        let after = change(before);
        if before == after {
            return;
        }
        let (begin, width) = (self.words[number], block.width);
        let at = usize::from(begin) + HEAD + block.rank(place) * width;
        let was_other = block.has_other(place);
        let is_other = field.is_dense || is_other(after, field.usual);
        let fits = words_of(after) <= width;
        if was_other && is_other && fits {
            return put(&mut self.words[at..at + width], after);
        }
        let some = with(block.some, place, is_other || after != 0);
        let other = with(block.other, place, is_other);
        if some == 0 || is_other && !fits {
            return self.edit(field, number, |cells| cells[place] = after);
        }
        put_masks(&mut self.words[begin.into()..], some, other);
        if was_other {
            self.splice(field, begin, at..at + width, &[]);
        } else if is_other {
            let mut value = [0; WIDEST];
            put(&mut value, after);
            self.splice(field, begin, at..at, &value[..width]);
        }
    }

    /// Changes all cells of a field. `change` is given some of them at once.
    pub(crate) fn each_mut(&mut self, field: Field, mut change: impl FnMut(usize, &mut u64)) {
        let many = usize::from(field.cells);
        for (block, first) in (0..many).step_by(BLOCK).enumerate() {
            self.edit(field, usize::from(field.first) + block, |cells| {
                let cells = cells.iter_mut().take(many - first);
                cells
                    .zip(first..)
                    .for_each(|(value, cell)| change(cell, value));
            });
        }
    }

    /// Makes the cells of a range nothing.
    pub(crate) fn clear(&mut self, field: Field, range: Range<usize>) {
        for (number, places) in field.blocks(range) {
            if let Some((first, width)) = dense(&self.words, number) {
                self.words[first..][places.start * width..places.end * width].fill(0);
                continue;
            }
            let block = Block::find(&self.words, number);
            if block.is_none_or(|block| block.some & mask(&places) == 0) {
                continue;
            }
            match places.len() {
                1 => self.change(field, (number, places.start), |_| 0),
                _ => self.edit(field, number, |cells| cells[places].fill(0)),
            }
        }
    }

    fn edit(&mut self, field: Field, number: usize, change: impl FnOnce(&mut [u64; BLOCK])) {
        let mut cells = unpacked(&self.words, number, field.usual);
        change(&mut cells);
        let new = match field.is_dense {
            true => Packing::dense(&cells, field.mask(number)),
            false => Packing::of(&cells, field.usual),
        };
        let old = match Block::find(&self.words, number) {
            Some(block) if new.fits(&block) => {
                let first = usize::from(self.words[number]) + HEAD;
                let width = block.width;
                new.put_values(&cells, width, &mut self.words[first..]);
                return;
            }
            Some(block) => block.len(),
            None if new.some == 0 => return,
            None => 0,
        };
        if self.words.is_empty() {
            self.words = vec![0; field.of.into()].into();
        }
        if old == 0 {
            self.words[number] = self.words.len() as u16;
        }
        let (begin, mut room) = (self.words[number], Room::default());
        let at = usize::from(begin);
        self.splice(field, begin, at..at + old, new.words(&cells, &mut room));
        if new.some == 0 {
            self.words[number] = 0;
            if self.words.len() == usize::from(field.of) {
                self.words = Box::default();
            }
        }
    }

    /// Puts words in the place of others of a block that begins at a word.
    fn splice(&mut self, field: Field, begin: u16, old: Range<usize>, new: &[u16]) {
        let end = old.start + new.len();
        if end != old.end {
            // An allocator that rounds up has room for some more where they are.
            let mut words = std::mem::take(&mut self.words).into_vec();
            let (before, after) = (words.len(), words.len() - old.end + end);
            words.reserve_exact(after.saturating_sub(before));
            words.resize(before.max(after), 0);
            words.copy_within(old.end..before, end);
            words.truncate(after);
            for other in &mut words[..field.of.into()] {
                if *other > begin {
                    *other = (usize::from(*other) + end - old.end) as u16;
                }
            }
            self.words = words.into();
        }
        self.words[old.start..end].copy_from_slice(new);
    }
}

impl Field {
    /// The block of a cell, and its place there.
    fn place(self, cell: u32) -> (usize, usize) {
        let cell = cell as usize;
        (usize::from(self.first) + cell / BLOCK, cell % BLOCK)
    }

    /// The places of a block that are cells.
    fn mask(self, number: usize) -> u32 {
        let before = (number - usize::from(self.first)) * BLOCK;
        mask(&(0..BLOCK.min(usize::from(self.cells) - before)))
    }

    /// The blocks of a range of cells, each with the places that belong to it.
    fn blocks(self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let mut begin = range.start;
        std::iter::from_fn(move || {
            let (number, place) = self.place(begin as u32);
            let many = (BLOCK - place).min(range.end.checked_sub(begin)?);
            begin += many;
            (many > 0).then_some((number, place..place + many))
        })
    }
}

impl<'a> Cells<'a> {
    /// None at all.
    pub(crate) const NONE: Self = Self {
        words: &[],
        field: Field {
            first: 0,
            of: 0,
            cells: 0,
            usual: 0,
            is_dense: false,
        },
    };

    /// The cell's number.
    pub(crate) fn get(&self, cell: u32) -> u64 {
        let (number, place) = self.field.place(cell);
        if let Some((first, width)) = dense(self.words, number) {
            return value(&self.words[first + place * width..][..width]);
        }
        let block = Block::find(self.words, number);
        block.map_or(0, |block| block.get(place, self.field.usual))
    }

    /// Goes through the cells of a range that are not nothing.
    pub(crate) fn fold<T>(
        &self,
        range: Range<usize>,
        mut done: T,
        mut each: impl FnMut(T, u64) -> T,
    ) -> T {
        for (number, places) in self.field.blocks(range) {
            if let Some((first, width)) = dense(self.words, number) {
                let words = &self.words[first..][places.start * width..places.end * width];
                let values = words.chunks_exact(width).map(value);
                done = values.filter(|value| *value > 0).fold(done, &mut each);
            } else if let Some(block) = Block::find(self.words, number) {
                done = block.fold(mask(&places), self.field.usual, done, &mut each);
            }
        }
        done
    }

    /// All cells, one after the other.
    pub(crate) fn all(self) -> impl Iterator<Item = u64> + Clone + 'a {
        let many = usize::from(self.field.cells);
        let blocks = 0..many.div_ceil(BLOCK);
        let block = move |block| self.block(usize::from(self.field.first) + block);
        blocks.flat_map(block).take(many)
    }

    fn block(&self, number: usize) -> [u64; BLOCK] {
        unpacked(self.words, number, self.field.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MANY: [usize; 3] = [70, 32, 24];

    #[derive(Clone, Debug)]
    enum Change {
        Set(usize, u32, u64),
        Double(usize),
        Clear(usize, usize, usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        let value = prop_oneof![
            3 => Just(0),
            5 => Just(1),
            5 => Just(3600),
            3 => 2..9u64,
            2 => 0..100_000u64,
            1 => 0..=u64::MAX / 4,
        ];
        prop_oneof![
            20 => (0..3usize, 0..24u32, 0..3u32, value).prop_map(|(field, cell, block, value)| {
                Change::Set(field, (cell + 23 * block) % MANY[field] as u32, value)
            }),
            1 => (0..3usize).prop_map(Change::Double),
            1 => (0..3usize, 0..24usize, 0..70usize).prop_map(|(field, from, many)| {
                Change::Clear(field, from, (from + many).min(MANY[field]))
            }),
        ]
    }

    proptest! {
        /// As plain arrays, whatever is changed in which order; and never with room for more.
        #[test]
        fn packed_cells_are_plain_ones(
            changes in proptest::collection::vec(change(), 0..200),
            dense in 0..6usize,
        ) {
            let mut fields = Fields::default();
            let firsts = MANY.map(|many| fields.take(many, 4));
            let usual = [3600, 1, 0];
            let field = |one| Field { is_dense: one == dense, ..fields.field(firsts[one], MANY[one], usual[one]) };
            let fields: Vec<Field> = (0..3).map(field).collect();
            let mut plain = MANY.map(|many| vec![0u64; many]);
            let mut row = Packed::default();
            for change in changes {
                match change {
                    Change::Set(field, cell, value) => {
                        plain[field][cell as usize] = value;
                        row.update(fields[field], cell, |_| value);
                    }
                    Change::Double(field) => {
                        plain[field].iter_mut().for_each(|value| *value = value.saturating_mul(2));
                        row.each_mut(fields[field], |_, value| *value = value.saturating_mul(2));
                    }
                    Change::Clear(field, from, to) => {
                        plain[field][from..to].fill(0);
                        row.clear(fields[field], from..to);
                    }
                }
                for (field, plain) in fields.iter().zip(&plain) {
                    let cells = row.cells(*field);
                    prop_assert_eq!(&cells.all().collect::<Vec<_>>(), plain);
                    let each: Vec<u64> = (0..plain.len() as u32).map(|cell| cells.get(cell)).collect();
                    prop_assert_eq!(&each, plain);
                    for range in [0..plain.len(), 5..plain.len() - 3, 7..8, 9..9] {
                        let wanted: Vec<u64> = plain[range.clone()].iter().copied().filter(|value| *value > 0).collect();
                        let push = |mut all: Vec<u64>, value| { all.push(value); all };
                        prop_assert_eq!(cells.fold(range, Vec::new(), push), wanted);
                    }
                }
                let is_empty = plain.iter().flatten().all(|value| *value == 0);
                prop_assert!(dense < 3 || is_empty == (row.bytes() == 0));
            }
        }
    }

    #[test]
    fn what_is_usual_takes_no_words_and_what_is_small_few() {
        let mut fields = Fields::default();
        let first = fields.take(BLOCK, 4);
        let (field, mut row) = (fields.field(first, BLOCK, 3600), Packed::default());
        let bytes = |row: &Packed| row.bytes() - 2 * (1 + HEAD);
        (0..20).for_each(|cell| row.update(field, cell, |_| 3600));
        assert_eq!(bytes(&row), 0);
        row.update(field, 3, |_| 7);
        row.update(field, 9, |_| 8);
        assert_eq!(bytes(&row), 2 * 2);
        row.update(field, 3, |_| 70_000);
        assert_eq!(bytes(&row), 2 * 4, "as wide as the greatest");
        row.update(field, 9, |_| 3600);
        row.update(field, 3, |_| 3600);
        assert_eq!(bytes(&row), 0);
    }
}
