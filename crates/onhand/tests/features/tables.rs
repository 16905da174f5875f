//! Tables over HTTP, as JSON and as Arrow: the same rows, and those of the command's Parquet file, bit by bit.

use crate::data::Data;
use crate::frame::Frame;
use crate::support::{Client, Server, run};
use crate::{caught_up, json, replay};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, TimestampMillisecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const ARROW: &str = "application/vnd.apache.arrow.stream";

/// A call on a connection of its own, whose answer is not read yet.
struct Call(BufReader<TcpStream>);

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Call {
    fn begin(address: SocketAddr, path: &str, accept: &str, body: &str) -> Self {
        Self::with(address, path, &format!("Accept: {accept}"), body)
    }

    fn with(address: SocketAddr, path: &str, header: &str, body: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: onhand\r\n{header}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// The head alone.
    fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head)
    }

    fn end(mut self) -> Answer {
        let ((status, head), mut body) = (self.head(), Vec::new());
        self.0.read_to_end(&mut body).unwrap();
        Answer { status, head, body }
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn arrow(&self) -> RecordBatch {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.head.contains(ARROW), "{}", self.head);
        let batches = StreamReader::try_new(self.body.as_slice(), None).unwrap();
        let batches: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
        assert_eq!(batches.len(), 1);
        batches.into_iter().next().unwrap()
    }
}

fn texts(table: &RecordBatch, name: &str) -> Vec<String> {
    let column = table.column_by_name(name).unwrap().as_string::<i32>();
    column.iter().map(|text| text.unwrap().to_owned()).collect()
}

/// What is asked: not in the order of time, twice at the same, of a store that is not known, and about a later hour.
const ASKED: [(&str, &str, &str, &str); 5] = [
    (
        "store-1",
        "product-1",
        "2024-04-06T12:00:00Z",
        "2024-04-06T13:00:00Z",
    ),
    (
        "store-9",
        "product-1",
        "2024-04-05T09:00:00Z",
        "2024-04-05T09:00:00Z",
    ),
    (
        "store-2",
        "product-2",
        "2024-04-05T09:00:00Z",
        "2024-04-05T11:00:00Z",
    ),
    (
        "store-1",
        "product-1",
        "2024-04-03T21:30:00Z",
        "2024-04-03T21:30:00Z",
    ),
    (
        "store-1",
        "product-2",
        "2024-05-01T00:00:00Z",
        "2024-05-01T00:00:00Z",
    ),
];

#[test]
fn a_frame_over_http_is_the_one_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = replay(dir.path(), &Data::made(), &[]);
    let row = |(location, sku, at, target): (&str, &str, &str, &str)| serde_json::json!({ "location": location, "sku": sku, "at": at, "target": target });
    let body = serde_json::json!({ "rows": ASKED.map(row) }).to_string();
    let mut server = Server::start(&folder, &["--features"]);
    let ask = |accept| Call::begin(server.address, "/v1/features/frame", accept, &body).end();
    let (told, table) = (ask("application/json").json(), ask(ARROW).arrow());
    server.stop();

    let (list, out) = (
        dir.path().join("asked.csv"),
        dir.path().join("frame.parquet"),
    );
    let line = |(location, sku, at, target): (&str, &str, &str, &str)| {
        format!("{location},{sku},{at},{target}\n")
    };
    let lines = ASKED.map(line).concat();
    std::fs::write(&list, format!("location,sku,at,target\n{lines}")).unwrap();
    let [folder, list, to] = [&folder, &list, &out].map(|path| path.to_str().unwrap());
    let made = run(&[
        "features",
        "frame",
        "--data",
        folder,
        "--entities",
        list,
        "--out",
        to,
    ]);
    assert!(made.status.success(), "{made:?}");
    let frame = Frame::read(&out);

    let rows = told["rows"].as_array().unwrap();
    assert_eq!((rows.len(), table.num_rows(), frame.rows()), (5, 5, 5));
    let (locations, skus) = (texts(&table, "location"), texts(&table, "sku"));
    let times = |name: &str, row: usize| {
        let column = table.column_by_name(name).unwrap();
        column.as_primitive::<TimestampMillisecondType>().value(row)
    };
    let mut present = 0;
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(frame.text("location", at), row["location"]);
        assert_eq!(frame.text("location", at), locations[at]);
        assert_eq!(frame.text("sku", at), row["sku"]);
        assert_eq!(frame.text("sku", at), skus[at]);
        for name in ["at", "target"] {
            let time: jiff::Timestamp = row[name].as_str().unwrap().parse().unwrap();
            assert_eq!(time.as_millisecond(), times(name, at));
            assert_eq!(times(name, at) as usize / 3_600_000, frame.hours(name, at));
        }
        for (number, name) in told["features"].as_array().unwrap().iter().enumerate() {
            let name = name.as_str().unwrap();
            let framed = frame.value(name, at);
            let column = table.column_by_name(name).unwrap();
            let value = column.as_primitive::<Float32Type>().value(at);
            assert_eq!(value.to_bits(), framed.to_bits(), "{name}, row {at}");
            let value = row["values"][number]
                .as_f64()
                .map_or(f32::NAN, |value| value as f32);
            assert_eq!(value.to_bits(), framed.to_bits(), "{name}, row {at}");
            present += usize::from(!framed.is_nan());
        }
    }
    assert!(present > 200, "{present} values are there");
    let list = json(&["features", "list"]);
    let schema = table.schema();
    assert_eq!(
        schema.metadata()["onhand.set"],
        told["set"].as_str().unwrap()
    );
    for feature in list.as_array().unwrap() {
        let [name, hash] = ["name", "hash"].map(|field| feature[field].as_str().unwrap());
        assert!(schema.metadata()["onhand.features"].contains(&format!("{name}={hash}")));
    }
}

