//! A block of packed cells as words:
//!
//! ```text
//! some some other other width  value value …
//! ```
//!
//! Two masks say which cells are not nothing and which of them are not the usual number either; the values of the latter
//! follow, each of as many words as the width says. Numbers of more than one word begin with their lowest.

use std::ops::Range;

/// Cells of a block.
pub(super) const BLOCK: usize = 32;
/// Words of a block before its values.
pub(super) const HEAD: usize = 5;
/// Words of the widest value.
pub(super) const WIDEST: usize = 4;
/// Added to the width of a block that keeps all cells as they are.
const DENSE: u16 = 1 << 8;

/// Room for the words of any block.
pub(super) struct Room([u16; HEAD + WIDEST * BLOCK]);

impl Default for Room {
    fn default() -> Self {
        Self([0; HEAD + WIDEST * BLOCK])
    }
}

/// A block that is there.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    /// Cells that are not nothing.
    pub(super) some: u32,
    /// Cells that are neither nothing nor the usual number.
    pub(super) other: u32,
    pub(super) width: usize,
    values: &'a [u16],
}

impl<'a> Block<'a> {
    /// A block, if it is there.
    pub(super) fn find(words: &'a [u16], number: usize) -> Option<Self> {
        match words.get(number) {
            None | Some(0) => None,
            Some(at) => {
                let (head, values) = words[usize::from(*at)..].split_at(HEAD);
                Some(Self {
                    some: u32::from(head[1]) << 16 | u32::from(head[0]),
                    other: u32::from(head[3]) << 16 | u32::from(head[2]),
                    width: usize::from(head[4] % DENSE),
                    values,
                })
            }
        }
    }

    /// Words that it takes.
    pub(super) fn len(&self) -> usize {
        HEAD + self.other.count_ones() as usize * self.width
    }

    pub(super) fn get(&self, place: usize, usual: u32) -> u64 {
        if self.has_other(place) {
            self.value(self.rank(place))
        } else if self.some >> place & 1 == 1 {
            usual.into()
        } else {
            0
        }
    }

    /// Whether a cell is neither nothing nor the usual number.
    pub(super) fn has_other(&self, place: usize) -> bool {
        self.other >> place & 1 == 1
    }

    /// How many others come before a place.
    pub(super) fn rank(&self, place: usize) -> usize {
        (self.other & !(u32::MAX << place)).count_ones() as usize
    }

    /// One of the others.
    fn value(&self, rank: usize) -> u64 {
        value(&self.values[rank * self.width..][..self.width])
    }

    pub(super) fn fold<T>(
        &self,
        wanted: u32,
        usual: u32,
        mut done: T,
        each: &mut impl FnMut(T, u64) -> T,
    ) -> T {
        let wanted = self.some & wanted;
        let mut rank = match wanted {
            0 => return done,
            _ => self.rank(wanted.trailing_zeros() as usize),
        };
        for place in places(wanted) {
            let is_other = self.has_other(place);
            let value = match is_other {
                true => self.value(rank),
                false => usual.into(),
            };
            rank += usize::from(is_other);
            done = each(done, value);
        }
        done
    }
}

/// The bits of places.
pub(super) fn mask(places: &Range<usize>) -> u32 {
    match places.len() {
        0 => 0,
        many => (u32::MAX >> (BLOCK - many)) << places.start,
    }
}

/// Bits with that of a place set, or not.
pub(super) fn with(bits: u32, place: usize, is_set: bool) -> u32 {
    bits & !(1 << place) | u32::from(is_set) << place
}

/// Whether a value is neither nothing nor the usual number.
pub(super) fn is_other(value: u64, usual: u32) -> bool {
    value != 0 && value != u64::from(usual)
}

/// All cells of a block.
pub(super) fn unpacked(words: &[u16], number: usize, usual: u32) -> [u64; BLOCK] {
    let mut cells = [0; BLOCK];
    if let Some(block) = Block::find(words, number) {
        let mut rank = 0;
        for place in places(block.some) {
            if block.has_other(place) {
                cells[place] = block.value(rank);
                rank += 1;
            } else {
                cells[place] = usual.into();
            }
        }
    }
    cells
}

