//! One bit, and one byte, of each row of a block.
//!
//! Every function here is a loop without branches over arrays of a known size. Together with [`super::Sliced::batch`] they
//! become vector instructions, of the widest kind that the machine has, and for that they must be part of it: hence
//! `inline(always)`.

/// Rows of a block. Half as many made each dearer by a fifth.
pub(super) const ROWS: usize = 512;

const WORDS: usize = ROWS / 64;

/// Rows whose bytes have the room of a plane.
const PART: usize = ROWS / 8;

/// A byte of each row.
pub(super) type Bytes = [u8; ROWS];

/// An answer of each row. Which bit is whose is known to [`planes`] and [`bytes`] alone.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Bits([u64; WORDS]);

impl Bits {
    pub(super) const NONE: Self = Self([0; WORDS]);
    pub(super) const ALL: Self = Self([!0; WORDS]);

    #[inline(always)]
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    #[inline(always)]
    pub(super) fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    #[inline(always)]
    pub(super) fn but_not(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// Of each row the one's bit if this one is set, else the other's.
    #[inline(always)]
    pub(super) fn choose(&self, one: &Self, other: &Self) -> Self {
        one.and(self).or(&other.but_not(self))
    }
}

/// The eight bits of each row's byte, the lowest first.
#[inline(always)]
pub(super) fn planes(bytes: &Bytes) -> [Bits; 8] {
    // Not `from_fn`: that was compiled into single words, and took twice as long.
    let mut planes = [Bits::NONE; 8];
    for (plane, part) in planes.iter_mut().zip(bytes.as_chunks::<PART>().0) {
        for (word, bytes) in plane.0.iter_mut().zip(part.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
    }
    transpose(planes)
}

/// The byte of each row, from its bits.
#[inline(always)]
pub(super) fn bytes(planes: [Bits; 8], bytes: &mut Bytes) {
    let parts = bytes.as_chunks_mut::<PART>().0;
    for (part, plane) in parts.iter_mut().zip(transpose(planes)) {
        for (bytes, word) in part.as_chunks_mut().0.iter_mut().zip(plane.0) {
            *bytes = word.to_le_bytes();
        }
    }
}

/// In the eight bytes at each place: bit `i` of byte `j` changes places with bit `j` of byte `i`. Done twice, it is undone.
#[inline(always)]
fn transpose([a, b, c, d, e, f, g, h]: [Bits; 8]) -> [Bits; 8] {
    let ((a, e), (b, f)) = (exchange::<4>(a, e), exchange::<4>(b, f));
    let ((c, g), (d, h)) = (exchange::<4>(c, g), exchange::<4>(d, h));
    let ((a, c), (b, d)) = (exchange::<2>(a, c), exchange::<2>(b, d));
    let ((e, g), (f, h)) = (exchange::<2>(e, g), exchange::<2>(f, h));
    let ((a, b), (c, d)) = (exchange::<1>(a, b), exchange::<1>(c, d));
    let ((e, f), (g, h)) = (exchange::<1>(e, f), exchange::<1>(g, h));
    [a, b, c, d, e, f, g, h]
}

/// The upper bits of each `2 * BY` in one plane change places with the lower ones of the other.
#[inline(always)]
fn exchange<const BY: u32>(mut near: Bits, mut far: Bits) -> (Bits, Bits) {
    // Of `2 * BY` bits the lower ones: 0x0f0f..., 0x3333..., or 0x5555...
    let lower = u64::MAX / ((1 << BY) + 1);
    for (near, far) in near.0.iter_mut().zip(&mut far.0) {
        let differ = ((*near >> BY) ^ *far) & lower;
        *far ^= differ;
        *near ^= differ << BY;
    }
    (near, far)
}
