//! The forest of a large batch: no row walks.
//!
//! A walk waits for each of its steps, and takes one row further. Here 512 rows at a time are asked everything, one bit a
//! row, and what is asked depends on no answer, so vector instructions do it:
//!
//! 1. A value becomes its rank among the thresholds of its feature, a byte (`column`).
//! 2. The ranks become answers: each question that the forest asks anywhere has one mask of 512 bits (`column`).
//! 3. The leaves of a tree have codes of eight bits. At a split, from the leaves up, each bit of the code is
//!    `answer ? right : left`, for 512 rows at once. The codes are dealt so that mostly there is nothing to choose
//!    (`codes`, `program`). At the root stand the codes of the leaves that the rows come to.
//! 4. The bits become bytes again (`bits`), and a table of 256 numbers gives each row its leaf's value.
//!
//! The values are added tree by tree, as a walk adds them: the sums are the same to the last bit.
//!
//! It serves forests of up to 256 leaves a tree and 254 thresholds a feature, which is what training from bins makes.

mod bits;
mod codes;
mod column;
mod program;

use crate::tree::{Forest, Question};
use bits::{Bits, Bytes, ROWS};
use column::{Column, Cut};
use program::{CONSTANTS, Program};
use pulp::{Simd, WithSimd};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Trees whose values are added to a row's sum in one go.
const TOGETHER: usize = 8;

/// Rows that are walked in the time of a block: of 160 trees of 127 leaves, 72 took 111 µs either way.
const FEW: usize = 72;

/// Features whose values are turned together: as many as fit a line of the cache.
const TURNED: usize = 16;

/// Rows and features of a square that is turned.
const SIDE: usize = 8;

/// A forest as masks.
#[derive(Debug)]
pub(crate) struct Sliced {
    base: f64,
    features: usize,
    columns: Vec<Column>,
    /// Masks of constants and answers; the next are the trees'.
    answers: usize,
    trees: Vec<Program>,
    /// Rooms for the next batches: to fill one anew took a twentieth of a batch of 1,000 rows.
    rooms: Mutex<Vec<Room>>,
}

/// Room for what is known of a block.
#[derive(Debug)]
struct Room {
    /// By feature of a group.
    values: [[f32; ROWS]; TURNED],
    masks: Vec<Bits>,
    codes: [Bytes; TOGETHER],
}

impl Sliced {
    /// `None` if the forest asks more than has room here.
    pub(crate) fn new(forest: &Forest) -> Option<Self> {
        if forest.features == 0 {
            return None;
        }
        let mut cuts: BTreeMap<usize, Vec<Cut>> = BTreeMap::new();
        for question in forest.trees.iter().flat_map(|tree| tree.questions()) {
            cuts.entry(question.feature as usize)
                .or_default()
                .push(cut(question));
        }
        let (mut columns, mut masks) = (Vec::with_capacity(cuts.len()), BTreeMap::new());
        for (feature, cuts) in cuts {
            let (column, order) = Column::new(feature, &cuts)?;
            for (threshold, missing_left) in order {
                let mask = u16::try_from(CONSTANTS.len() + masks.len()).ok()?;
                masks.insert((feature, threshold.to_bits(), missing_left), mask);
            }
            columns.push(column);
        }
        let answers = CONSTANTS.len() + masks.len();
        let answer = |question: &Question| {
            let (threshold, missing_left) = cut(question);
            masks[&(question.feature as usize, threshold.to_bits(), missing_left)]
        };
        let trees = forest
            .trees
            .iter()
            .map(|tree| Program::new(tree, answers, answer));
        Some(Self {
            base: forest.base.into(),
            features: forest.features as usize,
            columns,
            answers,
            trees: trees.collect::<Option<_>>()?,
            rooms: Mutex::default(),
        })
    }

    /// How many of some rows are cheaper this way than by walking: not those of a last block that is mostly empty.
    pub(crate) fn share(rows: usize) -> usize {
        match rows % ROWS {
            rest if rest < FEW => rows - rest,
            _ => rows,
        }
    }

