//! From the values of a feature to the answers to every question about it.
//!
//! A forest knows of a value only how many of the feature's thresholds lie below it: its rank, a byte. Cells of equal
//! width say for almost all values what the rank is, give or take a threshold or two, and the rest is a short search.
//! From the eight bits of the ranks the answer to `rank > place` is made for 16 places of each half-byte, and those of
//! all thresholds are put together from two of them.

use super::bits::{self, Bits, Bytes, ROWS};
use std::collections::BTreeSet;

/// The most that a rank can be: what is missing has it, or one that is lower and above those of all numbers.
const MOST: usize = u8::MAX as usize;

/// Cells that the range of the thresholds is cut into.
const CELLS: usize = 2048;

/// Room for the thresholds and for a search that begins at the last of them.
const ROOM: usize = 512;

/// So many thresholds are all compared with, many values in one instruction, before a search that must take one value after
/// the other would be done.
const COMPARED: usize = 16;

/// A question about a feature: a threshold, and whether a missing value counts as not above it.
pub(super) type Cut = (f32, bool);

/// A feature that the forest asks about.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) feature: usize,
    /// In order; then infinity, which is below no value, but not above one that is missing.
    thresholds: Box<[f32; ROOM]>,
    /// Of each cell, how many thresholds lie in those before it.
    ranks: Box<[u8; CELLS]>,
    /// The rank of the largest values. A missing one has a higher one.
    most: u8,
    low: f32,
    scale: f32,
    /// Steps of a search among the thresholds of a cell.
    steps: u32,
    /// The places of the thresholds of which a missing value is above, and of those of which it is not.
    cuts: [Vec<u8>; 2],
}

impl Column {
    /// The column and its questions, in the order of their answers. `None` if it has more thresholds than ranks.
    pub(super) fn new(feature: usize, cuts: &[Cut]) -> Option<(Self, Vec<Cut>)> {
        let mut thresholds: Vec<f32> = cuts.iter().map(|cut| cut.0).collect();
        thresholds.sort_by(f32::total_cmp);
        thresholds.dedup();
        let low = *thresholds.first()?;
        // A split that sends every value left has the largest number for its threshold: cells that reached so far would
        // all but one be empty.
        let high = thresholds.iter().rfind(|one| **one < f32::MAX);
        let high = high.copied().unwrap_or(low);
        if thresholds.len() >= MOST || thresholds.iter().any(|one| one.is_nan()) {
            return None;
        }
        // Not infinite, and not nothing: the cell of a number must be one.
        let scale = ((CELLS - 2) as f32 / (high - low)).clamp(f32::MIN_POSITIVE, f32::MAX);
        let mut within = vec![0; CELLS];
        for threshold in thresholds.iter().chain([&f32::INFINITY]) {
            within[cell(*threshold, low, scale) as usize] += 1;
        }
        let most: usize = within.iter().copied().max()?;
        let mut ranks = Box::new([0; CELLS]);
        let mut below = 0;
        for (rank, within) in ranks.iter_mut().zip(within) {
            *rank = below as u8;
            below += within;
        }
        let places = |missing_left: bool| {
            let asked = cuts.iter().filter(|cut| cut.1 == missing_left);
            let places = asked.map(|cut| thresholds.partition_point(|one| *one < cut.0) as u8);
            let places: BTreeSet<u8> = places.collect();
            places.into_iter().collect::<Vec<u8>>()
        };
        let cuts = [places(false), places(true)];
        let order = [false, true].into_iter().zip(&cuts);
        let order = order.flat_map(|(missing_left, places)| {
            let cut = |place: &u8| (thresholds[usize::from(*place)], missing_left);
            places.iter().map(cut).collect::<Vec<Cut>>()
        });
        let order = order.collect();
        let count = thresholds.len();
        thresholds.resize(ROOM, f32::INFINITY);
        let column = Self {
            feature,
            thresholds: thresholds.try_into().ok()?,
            ranks,
            most: count as u8,
            low,
            scale,
            steps: usize::BITS - most.leading_zeros(),
            cuts,
        };
        Some((column, order))
    }

    /// The ranks of the rows' values.
    #[inline(always)]
    fn rank(&self, values: &[f32; ROWS]) -> Bytes {
        match self.steps {
            _ if usize::from(self.most) < COMPARED => self.compare(values),
            0 | 1 => self.search::<1>(values),
            2 => self.search::<2>(values),
            3 => self.search::<3>(values),
            _ => self.search::<8>(values),
        }
    }

