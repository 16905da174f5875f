//! One bit, and one byte, of each row of a block.
//!
//! Every function here is a loop without branches over arrays of a known size. Together with [`super::Sliced::batch`] they
//! become vector instructions, of the widest kind that the machine has, and for that they must be part of it: hence
//! `inline(always)`.

/// Rows of a block. Half as many made each dearer by a fifth.
pub(super) const ROWS: usize = 512;

const WORDS: usize = ROWS / 64;

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
    let words = bytes.as_chunks::<8>().0;
    let mut planes = std::array::from_fn(|plane| {
        Bits(std::array::from_fn(|word| {
            u64::from_le_bytes(words[plane * WORDS + word])
        }))
    });
    transpose(&mut planes);
    planes
}

/// The byte of each row, from its bits.
#[inline(always)]
pub(super) fn bytes(mut planes: [Bits; 8], bytes: &mut Bytes) {
    transpose(&mut planes);
    let words = planes.iter().flat_map(|plane| plane.0);
    for (word, bytes) in words.zip(bytes.as_chunks_mut::<8>().0) {
        *bytes = word.to_le_bytes();
    }
}

/// In the eight bytes at each place: bit `i` of byte `j` changes places with bit `j` of byte `i`. Done twice, it is undone.
#[inline(always)]
fn transpose(planes: &mut [Bits; 8]) {
    exchange::<4>(planes, 0x0f0f_0f0f_0f0f_0f0f);
    exchange::<2>(planes, 0x3333_3333_3333_3333);
    exchange::<1>(planes, 0x5555_5555_5555_5555);
}

/// The upper bits of each `BY` in a plane change places with the lower ones of the plane `BY` further on.
#[inline(always)]
fn exchange<const BY: usize>(planes: &mut [Bits; 8], lower: u64) {
    for at in (0..8).filter(|at| at & BY == 0) {
        let (near, far) = planes.split_at_mut(at + BY);
        for (near, far) in near[at].0.iter_mut().zip(&mut far[0].0) {
            let differ = ((*near >> BY) ^ *far) & lower;
            *far ^= differ;
            *near ^= differ << BY;
        }
    }
}
