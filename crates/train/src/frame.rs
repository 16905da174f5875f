//! Rows in memory, column by column: floats while they come in, bins as soon as they are all there.

use onhand_models::Dataset;
use onhand_models::dataset::{Builder, Refused};
use serde::Serialize;
use std::io::{self, Write};

/// Columns of a part's rows, and their labels.
#[derive(Debug, Default)]
pub struct Frame {
    columns: Vec<Vec<f32>>,
    labels: Vec<f32>,
}

impl Frame {
    /// An empty frame with room for `rows` of `columns`.
    pub fn with_room(columns: usize, rows: usize) -> Self {
        Self {
            columns: (0..columns).map(|_| Vec::with_capacity(rows)).collect(),
            labels: Vec::with_capacity(rows),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[f32], label: f32) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(*value);
        }
        self.labels.push(label);
    }

    /// One a row.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// The places of the columns that tell rows apart: of the others nothing can be learned.
    pub fn telling(&self) -> Vec<usize> {
        let tells = |column: &[f32]| {
            let bits = |value: f32| if value.is_nan() { f32::NAN } else { value }.to_bits();
            column.windows(2).any(|pair| bits(pair[0]) != bits(pair[1]))
        };
        (0..self.columns.len())
            .filter(|place| tells(&self.columns[*place]))
            .collect()
    }

    /// Keeps the columns at these places, ascending, and gives the others' memory back.
    pub fn keep(&mut self, places: &[usize]) {
        let mut place = 0;
        self.columns.retain(|_| {
            place += 1;
            places.binary_search(&(place - 1)).is_ok()
        });
    }

    /// The frame as bins.
    ///
    /// # Errors
    /// A value is infinite.
    pub fn binned(
        &self,
        names: &[&str],
        start: impl Fn(usize) -> Builder,
    ) -> Result<Dataset, Refused> {
        let mut builder = start(self.labels.len());
        for (name, column) in names.iter().zip(&self.columns) {
            builder.column(name, column)?;
        }
        builder.labels(self.labels.clone())
    }

    /// The rows one after the other.
    pub fn rows(&self) -> Vec<f32> {
        let width = self.columns.len();
        let mut rows = vec![0.0; self.labels.len() * width];
        for (place, column) in self.columns.iter().enumerate() {
            for (row, value) in column.iter().enumerate() {
                rows[row * width + place] = *value;
            }
        }
        rows
    }

    /// Writes a line of JSON (`rows`, `features`), then each column and the labels as little-endian `f32`: what
    /// `bench/reference` reads.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, names: &[&str], out: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Head<'a> {
            rows: usize,
            features: &'a [&'a str],
        }
        let head = Head {
            rows: self.labels.len(),
            features: names,
        };
        writeln!(out, "{}", serde_json::to_string(&head)?)?;
        for column in self.columns.iter().chain([&self.labels]) {
            for value in column {
                out.write_all(&value.to_le_bytes())?;
            }
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_never_change_are_found() {
        let mut frame = Frame::with_room(3, 2);
        frame.push(&[1.0, f32::NAN, 5.0], 0.0);
        frame.push(&[1.0, f32::NAN, 6.0], 1.0);
        assert_eq!(frame.telling(), [2]);
        frame.keep(&[2]);
        assert_eq!(frame.rows(), [5.0, 6.0]);
    }
}