/// Where the values of a block begin that keeps all cells as they are, and how wide they are.
pub(super) fn dense(words: &[u16], number: usize) -> Option<(usize, usize)> {
    let at = usize::from(*words.get(number)?);
    let width = words[at + HEAD - 1];
    (at > 0 && width >= DENSE).then(|| (at + HEAD, usize::from(width % DENSE)))
}

/// A value of so many words.
pub(super) fn value(words: &[u16]) -> u64 {
    match words {
        [one] => u64::from(*one),
        [low, high] => u64::from(*high) << 16 | u64::from(*low),
        _ => {
            let add = |value, word: &u16| value << 16 | u64::from(*word);
            words.iter().rev().fold(0, add)
        }
    }
}

/// How cells are packed.
#[derive(Clone, Copy)]
pub(super) struct Packing {
    pub(super) some: u32,
    other: u32,
    width: usize,
    is_dense: bool,
}

impl Packing {
    pub(super) fn of(cells: &[u64; BLOCK], usual: u32) -> Self {
        let (mut some, mut other, mut all) = (0, 0, 0);
        for (place, value) in cells.iter().enumerate() {
            let is_other = is_other(*value, usual);
            some |= u32::from(*value != 0) << place;
            other |= u32::from(is_other) << place;
            all |= if is_other { *value } else { 0 };
        }
        Self {
            some,
            other,
            width: words_of(all),
            is_dense: false,
        }
    }

    /// Of cells of a mask that are all kept as they are.
    pub(super) fn dense(cells: &[u64; BLOCK], mask: u32) -> Self {
        let all = cells.iter().fold(0, |all, value| all | value);
        let some = if all == 0 { 0 } else { mask };
        Self {
            some,
            other: some,
            width: words_of(all),
            is_dense: true,
        }
    }

    /// Whether only values have changed, and there is room for them.
    pub(super) fn fits(&self, block: &Block<'_>) -> bool {
        (self.some, self.other) == (block.some, block.other) && self.width <= block.width
    }

    /// Writes the values of cells, each in so many words; gives how many words they are.
    pub(super) fn put_values(self, cells: &[u64; BLOCK], width: usize, words: &mut [u16]) -> usize {
        let values = words.chunks_exact_mut(width);
        for (place, words) in places(self.other).zip(values) {
            put(words, cells[place]);
        }
        self.other.count_ones() as usize * width
    }

    /// The words of the block; none if all of its cells are nothing.
    pub(super) fn words<'r>(self, cells: &[u64; BLOCK], Room(room): &'r mut Room) -> &'r [u16] {
        if self.some == 0 {
            return &[];
        }
        put_masks(room, self.some, self.other);
        room[HEAD - 1] = self.width as u16 + if self.is_dense { DENSE } else { 0 };
        let values = self.put_values(cells, self.width, &mut room[HEAD..]);
        &room[..HEAD + values]
    }
}

/// Places whose bits are set.
fn places(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (place < u32::BITS).then_some(place as usize)
    })
}

pub(super) fn put_masks(words: &mut [u16], some: u32, other: u32) {
    put(
        &mut words[..HEAD - 1],
        u64::from(other) << 32 | u64::from(some),
    );
}

/// How many words a value needs.
pub(super) fn words_of(value: u64) -> usize {
    let bits = (u64::BITS - value.leading_zeros()) as usize;
    bits.div_ceil(16).max(1)
}

/// Writes a value, its lowest word first.
pub(super) fn put(words: &mut [u16], mut value: u64) {
    match words {
        [one] => *one = value as u16,
        [low, high] => (*low, *high) = (value as u16, (value >> 16) as u16),
        _ => {
            for word in words {
                *word = value as u16;
                value >>= 16;
            }
        }
    }
}