    #[inline(always)]
    fn compare(&self, values: &[f32; ROWS]) -> Bytes {
        let mut ranks = [0; ROWS];
        for (values, ranks) in values
            .as_chunks::<64>()
            .0
            .iter()
            .zip(ranks.as_chunks_mut::<64>().0)
        {
            let mut counts = [0; 64];
            // Infinity too: a missing value is above it.
            for threshold in &self.thresholds[..=usize::from(self.most).min(COMPARED)] {
                for (count, value) in counts.iter_mut().zip(values) {
                    *count += u32::from(is_above(*value, *threshold));
                }
            }
            for (rank, count) in ranks.iter_mut().zip(counts) {
                *rank = count as u8;
            }
        }
        ranks
    }

    #[inline(always)]
    fn search<const STEPS: u32>(&self, values: &[f32; ROWS]) -> Bytes {
        let (low, scale) = (self.low, self.scale);
        let mut cells = [0; ROWS];
        for (cell, value) in cells.iter_mut().zip(values) {
            *cell = self::cell(*value, low, scale);
        }
        let mut ranks = [0; ROWS];
        for ((value, cell), rank) in values.iter().zip(cells).zip(&mut ranks) {
            let mut at = usize::from(self.ranks[cell as usize % CELLS]);
            for step in (0..STEPS).rev() {
                let last = self.thresholds[(at + (1 << step) - 1) % ROOM];
                at += usize::from(is_above(*value, last)) << step;
            }
            *rank = if STEPS > 1 { at.min(MOST) } else { at } as u8;
        }
        ranks
    }

    /// Questions about the feature.
    pub(super) fn questions(&self) -> usize {
        self.cuts.iter().map(Vec::len).sum()
    }

    /// The answers of all rows to each question.
    #[inline(always)]
    pub(super) fn answer(&self, values: &[f32; ROWS], answers: &mut [Bits]) {
        let halves = Halves::new(&bits::planes(&self.rank(values)));
        let missing = halves.above(self.most);
        let [missing_above, missing_left] = &self.cuts;
        let (to_above, to_left) = answers.split_at_mut(missing_above.len());
        // Not `map` and `extend`: their loop is a function of its own, which was compiled without wide vectors.
        for (answer, place) in to_above.iter_mut().zip(missing_above) {
            *answer = halves.above(*place);
        }
        for (answer, place) in to_left.iter_mut().zip(missing_left) {
            *answer = halves.above(*place).but_not(&missing);
        }
    }
}

/// Which numbers the halves of the ranks reach, from 0 to 16.
struct Halves {
    low: [Bits; 17],
    high: [Bits; 17],
}

impl Halves {
    #[inline(always)]
    fn new(planes: &[Bits; 8]) -> Self {
        Self {
            low: reached(&planes[..4]),
            high: reached(&planes[4..]),
        }
    }

    /// Whether the ranks are above a place.
    #[inline(always)]
    fn above(&self, place: u8) -> Bits {
        let (low, high) = (usize::from(place & 15), usize::from(place >> 4));
        self.high[high + 1].or(&self.high[high].and(&self.low[low + 1]))
    }
}

/// Whether a value is above a threshold: always if it is missing.
#[inline(always)]
#[allow(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "what is missing is not below"
)]
fn is_above(value: f32, threshold: f32) -> bool {
    !(value <= threshold)
}

/// The cell of a value: never a lower one for a higher value. The last one if the value is missing.
#[inline(always)]
fn cell(value: f32, low: f32, scale: f32) -> u32 {
    const LAST: f32 = (CELLS - 1) as f32;
    // From 2^23 on a float's lowest bit is worth 1, so that its last bits are a rounded number.
    const WHOLE: f32 = 8_388_608.0;
    let at = (value - low) * scale;
    let at = if at < LAST { at } else { LAST };
    let at = if at > 0.0 { at } else { 0.0 };
    (at + WHOLE).to_bits() % CELLS as u32
}

/// Whether four bits reach each number: from 0, which all do, to 16, which none does.
#[inline(always)]
fn reached(planes: &[Bits]) -> [Bits; 17] {
    let pair =
        |low: &Bits, high: &Bits| [Bits::ALL, low.or(high), *high, low.and(high), Bits::NONE];
    let (low, high) = (pair(&planes[0], &planes[1]), pair(&planes[2], &planes[3]));
    let mut reached = [Bits::NONE; 17];
    for (number, reached) in reached[..16].iter_mut().enumerate() {
        *reached = high[number / 4 + 1].or(&high[number / 4].and(&low[number % 4]));
    }
    reached
}
