//! A frame, read back.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

pub(crate) struct Frame {
    columns: HashMap<String, Vec<Field>>,
    rows: usize,
}

impl Frame {
    pub(crate) fn read(path: &Path) -> Self {
        let file = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let mut columns: HashMap<String, Vec<Field>> = HashMap::new();
        let mut rows = 0;
        for row in file.get_row_iter(None).unwrap() {
            for (name, field) in row.unwrap().into_columns() {
                columns.entry(name).or_default().push(field);
            }
            rows += 1;
        }
        Self { columns, rows }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn text(&self, column: &str, row: usize) -> &str {
        match &self.columns[column][row] {
            Field::Str(text) => text,
            other => panic!("{column}: {other}"),
        }
    }

    pub(crate) fn value(&self, column: &str, row: usize) -> f32 {
        match &self.columns[column][row] {
            Field::Float(value) => *value,
            other => panic!("{column}: {other}"),
        }
    }

    /// A time, in hours since the epoch.
    pub(crate) fn hours(&self, column: &str, row: usize) -> usize {
        match &self.columns[column][row] {
            Field::TimestampMillis(millis) => (millis / 3_600_000) as usize,
            other => panic!("{column}: {other}"),
        }
    }
}
