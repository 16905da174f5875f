//! Columns of numbers as columns of bins.
//!
//! A booster asks one question many times: how much would a split at this value gain? It is cheap when a value is one
//! of at most 255 bins, so each column is cut once, by quantiles, and each value is kept as one byte: 2 million rows
//! of 60 columns take 128 MB. The columns come one by one, and none is kept, so the floats of one column are all that
//! is needed at a time.
//!
//! A missing value (NaN) is a bin of its own, which each split sends to the side where it does better. A categorical
//! column is a column of codes; give it in an order that means something (by rate, by size), because a split cuts
//! the codes in two at one place.
//!
//! A second frame (a later slice, to stop early on) must have the bins of the first: [`Dataset::like`].

mod bins;
mod matrix;

pub use bins::{BinMap, MISSING};
pub(crate) use matrix::{GROUP, Matrix};

use crate::parallel::Threads;

/// Why a frame or a setting was refused. Nothing was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A column, the labels, the weights or the groups have another number of rows than was said.
    #[error("{what} has {found} rows, the frame has {rows}")]
    Rows {
        /// Which of them.
        what: String,
        /// Rows it has.
        found: usize,
        /// Rows it should have.
        rows: usize,
    },
    /// A value that cannot be learned from: infinite, a label outside of its loss, a negative weight.
    #[error("{what}, row {row}: {rule}")]
    Value {
        /// The column.
        what: String,
        /// The first row at fault.
        row: usize,
        /// What is allowed.
        rule: &'static str,
    },
    /// A frame that does not have the columns of the frame it is to be like.
    #[error("column {index} is {found:?}, but the bins are of {expected:?}")]
    Column {
        /// Its place.
        index: usize,
        /// Its name.
        found: String,
        /// The name of the bins at this place.
        expected: String,
    },
    /// A setting out of range.
    #[error("{setting}: {rule}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
}

/// A frame to learn from: binned columns, labels, and, if given, weights and groups.
#[derive(Clone, Debug)]
pub struct Dataset {
    matrix: Matrix,
    maps: Vec<BinMap>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    ends: Vec<usize>,
}

impl Dataset {
    /// Starts a frame of `rows` rows whose columns get at most `bins` bins (2 to 255, the missing one not counted).
    pub fn builder(rows: usize, bins: usize) -> Builder {
        Builder::new(rows, Cutting::Quantiles(bins.clamp(2, MISSING as usize)))
    }

    /// Starts a frame of `rows` rows with the same columns and the same bins.
    pub fn like(&self, rows: usize) -> Builder {
        Builder::new(rows, Cutting::Given(self.maps.clone()))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The columns' names and bins, in order.
    pub fn maps(&self) -> &[BinMap] {
        &self.maps
    }

    /// One label a row.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// One weight a row, if there are any.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The end (exclusive) of each group of rows, ascending; empty if the rows are not grouped.
    pub fn group_ends(&self) -> &[usize] {
        &self.ends
    }

    /// The same rows, ungrouped, in another order.
    pub(crate) fn reordered(&self, order: &[u32], threads: Threads) -> Self {
        let pick = |values: &[f32]| order.iter().map(|&row| values[row as usize]).collect();
        Self {
            matrix: self.matrix.gather(order, threads),
            maps: self.maps.clone(),
            labels: pick(&self.labels),
            weights: self.weights.as_deref().map(pick),
            ends: Vec::new(),
        }
    }

    pub(crate) fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// The weight of a row: 1 if no weights were given.
    pub(crate) fn weight(&self, row: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }
}

/// Where a column's bins come from.
enum Cutting {
    Quantiles(usize),
    Given(Vec<BinMap>),
}

/// A frame being built: columns first, in order, then the labels.
pub struct Builder {
    rows: usize,
    cutting: Cutting,
    matrix: Matrix,
    maps: Vec<BinMap>,
    weights: Option<Vec<f32>>,
    ends: Vec<usize>,
}

impl Builder {
    fn new(rows: usize, cutting: Cutting) -> Self {
        Self {
            rows,
            cutting,
            matrix: Matrix::new(rows),
            maps: Vec::new(),
            weights: None,
            ends: Vec::new(),
        }
    }

    /// Adds a column. NaN is missing.
    ///
    /// # Errors
    /// If it has not one value a row, holds an infinity, or is not the column whose bins are given.
    pub fn column(&mut self, name: &str, values: &[f32]) -> Result<&mut Self, Refused> {
        self.expect_rows(name, values.len())?;
        expect_all(name, values, "infinite", |value| !value.is_infinite())?;
        let map = self.map_for(name, values)?;
        self.matrix.push(values.iter().map(|&value| map.bin(value)));
        self.maps.push(map);
        Ok(self)
    }