    /// The raw scores of rows, `features` values each. A block that is not full costs almost what a full one does.
    pub(crate) fn batch(&self, rows: &[f32], scores: &mut [f64]) {
        if scores.is_empty() {
            return;
        }
        let mut room = self.kept().pop().unwrap_or_else(|| self.room());
        pulp::Arch::new().dispatch(Batch {
            sliced: self,
            rows,
            scores,
            room: &mut room,
        });
        self.kept().push(room);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Room>> {
        // What a panic left half done is filled by the next block.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self) -> Room {
        let most = self.trees.iter().map(Program::masks).max().unwrap_or(0);
        let mut masks = vec![Bits::NONE; self.answers + most];
        masks[..CONSTANTS.len()].copy_from_slice(&CONSTANTS);
        Room {
            values: [[f32::NAN; ROWS]; TURNED],
            masks,
            codes: [[0; ROWS]; TOGETHER],
        }
    }

    #[inline(always)]
    fn block(&self, rows: &[f32], scores: &mut [f64], room: &mut Room) {
        let mut rest = &mut room.masks[CONSTANTS.len()..];
        for columns in self
            .columns
            .chunk_by(|one, other| one.feature / TURNED == other.feature / TURNED)
        {
            let first = columns[0].feature / TURNED * TURNED;
            turn(rows, self.features, first, &mut room.values);
            for column in columns {
                let (answers, next) = rest.split_at_mut(column.questions());
                column.answer(&room.values[column.feature % TURNED], answers);
                rest = next;
            }
        }
        scores.fill(self.base);
        for trees in self.trees.chunks(TOGETHER) {
            for (tree, codes) in trees.iter().zip(&mut room.codes) {
                tree.run(&mut room.masks, self.answers, codes);
            }
            add(trees, &room.codes, scores);
        }
    }
}

/// A batch in the widest vectors that the machine has. Not a closure: of one, the loops did not always become part of what
/// has vectors.
struct Batch<'a> {
    sliced: &'a Sliced,
    rows: &'a [f32],
    scores: &'a mut [f64],
    room: &'a mut Room,
}

impl WithSimd for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows = self.rows.chunks(ROWS * self.sliced.features);
        for (scores, rows) in self.scores.chunks_mut(ROWS).zip(rows) {
            self.sliced.block(rows, scores, self.room);
        }
    }
}

/// A question's threshold, of which there is but one zero, and where a missing value goes.
fn cut(question: &Question) -> Cut {
    (question.threshold + 0.0, question.missing_left)
}

/// Lays the values of rows side by side, of the features from the `first` on. What is beyond the last row stays as it is:
/// nobody asks for it.
#[inline(always)]
fn turn(rows: &[f32], features: usize, first: usize, values: &mut [[f32; ROWS]; TURNED]) {
    // Squares of eight: what is beyond the last one is laid value by value.
    let squares = rows.chunks_exact(SIDE * features);
    let mut done = 0;
    if features - first >= TURNED {
        for (group, rows) in squares.enumerate() {
            for side in (0..TURNED).step_by(SIDE) {
                let square: [[f32; SIDE]; SIDE] = std::array::from_fn(|row| {
                    let at = row * features + first + side;
                    rows[at..at + SIDE].try_into().unwrap_or_default()
                });
                for (feature, values) in values[side..side + SIDE].iter_mut().enumerate() {
                    let values = &mut values.as_chunks_mut::<SIDE>().0[group];
                    *values = std::array::from_fn(|row| square[row][feature]);
                }
            }
        }
        done = rows.len() / features / SIDE * SIDE;
    }
    for (row, rest) in rows.chunks(features).enumerate().skip(done) {
        for (values, value) in values.iter_mut().zip(&rest[first..]) {
            values[row] = *value;
        }
    }
}

/// Adds to each row's sum what the trees' leaves give it, in the trees' order.
#[inline(always)]
fn add(trees: &[Program], codes: &[Bytes; TOGETHER], scores: &mut [f64]) {
    if let Ok(trees) = <&[Program; TOGETHER]>::try_from(trees) {
        let values = trees.each_ref().map(Program::values);
        for (row, score) in scores.iter_mut().enumerate() {
            let mut sum = *score;
            for (values, codes) in values.iter().zip(codes) {
                sum += f64::from(values[usize::from(codes[row % ROWS])]);
            }
            *score = sum;
        }
    } else {
        for (tree, codes) in trees.iter().zip(codes) {
            for (score, code) in scores.iter_mut().zip(codes) {
                *score += f64::from(tree.values()[usize::from(*code)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Booster, Dataset};

    /// A forest whose trees have 256 leaves, over a feature of `distinct` values.
    fn forest(distinct: usize) -> Forest {
        let column = |by: usize| {
            (0..6_000)
                .map(|row| (row * by % distinct) as f32)
                .collect::<Vec<f32>>()
        };
        let mut builder = Dataset::builder(6_000, 255);
        builder.column("one", &column(7)).expect("a column");
        builder.column("other", &column(61)).expect("a column");
        let labels = (0..6_000).map(|row| (row * row % 97) as f32);
        let data = builder.labels(labels.collect()).expect("a frame");
        let booster = Booster {
            loss: crate::Loss::Squared,
            rounds: 5,
            max_leaves: 256,
            min_rows: 1,
            ..Booster::default()
        };
        booster.fit(&data, None, |_| ()).expect("a forest").forest
    }

    #[test]
    fn what_training_makes_has_room() {
        let mut forest = forest(6_000);
        assert!(forest.trees.iter().all(|tree| tree.nodes().len() == 511));
        assert!(Sliced::new(&forest).is_some());
        forest.features = 0;
        assert!(Sliced::new(&forest).is_none(), "no row has a value");
    }
}
