//! A load generator for HTTP: keep-alive connections, one reservation a request, one request in flight on each.
//!
//! It writes requests by hand and reads only what it needs of the answers, so that it takes as little as possible of
//! the cores that it shares with the server.

use super::stage::{Gauge, Keys, Run, Stock};
use crate::failure::Failure;
use crate::progress;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What to run.
pub(super) struct Plan {
    pub(super) stock: Stock,
    pub(super) keys: Keys,
    pub(super) connections: usize,
    pub(super) time: Duration,
    pub(super) runs: usize,
}

/// Fills the stock through the API and runs.
pub(super) fn run(address: SocketAddr, plan: &Plan) -> Result<Vec<Run>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::say)?;
    runtime.block_on(async {
        fill(address, plan.stock)
            .await
            .map_err(|error| unreachable_server(address, &error))?;
        let mut runs = Vec::new();
        for number in 0..plan.runs {
            let session = format!("{}-{number}", std::process::id());
            runs.push(
                one(address, plan, &session)
                    .await
                    .map_err(|error| unreachable_server(address, &error))?,
            );
        }
        Ok(runs)
    })
}

fn unreachable_server(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::say(format!(
        "the server at {address} does not answer as expected: {error}"
    ))
}

async fn one(address: SocketAddr, plan: &Plan, session: &str) -> io::Result<Run> {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let start = Instant::now();
            let tasks: Vec<_> = (0..plan.connections)
                .map(|connection| {
                    let drive = drive(
                        address,
                        plan.stock,
                        plan.keys,
                        start + plan.time,
                        format!("{session}-{connection}"),
                    );
                    tokio::task::spawn_local(drive)
                })
                .collect();
            let mut all = Gauge::new();
            for task in tasks {
                let gauge = task.await.map_err(io::Error::other)??;
                all.micros.add(&gauge.micros).map_err(io::Error::other)?;
                all.failed += gauge.failed;
            }
            Ok(all.run(
                "over HTTP",
                plan.keys,
                plan.stock.levels,
                plan.connections,
                start.elapsed(),
            ))
        })
        .await
}

async fn drive(
    address: SocketAddr,
    stock: Stock,
    keys: Keys,
    until: Instant,
    session: String,
) -> io::Result<Gauge> {
    let mut connection = Connection::open(address).await?;
    let mut gauge = Gauge::new();
    let seed = session.bytes().fold(0u64, |seed, byte| {
        seed.wrapping_mul(1_000_003) ^ u64::from(byte)
    });
    for request in 0u64.. {
        if Instant::now() >= until {
            break;
        }
        let level = stock.pick(keys, seed.wrapping_add(request));
        let body = format!(
            r#"{{"location":"{}","lines":[{{"sku":"{}","quantity":1}}],"ttl_seconds":600}}"#,
            Stock::location(level),
            Stock::sku(level)
        );
        let start = Instant::now();
        let status = connection
            .post("/v1/reservations", &format!("{session}-{request}"), &body)
            .await?;
        gauge.add(start.elapsed(), status == 201);
    }
    Ok(gauge)
}

async fn fill(address: SocketAddr, stock: Stock) -> io::Result<()> {
    let mut connection = Connection::open(address).await?;
    let bar = progress::bar("Filling the shelves", stock.levels);
    for receive in stock.receipts() {
        let lines: Vec<_> = receive
            .lines
            .iter()
            .map(|line| format!(r#"{{"sku":"{}","quantity":{}}}"#, line.sku, line.quantity))
            .collect();
        let body = format!(
            r#"{{"location":"{}","lines":[{}]}}"#,
            receive.location,
            lines.join(",")
        );
        let status = connection
            .post(
                "/v1/stock/receipts",
                &format!("fill-{}", receive.location),
                &body,
            )
            .await?;
        if status != 201 {
            return Err(io::Error::other(format!("a receipt got status {status}")));
        }
        bar.inc(receive.lines.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// A keep-alive connection.
struct Connection {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            head: format!("Host: {address}\r\nContent-Type: application/json\r\n"),
            buffer: vec![0; 64 << 10],
        })
    }

    /// Posts a body and gives the status of the answer.
    async fn post(&mut self, path: &str, key: &str, body: &str) -> io::Result<u16> {
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}Idempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some((status, length)) = parse(&self.buffer[..filled])
                && filled >= length
            {
                return Ok(status);
            }
        }
    }
}

/// The status and the whole length of an answer, once its head is there.
fn parse(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}
