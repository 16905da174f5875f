//! A small data set in the layout of FreshRetailNet-50K, made from numbers alone.

use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::data_type::{DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub(crate) const DAYS: usize = 9;
pub(crate) const HOURS: usize = 24;
/// 2024-04-01, in days since the epoch.
pub(crate) const FIRST_DAY: usize = 19_814;

/// Store and product of each series, in the order of the file.
pub(crate) struct Data {
    pub(crate) series: Vec<(i64, i64)>,
}

const SCHEMA: &str = "
message rows {
  required int64 city_id;
  required int64 store_id;
  required int64 management_group_id;
  required int64 first_category_id;
  required int64 second_category_id;
  required int64 third_category_id;
  required int64 product_id;
  required binary dt (utf8);
  optional group hours_sale (list) { repeated group list { optional double element; } }
  optional group hours_stock_status (list) { repeated group list { optional int64 element; } }
  required float discount;
  required int32 holiday_flag;
  required int32 activity_flag;
  required double precpt;
  required double avg_temperature;
  required double avg_humidity;
  required double avg_wind_level;
}";

impl Data {
    pub(crate) fn made() -> Self {
        Self {
            series: vec![(1, 1), (1, 2), (1, 3), (2, 1), (2, 4)],
        }
    }

    /// A number that looks random.
    fn draw(&self, series: usize, day: usize, hour: usize, salt: u64) -> u64 {
        let number = ((series as u64 * 100 + day as u64) * 100 + hour as u64) * 100 + salt;
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
    }

    /// A shelf is empty from some hour of most days to another.
    pub(crate) fn is_out(&self, series: usize, day: usize, hour: usize) -> bool {
        let from = 10 + self.draw(series, day, 0, 1) as usize % 14;
        let to = from + 2 + self.draw(series, day, 0, 2) as usize % 9;
        (from..to).contains(&hour) || hour < 4 && day % 3 == series % 3
    }

    /// Units, as the ledger counts them: thousandths of the file's amount.
    pub(crate) fn units(&self, series: usize, day: usize, hour: usize) -> u64 {
        let sells =
            !self.is_out(series, day, hour) && self.draw(series, day, hour, 3).is_multiple_of(3);
        100 * u64::from(sells) * (1 + self.draw(series, day, hour, 4) % 9)
    }

    pub(crate) fn discount(&self, series: usize, day: usize) -> f32 {
        if self.draw(series, day / 2, 0, 5).is_multiple_of(2) {
            1.0
        } else {
            0.75
        }
    }

    pub(crate) fn rain(&self, series: usize, day: usize) -> f32 {
        self.series[series].0 as f32 + day as f32 * 0.5
    }

    /// Each series as an item of a request.
    pub(crate) fn items(&self) -> impl Iterator<Item = serde_json::Value> {
        self.series.iter().map(|(store, product)| {
            serde_json::json!({
                "location": format!("store-{store}"),
                "sku": format!("product-{product}"),
            })
        })
    }

    pub(crate) fn find(&self, location: &str, sku: &str) -> usize {
        let is_it = |(store, product): &(i64, i64)| {
            (location, sku) == (&*format!("store-{store}"), &*format!("product-{product}"))
        };
        self.series.iter().position(is_it).unwrap()
    }

    fn each_hour(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let hours = |(series, day)| (0..HOURS).map(move |hour| (series, day, hour));
        self.each_day().flat_map(hours)
    }

    fn each_day(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.series.len()).flat_map(|series| (0..DAYS).map(move |day| (series, day)))
    }

    /// Whether the shelf was empty an hour before; `None` before the first.
    fn before(&self, series: usize, day: usize, hour: usize) -> Option<bool> {
        let hours = day * HOURS + hour;
        let before = hours.checked_sub(1)?;
        Some(self.is_out(series, before / HOURS, before % HOURS))
    }

    pub(crate) fn selling_hours(&self) -> usize {
        self.each_hour()
            .filter(|(series, day, hour)| self.units(*series, *day, *hour) > 0)
            .count()
    }

    /// Hours that differ from the hour before; the first of all counts as one.
    pub(crate) fn changes(&self) -> usize {
        let differs = |(series, day, hour): &(usize, usize, usize)| {
            self.before(*series, *day, *hour) != Some(self.is_out(*series, *day, *hour))
        };
        self.each_hour().filter(differs).count()
    }

    /// Hours in which a shelf is no longer empty.
    pub(crate) fn fillings(&self) -> usize {
        let is_filled = |(series, day, hour): &(usize, usize, usize)| {
            self.before(*series, *day, *hour) == Some(true) && !self.is_out(*series, *day, *hour)
        };
        self.each_hour().filter(is_filled).count()
    }

    pub(crate) fn write(&self, path: &Path) {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut file =
            SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        let rows: Vec<(usize, usize)> = self.each_day().collect();
        macro_rules! put {
            ($type:ty, $values:expr) => {
                put!($type, $values, None, None)
            };
            ($type:ty, $values:expr, $defined:expr, $repeats:expr) => {{
                let values: Vec<<$type as DataType>::T> = $values;
                let mut column = group.next_column().unwrap().unwrap();
                column
                    .typed::<$type>()
                    .write_batch(&values, $defined, $repeats)
                    .unwrap();
                column.close().unwrap();
            }};
        }
        let whole = |of: &dyn Fn(usize) -> i64| {
            rows.iter()
                .map(|(series, _)| of(*series))
                .collect::<Vec<_>>()
        };
        put!(Int64Type, whole(&|series| self.series[series].0 % 2));
        put!(Int64Type, whole(&|series| self.series[series].0));
        put!(Int64Type, whole(&|_| 7));
        put!(Int64Type, whole(&|_| 1));
        put!(Int64Type, whole(&|_| 2));
        put!(Int64Type, whole(&|series| self.series[series].1 % 2));
        put!(Int64Type, whole(&|series| self.series[series].1));
        let date =
            |(_, day): &(usize, usize)| ByteArray::from(crate::date(*day).as_bytes().to_vec());
        put!(ByteArrayType, rows.iter().map(date).collect());
        let defined = vec![3; rows.len() * HOURS];
        let repeats: Vec<i16> = (0..rows.len() * HOURS)
            .map(|at| i16::from(at % HOURS != 0))
            .collect();
        let hours = || self.each_hour();
        let sale = |(series, day, hour)| self.units(series, day, hour) as f64 / 1000.0;
        put!(
            DoubleType,
            hours().map(sale).collect(),
            Some(&defined),
            Some(&repeats)
        );
        let status = |(series, day, hour)| i64::from(self.is_out(series, day, hour));
        put!(
            Int64Type,
            hours().map(status).collect(),
            Some(&defined),
            Some(&repeats)
        );
        put!(
            FloatType,
            rows.iter()
                .map(|(series, day)| self.discount(*series, *day))
                .collect()
        );
        put!(
            Int32Type,
            rows.iter()
                .map(|(_, day)| i32::from(day % 7 == 6))
                .collect()
        );
        put!(
            Int32Type,
            rows.iter()
                .map(|(series, day)| i32::from((series + day) % 2 == 0))
                .collect()
        );
        put!(
            DoubleType,
            rows.iter()
                .map(|(series, day)| f64::from(self.rain(*series, *day)))
                .collect()
        );
        for value in [17.5, 60.0, 2.0] {
            put!(DoubleType, vec![value; rows.len()]);
        }
        group.close().unwrap();
        file.close().unwrap();
    }
}