    /// Gives each row a weight (0 or more).
    ///
    /// # Errors
    /// If there is not one a row, or one is negative or not finite.
    pub fn weights(&mut self, weights: Vec<f32>) -> Result<&mut Self, Refused> {
        self.expect_rows("weights", weights.len())?;
        expect_all(
            "weights",
            &weights,
            "a weight is finite and not negative",
            |weight| weight.is_finite() && weight >= 0.0,
        )?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Groups the rows for ranking: the number of rows of each group, in the order of the rows.
    ///
    /// # Errors
    /// If the sizes do not add up to the number of rows.
    pub fn groups(&mut self, sizes: &[u32]) -> Result<&mut Self, Refused> {
        self.expect_rows("groups", sizes.iter().map(|&size| size as usize).sum())?;
        let mut end = 0;
        self.ends = sizes
            .iter()
            .map(|&size| {
                end += size as usize;
                end
            })
            .collect();
        Ok(self)
    }

    /// Adds the labels and ends the frame.
    ///
    /// # Errors
    /// If there is not one label a row, one is not finite, or a column is missing of those whose bins are given.
    pub fn labels(self, labels: Vec<f32>) -> Result<Dataset, Refused> {
        self.expect_rows("labels", labels.len())?;
        expect_all("labels", &labels, "a label is finite", f32::is_finite)?;
        if let Cutting::Given(maps) = &self.cutting
            && let Some(absent) = maps.get(self.maps.len())
        {
            return Err(misplaced(self.maps.len(), "", absent.name()));
        }
        Ok(Dataset {
            matrix: self.matrix,
            maps: self.maps,
            labels,
            weights: self.weights,
            ends: self.ends,
        })
    }

    fn map_for(&self, name: &str, values: &[f32]) -> Result<BinMap, Refused> {
        match &self.cutting {
            Cutting::Quantiles(bins) => Ok(BinMap::by_quantiles(name, values, *bins)),
            Cutting::Given(maps) => match maps.get(self.maps.len()) {
                Some(map) if map.name() == name => Ok(map.clone()),
                other => Err(misplaced(
                    self.maps.len(),
                    name,
                    other.map_or("", BinMap::name),
                )),
            },
        }
    }

    fn expect_rows(&self, what: &str, found: usize) -> Result<(), Refused> {
        if found == self.rows {
            return Ok(());
        }
        Err(Refused::Rows {
            what: what.to_owned(),
            found,
            rows: self.rows,
        })
    }
}

fn misplaced(index: usize, found: &str, expected: &str) -> Refused {
    Refused::Column {
        index,
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

/// Refuses the first value that does not keep the rule.
pub(crate) fn expect_all(
    what: &str,
    values: &[f32],
    rule: &'static str,
    keeps: impl Fn(f32) -> bool,
) -> Result<(), Refused> {
    match values.iter().position(|&value| !keeps(value)) {
        None => Ok(()),
        Some(row) => Err(Refused::Value {
            what: what.to_owned(),
            row,
            rule,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Dataset {
        let mut builder = Dataset::builder(4, 255);
        builder.column("a", &[1.0, 2.0, f32::NAN, 1.0]).unwrap();
        builder.column("b", &[0.0, 0.0, 0.0, 0.0]).unwrap();
        builder.labels(vec![0.0, 1.0, 0.0, 1.0]).unwrap()
    }

    #[test]
    fn values_become_bins() {
        let frame = frame();
        let bins = |column| {
            (0..4)
                .map(|row| frame.matrix().bin(row, column))
                .collect::<Vec<_>>()
        };
        assert_eq!(bins(0), [0, 1, MISSING, 0]);
        assert_eq!(bins(1), [0; 4]);
    }

    #[test]
    fn a_frame_like_another_keeps_its_bins() {
        let frame = frame();
        let mut later = frame.like(1);
        later.column("a", &[100.0]).unwrap();
        assert_eq!(
            later.column("c", &[0.0]).err(),
            Some(misplaced(1, "c", "b"))
        );
        assert_eq!(later.labels(vec![0.0]).err(), Some(misplaced(1, "", "b")));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut builder = Dataset::builder(2, 255);
        assert!(matches!(
            builder.column("a", &[1.0]).err(),
            Some(Refused::Rows { .. })
        ));
        let infinite = builder.column("a", &[1.0, f32::INFINITY]).err();
        assert!(matches!(infinite, Some(Refused::Value { row: 1, .. })));
        assert!(builder.weights(vec![1.0, -1.0]).is_err());
        assert!(builder.groups(&[1, 2]).is_err());
        assert!(builder.labels(vec![0.0, f32::NAN]).is_err());
    }
}
