//! FreshRetailNet-50K: hourly sales and stock status of perishable goods, one row a store, product and day.
//!
//! The layout is the one that the data set is published in (arXiv 2505.16319). Whole numbers may be kept in 32 or 64
//! bits, others too, and a day as a date or as its text.

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::data_type::{DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::Path;

/// Hours of a day.
pub(super) const HOURS: usize = 24;
/// A sale of 1 in the file is so many units in the ledger, which counts whole ones.
const UNITS: f64 = 1000.0;
/// A number of the file is so many millionths in the ledger.
const MILLIONTHS: f64 = 1e6;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatasetError {
    /// It cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no Parquet, or damaged.
    #[error("cannot read the data set: {0}")]
    Parquet(#[from] ParquetError),
    /// A column is not what it should be.
    #[error("the column {column} {what}")]
    Column {
        /// Which.
        column: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Two rows speak of the same store, product and day.
    #[error("store {store}, product {product} has two rows of day {day} (days since 1970-01-01)")]
    Twice {
        /// Store.
        store: u32,
        /// Product.
        product: u32,
        /// Day.
        day: u32,
    },
}

/// One product in one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) store: u32,
    pub(super) product: u32,
    pub(super) city: u32,
    pub(super) management_group: u32,
    pub(super) categories: [u32; 3],
}

/// One day of a series.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Days since 1970-01-01.
    pub(super) day: u32,
    /// Which of [`Dataset::series`].
    pub(super) series: u32,
    /// Units sold in each hour: thousandths of the file's amount, rounded.
    pub(super) sold: [u32; HOURS],
    /// Bit h: the shelf was empty in hour h.
    out: u32,
    /// Price factor, in millionths.
    pub(super) discount: i64,
    pub(super) holiday: bool,
    pub(super) activity: bool,
    /// Rain, temperature, humidity, wind, in millionths.
    pub(super) weather: [i64; 4],
}

impl Row {
    /// Whether the shelf was empty in an hour.
    pub(super) fn is_out(&self, hour: usize) -> bool {
        self.out >> hour & 1 == 1
    }

    /// A row that tells of sales alone.
    #[cfg(test)]
    pub(super) fn sold(sold: [u32; HOURS]) -> Self {
        Self {
            day: 0,
            series: 0,
            sold,
            out: 0,
            discount: 0,
            holiday: false,
            activity: false,
            weather: [0; 4],
        }
    }
}

/// The part of the data set that was asked for.
pub(super) struct Dataset {
    /// By store and product.
    pub(super) series: Vec<Series>,
    /// By day, then by series.
    pub(super) rows: Vec<Row>,
}

/// Which part to read.
pub(super) struct Wanted {
    /// So many stores, those with the lowest numbers.
    pub(super) stores: usize,
    /// Days since 1970-01-01.
    pub(super) days: RangeInclusive<u32>,
}

/// Reads a part of the file. `progress` hears of rows read and all there are.
pub(super) fn read(
    path: &Path,
    wanted: &Wanted,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Dataset, DatasetError> {
    let file = File::open(path).map_err(|source| DatasetError::Open {
        path: path.display().to_string(),
        source,
    })?;
    let file = SerializedFileReader::new(file)?;
    let stores = first_stores(&file, wanted.stores)?;
    let all = file.metadata().file_metadata().num_rows().max(0) as u64;
    let (mut rows, mut read) = (Vec::new(), 0);
    for number in 0..file.num_row_groups() {
        let group = Group::open(&*file.get_row_group(number)?)?;
        let is_wanted = |row: &usize| {
            let has_store = stores.is_none_or(|last| group.store[*row] <= last);
            has_store && wanted.days.contains(&group.day[*row])
        };
        rows.extend((0..group.len()).filter(is_wanted).map(|row| group.row(row)));
        read += group.len() as u64;
        progress(read, all);
    }
    sorted(rows)
}

/// The number of the last of the first so many stores; `None` if that is all.
fn first_stores(
    file: &SerializedFileReader<File>,
    most: usize,
) -> Result<Option<u32>, DatasetError> {
    if most == usize::MAX {
        return Ok(None);
    }
    let mut stores = std::collections::BTreeSet::new();
    for number in 0..file.num_row_groups() {
        stores.extend(whole(&*file.get_row_group(number)?, "store_id")?);
    }
    Ok(stores.into_iter().nth(most.saturating_sub(1)))
}

fn sorted(mut found: Vec<(Series, Row)>) -> Result<Dataset, DatasetError> {
    found.sort_by_key(|(series, row)| (row.day, *series));
    let mut numbers: BTreeMap<Series, u32> = found.iter().map(|(series, _)| (*series, 0)).collect();
    for (number, place) in numbers.values_mut().zip(0..) {
        *number = place;
    }
    let twice = found.windows(2).find(|pair| {
        let key = |(series, row): &(Series, Row)| (row.day, series.store, series.product);
        key(&pair[0]) == key(&pair[1])
    });
    if let Some((series, row)) = twice.map(|pair| &pair[0]) {
        return Err(DatasetError::Twice {
            store: series.store,
            product: series.product,
            day: row.day,
        });
    }
    let rows = found.into_iter().map(|(series, row)| Row {
        series: numbers[&series],
        ..row
    });
    Ok(Dataset {
        rows: rows.collect(),
        series: numbers.into_keys().collect(),
    })
}

/// The columns of a row group.
struct Group {
    store: Vec<u32>,
    product: Vec<u32>,
    city: Vec<u32>,
    management_group: Vec<u32>,
    categories: [Vec<u32>; 3],
    day: Vec<u32>,
    sold: Vec<f64>,
    out: Vec<f64>,
    discount: Vec<f64>,
    holiday: Vec<u32>,
    activity: Vec<u32>,
    weather: [Vec<f64>; 4],
}

impl Group {
    fn open(group: &dyn RowGroupReader) -> Result<Self, DatasetError> {
        Ok(Self {
            store: whole(group, "store_id")?,
            product: whole(group, "product_id")?,
            city: whole(group, "city_id")?,
            management_group: whole(group, "management_group_id")?,
            categories: [
                whole(group, "first_category_id")?,
                whole(group, "second_category_id")?,
                whole(group, "third_category_id")?,
            ],
            day: days(group)?,
            sold: hours(group, "hours_sale", 0.0..=4e6)?,
            out: hours(group, "hours_stock_status", 0.0..=1.0)?,
            discount: numbers(group, "discount")?,
            holiday: whole(group, "holiday_flag")?,
            activity: whole(group, "activity_flag")?,
            weather: [
                numbers(group, "precpt")?,
                numbers(group, "avg_temperature")?,
                numbers(group, "avg_humidity")?,
                numbers(group, "avg_wind_level")?,
            ],
        })
    }

    fn len(&self) -> usize {
        self.store.len()
    }

    fn row(&self, row: usize) -> (Series, Row) {
        let series = Series {
            store: self.store[row],
            product: self.product[row],
            city: self.city[row],
            management_group: self.management_group[row],
            categories: std::array::from_fn(|level| self.categories[level][row]),
        };
        let hours = row * HOURS..(row + 1) * HOURS;
        let sold = &self.sold[hours.clone()];
        let out = self.out[hours].iter().enumerate();
        let millionths = |value: f64| (value * MILLIONTHS).round() as i64;
        let row = Row {
            day: self.day[row],
            series: 0,
            sold: std::array::from_fn(|hour| (sold[hour] * UNITS).round() as u32),
            out: out.fold(0, |bits, (hour, out)| bits | u32::from(*out > 0.5) << hour),
            discount: millionths(self.discount[row]),
            holiday: self.holiday[row] > 0,
            activity: self.activity[row] > 0,
            weather: std::array::from_fn(|what| millionths(self.weather[what][row])),
        };
        (series, row)
    }
}

/// A column of whole numbers that are not negative.
fn whole(group: &dyn RowGroupReader, name: &'static str) -> Result<Vec<u32>, DatasetError> {
    let is_whole =
        |value: f64| (0.0..=f64::from(u32::MAX)).contains(&value) && value.fract() == 0.0;
    let values = numbers(group, name)?;
    match values.iter().find(|value| !is_whole(**value)) {
        Some(value) => Err(bad(
            name,
            format!("holds {value}: it must be a whole number, 0 or more"),
        )),
        None => Ok(values.into_iter().map(|value| value as u32).collect()),
    }
}

/// A column of 24 numbers a row.
fn hours(
    group: &dyn RowGroupReader,
    name: &'static str,
    rule: RangeInclusive<f64>,
) -> Result<Vec<f64>, DatasetError> {
    let (values, starts) = column(group, name)?;
    let rows = group.metadata().num_rows() as usize;
    let is_whole = starts.len() == rows
        && starts
            .iter()
            .enumerate()
            .all(|(row, at)| *at == row * HOURS);
    if values.len() != rows * HOURS || !is_whole {
        return Err(bad(name, "has not 24 values in every row".into()));
    }
    match values.iter().find(|value| !rule.contains(value)) {
        Some(value) => Err(bad(
            name,
            format!(
                "holds {value}: it must be {} to {}",
                rule.start(),
                rule.end()
            ),
        )),
        None => Ok(values),
    }
}

/// A column of one number a row.
fn numbers(group: &dyn RowGroupReader, name: &'static str) -> Result<Vec<f64>, DatasetError> {
    let (values, _) = column(group, name)?;
    one_a_row(group, name, values.len())?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(bad(name, format!("holds {value}"))),
        None => Ok(values),
    }
}

/// Of a missing value nothing is handed out: what comes after it would be another row's.
fn one_a_row(
    group: &dyn RowGroupReader,
    name: &'static str,
    values: usize,
) -> Result<(), DatasetError> {
    match values == group.metadata().num_rows() as usize {
        true => Ok(()),
        false => Err(bad(name, "has not one value in every row".into())),
    }
}

/// Days since 1970-01-01.
fn days(group: &dyn RowGroupReader) -> Result<Vec<u32>, DatasetError> {
    const NAME: &str = "dt";
    let at = place(group, NAME)?;
    if group.metadata().column(at).column_type() != Type::BYTE_ARRAY {
        return whole(group, NAME);
    }
    let (texts, _) = typed::<ByteArrayType>(group.get_column_reader(at)?)?;
    one_a_row(group, NAME, texts.len())?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = |text: &ByteArray| {
        let text = String::from_utf8_lossy(text.data());
        let date = text.parse::<jiff::civil::Date>();
        let days = date
            .ok()
            .and_then(|date| u32::try_from((date - epoch).get_days()).ok());
        days.ok_or_else(|| {
            bad(
                NAME,
                format!("holds {text:?}: it must be a date, as 2024-03-28"),
            )
        })
    };
    texts.iter().map(day).collect()
}

fn bad(column: &'static str, what: String) -> DatasetError {
    DatasetError::Column { column, what }
}

/// The place of a column; of a list, the place of its elements.
fn place(group: &dyn RowGroupReader, name: &'static str) -> Result<usize, DatasetError> {
    let columns = group.metadata().columns();
    let root = |at: &usize| columns[*at].column_path().parts().first();
    let found = (0..columns.len()).find(|at| root(at).is_some_and(|root| root == name));
    found.ok_or_else(|| bad(name, "is missing".into()))
}

/// All values of a column, and where among them each row starts.
fn column(
    group: &dyn RowGroupReader,
    name: &'static str,
) -> Result<(Vec<f64>, Vec<usize>), DatasetError> {
    let at = place(group, name)?;
    let reader = group.get_column_reader(at)?;
    let wide = |(values, starts): (Vec<i64>, _)| {
        let values = values.into_iter().map(|value| value as f64);
        (values.collect(), starts)
    };
    match group.metadata().column(at).column_type() {
        Type::INT32 => {
            let (values, starts) = typed::<Int32Type>(reader)?;
            Ok((values.into_iter().map(f64::from).collect(), starts))
        }
        Type::FLOAT => {
            let (values, starts) = typed::<FloatType>(reader)?;
            Ok((values.into_iter().map(f64::from).collect(), starts))
        }
        Type::INT64 => Ok(wide(typed::<Int64Type>(reader)?)),
        Type::DOUBLE => Ok(typed::<DoubleType>(reader)?),
        other => Err(bad(
            name,
            format!("has the type {other}: it must hold numbers"),
        )),
    }
}

fn typed<T: DataType>(reader: ColumnReader) -> Result<(Vec<T::T>, Vec<usize>), ParquetError> {
    let mut reader: ColumnReaderImpl<T> = get_typed_column_reader(reader);
    let (mut values, mut starts) = (Vec::new(), Vec::new());
    loop {
        let (first, mut repeats) = (values.len(), Vec::new());
        let mut defined = Vec::new();
        let (rows, _, _) =
            reader.read_records(65_536, Some(&mut defined), Some(&mut repeats), &mut values)?;
        if rows == 0 {
            return Ok((values, starts));
        }
        if repeats.is_empty() {
            starts.extend(first..first + rows);
        } else {
            let begins = repeats
                .iter()
                .enumerate()
                .filter(|(_, repeat)| **repeat == 0);
            starts.extend(begins.map(|(at, _)| first + at));
        }
    }
}
