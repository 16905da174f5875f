//! Rows of features as Arrow: the columns of the caller, and one of 32-bit floats for each feature.
//!
//! A missing value is NaN and not null, as in the Parquet file of `onhand features frame`: the three have the same bits.

use crate::problem::Denied;
use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use onhand_core::Timestamp;
use onhand_features::FeatureSet;
use std::collections::HashMap;
use std::sync::Arc;

/// A column.
pub(super) type Column = (&'static str, ArrayRef);

/// A column of names.
pub(super) fn texts<'a>(name: &'static str, texts: impl Iterator<Item = &'a str>) -> Column {
    (name, Arc::new(StringArray::from_iter_values(texts)))
}

/// A column of times.
pub(super) fn times(name: &'static str, times: impl Iterator<Item = Timestamp>) -> Column {
    let millis = times.map(|time| time.millis() as i64);
    let times = TimestampMillisecondArray::from_iter_values(millis);
    (name, Arc::new(times.with_timezone("UTC")))
}

/// The table in Arrow's stream format, with the hashes of the definitions. `rows` are as wide as the set.
pub(super) fn stream(
    set: &FeatureSet,
    mut columns: Vec<Column>,
    rows: &[&[f32]],
) -> Result<Vec<u8>, Denied> {
    let features = set.features().iter().enumerate();
    columns.extend(features.map(|(number, feature)| {
        let values = rows.iter().map(|row| row[number]);
        let column: ArrayRef = Arc::new(Float32Array::from_iter_values(values));
        (feature.name, column)
    }));
    encode(set, columns).map_err(|error| Denied::internal(&error))
}

fn encode(set: &FeatureSet, columns: Vec<Column>) -> Result<Vec<u8>, ArrowError> {
    let field = |(name, column): &Column| Field::new(*name, column.data_type().clone(), false);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let metadata = set.metadata().map(|(name, value)| (name.to_owned(), value));
    let schema = Arc::new(Schema::new_with_metadata(fields, HashMap::from(metadata)));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    writer.into_inner()
}
