//! A frame as a Parquet file: whose row it is, its times, its label if it has one, and a column for each feature.
//!
//! Rows are gathered until a row group is full and then written column by column, so a frame of any length needs the
//! memory of one group.

use onhand_features::{FeatureSet, FrameRow, Questions};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows of a group.
const GROUP: usize = 65_536;

/// A frame being written.
pub(super) struct Table {
    writer: SerializedFileWriter<File>,
    width: usize,
    names: Vec<(ByteArray, ByteArray)>,
    labels: Option<Vec<f32>>,
    pairs: Vec<u32>,
    times: Vec<i64>,
    targets: Vec<i64>,
    gathered: Vec<f32>,
    values: Vec<f32>,
    rows: u64,
}

impl Table {
    /// Begins a file. `labels` has one for each question.
    pub(super) fn create(
        path: &Path,
        set: &FeatureSet,
        questions: &Questions,
        labels: Option<Vec<f32>>,
    ) -> Result<Self, ParquetError> {
        let about = set.metadata();
        let about = about.map(|(name, value)| KeyValue::new(name.to_owned(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(about.into()))
            .build();
        let schema = schema(set, labels.is_some())?;
        let writer = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties))?;
        let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let pairs = questions.pairs.iter();
        Ok(Self {
            writer,
            width: set.len(),
            names: pairs
                .map(|(at, sku)| (bytes(at.as_str()), bytes(sku.as_str())))
                .collect(),
            labels,
            pairs: Vec::new(),
            times: Vec::new(),
            targets: Vec::new(),
            gathered: Vec::new(),
            values: Vec::new(),
            rows: 0,
        })
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: FrameRow<'_>) -> Result<(), ParquetError> {
        let moment = row.question.moment;
        self.pairs.push(row.question.pair);
        self.times.push(moment.now.millis() as i64);
        self.targets.push(moment.target.millis() as i64);
        if let Some(labels) = &self.labels {
            self.gathered.push(labels[row.number]);
        }
        self.values.extend_from_slice(row.values);
        match self.pairs.len() < GROUP {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Ends the file; gives the number of rows.
    pub(super) fn finish(mut self) -> Result<u64, ParquetError> {
        self.flush()?;
        self.writer.close()?;
        Ok(self.rows)
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let rows = self.pairs.len();
        if rows == 0 {
            return Ok(());
        }
        let names = |name: fn(&(ByteArray, ByteArray)) -> &ByteArray| {
            let pairs = self
                .pairs
                .iter()
                .map(|pair| name(&self.names[*pair as usize]).clone());
            pairs.collect::<Vec<_>>()
        };
        let (locations, skus) = (names(|pair| &pair.0), names(|pair| &pair.1));
        let mut group = self.writer.next_row_group()?;
        texts(&mut group, &locations)?;
        texts(&mut group, &skus)?;
        times(&mut group, &self.times)?;
        times(&mut group, &self.targets)?;
        if self.labels.is_some() {
            floats(&mut group, &self.gathered)?;
        }
        for feature in 0..self.width {
            let column = (0..rows).map(|row| self.values[row * self.width + feature]);
            floats(&mut group, &column.collect::<Vec<_>>())?;
        }
        group.close()?;
        self.rows += rows as u64;
        self.pairs.clear();
        self.times.clear();
        self.targets.clear();
        self.gathered.clear();
        self.values.clear();
        Ok(())
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, File>;

macro_rules! column {
    ($name:ident, $type:ty, $value:ty) => {
        fn $name(group: &mut Group<'_>, values: &[$value]) -> Result<(), ParquetError> {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General(
                    "the schema has too few columns".into(),
                ));
            };
            column.typed::<$type>().write_batch(values, None, None)?;
            column.close()
        }
    };
}

column!(texts, ByteArrayType, ByteArray);
column!(times, Int64Type, i64);
column!(floats, FloatType, f32);

fn schema(set: &FeatureSet, has_label: bool) -> Result<Arc<Type>, ParquetError> {
    let text = Some(LogicalType::String);
    let time = Some(LogicalType::timestamp(
        true,
        parquet::basic::TimeUnit::MILLIS,
    ));
    let mut fields = vec![
        field("location", Physical::BYTE_ARRAY, text.clone())?,
        field("sku", Physical::BYTE_ARRAY, text)?,
        field("at", Physical::INT64, time.clone())?,
        field("target", Physical::INT64, time)?,
    ];
    if has_label {
        fields.push(field("label", Physical::FLOAT, None)?);
    }
    for feature in set.features() {
        fields.push(field(feature.name, Physical::FLOAT, None)?);
    }
    let schema = Type::group_type_builder("frame")
        .with_fields(fields)
        .build()?;
    Ok(Arc::new(schema))
}

fn field(
    name: &str,
    physical: Physical,
    logical: Option<LogicalType>,
) -> Result<Arc<Type>, ParquetError> {
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical);
    Ok(Arc::new(field.build()?))
}
