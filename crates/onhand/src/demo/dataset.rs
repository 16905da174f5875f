//! The Complete Journey: a year of grocery baskets, as baskets of stock lines in time order.
//!
//! Left out, each counted: fuel (its quantities are thousandths of a gallon), what is no stock (coupons, restaurant
//! meals, gift cards, tickets, photo prints and other services), products that the product table does not know, and
//! lines without units.

use onhand_core::Timestamp;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type, Int96Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::HashMap;

/// Units of one product in a basket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// The product's number in the data set.
    pub(crate) product: u32,
    /// How many units.
    pub(crate) units: u32,
}

/// What a household bought at once.
#[derive(Clone, Debug)]
pub(crate) struct Basket {
    /// The basket's number in the data set.
    pub(crate) id: u64,
    /// When it was bought.
    pub(crate) at: Timestamp,
    /// In which store.
    pub(crate) store: u32,
    /// What.
    pub(crate) lines: Vec<Line>,
}

/// Lines that were left out, by why.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeftOut {
    pub(crate) fuel: usize,
    pub(crate) not_stock: usize,
    pub(crate) unknown_product: usize,
    pub(crate) no_units: usize,
}

/// The data set.
pub(crate) struct Dataset {
    /// Baskets with at least one stock line, in time order.
    pub(crate) baskets: Vec<Basket>,
    /// Product names for people, by number.
    pub(crate) names: HashMap<u32, String>,
    /// Sales lines in the file.
    pub(crate) lines_read: usize,
    /// What was left out of them.
    pub(crate) left_out: LeftOut,
}

/// Departments that hold no stock.
const NOT_STOCK: [&str; 4] = ["COUPON", "MISCELLANEOUS", "RESTAURANT", "CNTRL/STORE SUP"];
/// Categories that are services.
const SERVICES: [&str; 6] = [
    "COUPON/MISC ITEMS",
    "COUPON",
    "COUPONS/STORE & MFG",
    "IN-STORE PHOTOFINISHING",
    "TICKETS",
    "PREPAID WIRELESS&ACCESSORIES",
];
const FUEL: &str = "GASOLINE-REG UNLEADED";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stock,
    Fuel,
    NotStock,
}

struct Product {
    kind: Kind,
    name: String,
}

/// Reads both files.
pub(crate) fn read(transactions: Vec<u8>, products: Vec<u8>) -> Result<Dataset, ParquetError> {
    let products = read_products(products)?;
    let file = open(transactions)?;
    let rows = file.metadata().file_metadata().num_rows() as usize;
    let store = numbers(&file, "store_id")?;
    let basket = numbers(&file, "basket_id")?;
    let product = numbers(&file, "product_id")?;
    let quantity = numbers(&file, "quantity")?;
    let at = column::<Int96Type>(&file, "transaction_timestamp")?;
    let mut left_out = LeftOut::default();
    let mut baskets: Vec<Basket> = Vec::new();
    for row in 0..rows {
        let number = product[row] as u32;
        let reason = match products.get(&number).map(|product| product.kind) {
            None => Some(&mut left_out.unknown_product),
            Some(Kind::Fuel) => Some(&mut left_out.fuel),
            Some(Kind::NotStock) => Some(&mut left_out.not_stock),
            Some(Kind::Stock) if quantity[row] <= 0 => Some(&mut left_out.no_units),
            Some(Kind::Stock) => None,
        };
        if let Some(count) = reason {
            *count += 1;
            continue;
        }
        let line = Line {
            product: number,
            units: quantity[row] as u32,
        };
        let id = basket[row] as u64;
        match baskets.last_mut().filter(|last| last.id == id) {
            Some(last) => last.lines.push(line),
            None => baskets.push(Basket {
                id,
                at: Timestamp::from_millis(at[row].map_or(0, |at| at.to_millis().max(0) as u64)),
                store: store[row] as u32,
                lines: vec![line],
            }),
        }
    }
    baskets.sort_by_key(|basket| (basket.at, basket.id));
    Ok(Dataset {
        baskets,
        names: products
            .into_iter()
            .map(|(number, product)| (number, product.name))
            .collect(),
        lines_read: rows,
        left_out,
    })
}

fn read_products(bytes: Vec<u8>) -> Result<HashMap<u32, Product>, ParquetError> {
    let file = open(bytes)?;
    let number = numbers(&file, "product_id")?;
    let department = texts(&file, "department")?;
    let category = texts(&file, "product_category")?;
    let kind = texts(&file, "product_type")?;
    let rows = number.into_iter().zip(department).zip(category).zip(kind);
    Ok(rows
        .map(|(((number, department), category), product_type)| {
            let kind = kind_of(&department, &category, &product_type);
            let name = [product_type, category, department]
                .into_iter()
                .find(|name| !name.is_empty());
            let name = name.unwrap_or_default();
            (number as u32, Product { kind, name })
        })
        .collect())
}

fn kind_of(department: &str, category: &str, product_type: &str) -> Kind {
    if product_type == FUEL || department == "FUEL" {
        Kind::Fuel
    } else if NOT_STOCK.contains(&department) || SERVICES.contains(&category) {
        Kind::NotStock
    } else {
        Kind::Stock
    }
}

type File = SerializedFileReader<bytes::Bytes>;

fn open(bytes: Vec<u8>) -> Result<File, ParquetError> {
    SerializedFileReader::new(bytes.into())
}

/// A column of numbers; 0 where there is none.
fn numbers(file: &File, name: &str) -> Result<Vec<i64>, ParquetError> {
    let values = column::<Int64Type>(file, name)?;
    Ok(values.into_iter().map(Option::unwrap_or_default).collect())
}

/// A column of texts; empty where there is none.
fn texts(file: &File, name: &str) -> Result<Vec<String>, ParquetError> {
    let values = column::<ByteArrayType>(file, name)?;
    let text = |value: &ByteArray| String::from_utf8_lossy(value.data()).into_owned();
    Ok(values
        .iter()
        .map(|value| value.as_ref().map(text).unwrap_or_default())
        .collect())
}

/// All values of a column, in row order.
fn column<T: DataType>(file: &File, name: &str) -> Result<Vec<Option<T::T>>, ParquetError> {
    let schema = file.metadata().file_metadata().schema_descr();
    let at = (0..schema.num_columns()).find(|at| schema.column(*at).name() == name);
    let at = at.ok_or_else(|| ParquetError::General(format!("there is no column {name}")))?;
    let physical = schema.column(at).physical_type();
    if physical != T::get_physical_type() {
        return Err(wrong_type(name, physical));
    }
    let mut all = Vec::with_capacity(file.metadata().file_metadata().num_rows() as usize);
    for group in 0..file.num_row_groups() {
        let reader = file.get_row_group(group)?.get_column_reader(at)?;
        read_column::<T>(reader, &mut all)?;
    }
    Ok(all)
}

fn wrong_type(name: &str, found: Type) -> ParquetError {
    ParquetError::General(format!("the column {name} has the type {found}"))
}

fn read_column<T: DataType>(
    reader: ColumnReader,
    all: &mut Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let mut reader = get_typed_column_reader::<T>(reader);
    loop {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let (rows, _, _) = reader.read_records(65_536, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Ok(());
        }
        let mut values = values.into_iter();
        // A column that must be there has no levels: every row has a value.
        levels.resize(rows, 1);
        all.extend(
            levels
                .iter()
                .map(|level| if *level == 1 { values.next() } else { None }),
        );
    }
}