#[test]
fn rows_of_now_are_told_as_arrow_too() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::made();
    let (folder, _) = replay(dir.path(), &data, &[]);
    let mut server = Server::start(&folder, &["--features"]);
    let told = caught_up(&mut Client::new(server.address), &data);
    let items: Vec<Value> = data.items().collect();
    let body = serde_json::json!({ "items": items }).to_string();
    let ask = |accept| Call::begin(server.address, "/v1/features", accept, &body).end();
    let table = ask(ARROW).arrow();
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(table.num_rows(), rows.len());
    let (locations, skus) = (texts(&table, "location"), texts(&table, "sku"));
    let known = table.column_by_name("known").unwrap().as_boolean();
    let sequences = table.column_by_name("sequence").unwrap();
    // Not of the hour of the request, which may have changed in between.
    let features = told["features"].as_array().unwrap();
    let on_hand = features.iter().position(|name| name == "on_hand").unwrap();
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(
            (row["location"].as_str(), row["sku"].as_str()),
            (Some(&*locations[at]), Some(&*skus[at]))
        );
        assert_eq!(row["known"], known.value(at));
        assert_eq!(
            row["sequence"],
            sequences.as_primitive::<UInt64Type>().value(at)
        );
        let column = table.column_by_name("on_hand").unwrap();
        let value = column.as_primitive::<Float32Type>().value(at);
        assert_eq!(row["values"][on_hand], value);
    }
    assert_eq!(table.num_columns(), 6 + features.len());
    assert!(
        table
            .columns()
            .iter()
            .all(|column| column.null_count() == 0)
    );

    let refused = ask("text/csv");
    assert_eq!(refused.status, 406);
    assert_eq!(refused.json()["type"], "urn:onhand:problem:not-acceptable");
    server.stop();
}

#[test]
fn a_frame_that_cannot_be_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = replay(dir.path(), &Data::made(), &[]);
    let mut server = Server::start(&folder, &["--features"]);
    let mut client = Client::new(server.address);
    let mut refused = |second: Value| {
        let first = serde_json::json!({ "location": "store-1", "sku": "product-1", "at": "2024-04-06T12:00:00Z" });
        let body = serde_json::json!({ "rows": [first, second] }).to_string();
        let answer = client.post("/v1/features/frame", "any", &body).unwrap();
        assert_eq!(answer.status, 422, "{}", answer.body);
        answer.json()["errors"][0]["pointer"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let row = |at: &str, target: &str| serde_json::json!({ "location": "store-1", "sku": "x", "at": at, "target": target });
    let soon = "2199-01-01T00:00:00Z";
    assert_eq!(refused(row(soon, soon)), "/rows/1/at");
    let (at, before) = ("2024-04-06T12:00:00Z", "2024-04-06T11:00:00Z");
    assert_eq!(refused(row(at, before)), "/rows/1/target");
    assert_eq!(refused(row("yesterday", at)), "/rows/1/at");
    server.stop();

    let mut server = Server::start(&folder, &[]);
    let body = serde_json::json!({ "rows": [{ "location": "store-1", "sku": "x", "at": at }] });
    let answer = Client::new(server.address).post("/v1/features/frame", "any", &body.to_string());
    assert_eq!(answer.unwrap().status, 404, "it keeps no features");
    server.stop();
}

#[test]
fn one_frame_is_made_at_a_time_and_one_that_nobody_waits_for_gives_its_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = replay(dir.path(), &Data::made(), &[]);
    let mut server = Server::start(&folder, &["--features"]);
    let row = serde_json::json!({ "location": "store-1", "sku": "product-1", "at": "2024-04-06T12:00:00Z" });
    let body = |rows: usize| serde_json::json!({ "rows": vec![&row; rows] }).to_string();
    let ask = |rows| {
        Call::begin(
            server.address,
            "/v1/features/frame",
            "application/json",
            &body(rows),
        )
    };
    // Longer than what the system holds for a client that does not read.
    let mut first = ask(40_000);
    assert_eq!(first.head().0, 200);
    let busy = ask(1).end();
    assert_eq!(busy.status, 429, "{}", String::from_utf8_lossy(&busy.body));
    assert!(
        busy.head.to_lowercase().contains("retry-after: 5"),
        "{}",
        busy.head
    );
    drop(first);
    let begun = Instant::now();
    while ask(1).end().status != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the place was not given back"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop();
}

/// A caller who has no time is told so, and who says none or enough has his rows.
#[test]
fn whoever_does_not_wait_so_long_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = replay(dir.path(), &Data::made(), &[]);
    let mut server = Server::start(&folder, &["--features"]);
    let skus: Vec<String> = (0..10_000).map(|number| format!("sku-{number}")).collect();
    let rows = serde_json::json!({ "location": "store-1", "skus": skus });
    let row = serde_json::json!({ "location": "store-1", "sku": "product-1", "at": "2024-04-06T12:00:00Z" });
    let frame = serde_json::json!({ "rows": vec![&row; 2_000] });
    for (path, body, short) in [
        ("/v1/features", &rows, 1),
        ("/v1/features/frame", &frame, 1),
    ] {
        let within = |millis: u32| {
            let header = format!("Onhand-Timeout-Ms: {millis}");
            let answer = Call::with(server.address, path, &header, &body.to_string()).end();
            (answer.status, answer)
        };
        let (status, answer) = within(short);
        assert_eq!(status, 503, "{path}");
        assert_eq!(answer.json()["type"], "urn:onhand:problem:late");
        // A frame gives its place back at the next page.
        let begun = Instant::now();
        while within(60_000).0 != 200 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{path}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    server.stop();
}
