//! `onhand bench layers`: what each layer takes of a reservation's time, alone.
//!
//! The layers are measured one after the other on the same reservations, a thousand at a time, as a batch of a busy
//! partition has them. Only the last figures are of the whole way, with queues and threads between the layers.

use super::scratch::Scratch;
use super::shop::{Load, Shop, command, hold, with_room_for};
use super::stage::{Keys, Stock};
use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_core::{Command, Decision, Entry, LevelNo, LocationNo, State, Timestamp};
use onhand_engine::{Answer, Clock, Machine, ReadTable, Request, SystemClock};
use onhand_log::disk::OsDisk;
use onhand_log::file::{FileLog, FileLogOptions};
use onhand_log::{Batch, Log, Tail};
use onhand_wire::json::answer::answer;
use onhand_wire::json::read::read;
use onhand_wire::json::reservations::ReservationRequest;
use onhand_wire::{BatchReader, BatchWriter};
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Reservations that are measured together.
const BATCH: u64 = 1000;
/// Requests in flight where the whole way is measured under load.
const IN_FLIGHT: usize = 4096;
/// An open batch is never closed for its length here.
const FULL: usize = 16 << 20;

/// Measures each layer of a reservation alone: decide and apply, encode, append, publish, read, parse, answer, and the
/// whole way.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench layers
  onhand bench layers --levels 10000 --batches 20 --json")]
pub(crate) struct Layers {
    /// Stock levels to run on.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    levels: u64,
    /// Batches of 1,000 reservations to measure.
    #[arg(long, value_name = "N", default_value_t = 500)]
    batches: u64,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// What a layer takes of one reservation.
#[derive(Clone, Copy, Debug, Serialize)]
struct Layer {
    layer: &'static str,
    nanos: f64,
}

/// Time spent in a layer, over so many operations.
#[derive(Default)]
struct Spent {
    time: Duration,
    count: u64,
}

impl Spent {
    fn on<T>(&mut self, count: u64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.time += start.elapsed();
        self.count += count;
        done
    }

    fn of(&self, layer: &'static str) -> Layer {
        let nanos = self.time.as_nanos() as f64 / self.count.max(1) as f64;
        Layer { layer, nanos }
    }
}

impl Layers {
    /// Measures every layer.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.levels == 0 || self.batches == 0 {
            return Err(Failure::say("--levels and --batches must be above zero"));
        }
        let mut layers = self.json_layers()?.to_vec();
        layers.extend(self.state_layers()?);
        layers.extend(self.engine_layers()?);
        layers.extend(self.whole_way()?);
        match self.json {
            true => output::json(&layers),
            false => {
                super::print_durability();
                layers.iter().for_each(|layer| {
                    output::text(format!("{:<58} {:>10.0} ns", layer.layer, layer.nanos));
                });
            }
        }
        Ok(())
    }

    fn stock(&self) -> Stock {
        Stock {
            levels: self.levels,
        }
    }

    /// The requests of a batch.
    fn requests(&self, batch: u64) -> impl Iterator<Item = Request> {
        let stock = self.stock();
        (batch * BATCH..(batch + 1) * BATCH).map(move |number| {
            let level = stock.pick(Keys::Uniform, number);
            command(Some(&format!("key-{number}")), hold(level))
        })
    }

    fn json_layers(&self) -> Result<[Layer; 3], Failure> {
        let (mut parse, mut hash, mut reply) =
            (Spent::default(), Spent::default(), Spent::default());
        let (mut state, names) = (filled(Stock { levels: 1000 })?, Nameless);
        for batch in 0..self.batches {
            let bodies: Vec<String> = (0..BATCH).map(|number| body(batch + number)).collect();
            let commands = parse.on(BATCH, || bodies.iter().map(|body| parsed(body)).collect());
            let commands: Vec<Command> = commands;
            hash.on(BATCH, || {
                for command in &commands {
                    black_box(onhand_wire::key::key("", "a-key-of-20-letters", command));
                }
            });
            let entry = record(&mut state, None, &hold(batch % 1000))?;
            reply.on(BATCH, || {
                (0..BATCH).for_each(|_| drop(black_box(answer(&entry, &names))));
            });
        }
        Ok([
            parse.of("parse: a JSON request into a command"),
            hash.of("hash: its key and its fingerprint"),
            reply.of("answer: an entry into JSON"),
        ])
    }

    fn state_layers(&self) -> Result<[Layer; 4], Failure> {
        let [mut decide, mut apply, mut encode, mut decode] =
            std::array::from_fn(|_| Spent::default());
        let mut state = filled(self.stock())?;
        let clock = SystemClock.now();
        for batch in 0..self.batches {
            let mut entries = Vec::new();
            for request in self.requests(batch) {
                let Request::Command { key, command, .. } = request else {
                    continue;
                };
                let decision = decide.on(1, || state.decide(clock, key, &command));
                let Decision::Record(entry) = decision else {
                    return Err(Failure::say(format!("a hold became {decision:?}")));
                };
                apply.on(1, || state.apply(&entry)).map_err(Failure::say)?;
                entries.push(entry);
            }
            let mut writer = BatchWriter::default();
            encode.on(BATCH, || {
                entries.iter().for_each(|entry| {
                    writer.push(entry);
                });
            });
            let (payload, _) = writer.take();
            decode.on(BATCH, || count(&payload)).map_err(Failure::say)?;
        }
        Ok([
            decide.of("decide (with the clock of the measuring)"),
            apply.of("apply (with the clock of the measuring)"),
            encode.of("encode: an entry into bytes"),
            decode.of("decode: bytes into an entry"),
        ])
    }

    fn engine_layers(&self) -> Result<[Layer; 6], Failure> {
        let [
            mut step,
            mut append,
            mut sync,
            mut publish,
            mut look,
            mut look_all,
        ] = std::array::from_fn(|_| Spent::default());
        let scratch = Scratch::new(None);
        let mut log = log(&scratch)?;
        let state = filled(self.stock())?;
        let table = ReadTable::of(&state, SystemClock.now());
        let mut machine: Machine<u64> = Machine::new(state, Tail::EMPTY, 0, FULL);
        let bar = progress::bar("Measuring the engine", self.batches);
        for batch in 0..self.batches {
            let (requests, clock): (Vec<_>, _) =
                (self.requests(batch).collect(), SystemClock.now());
            let effects = step.on(BATCH, || {
                for (number, request) in requests.into_iter().enumerate() {
                    machine.submit(clock, request, number as u64);
                }
                machine.close()
            });
            let closed = effects
                .append
                .ok_or_else(|| Failure::say("no hold was recorded"))?;
            let moved = onto(&log.tail(), closed);
            sync.on(1, || append.on(BATCH, || log.append(&moved)))
                .map_err(Failure::say)?;
            publish.on(BATCH, || table.publish(&effects.publish));
            let wanted: Vec<_> = (0..BATCH)
                .map(|number| self.stock().pick(Keys::Uniform, batch + number * 7919))
                .map(|level| (Stock::location(level), Stock::sku(level)))
                .collect();
            look.on(BATCH, || {
                for (location, sku) in &wanted {
                    let at = table.location(location);
                    black_box(at.and_then(|at| table.find(at, sku)));
                }
            });
            let names = wanted.iter().map(|(location, sku)| (location, sku));
            look_all.on(BATCH, || black_box(table.find_all(names)));
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok([
            step.of("machine: decide, encode and apply"),
            append.of("append: checksum, write and sync, of 1,000 at once"),
            sync.of("append: the same, for all 1,000"),
            publish.of("publish to the read table"),
            look.of("read: a level by its names"),
            look_all.of("read: the same, 1,000 at once"),
        ])
    }

    fn whole_way(&self) -> Result<[Layer; 2], Failure> {
        let scratch = Scratch::new(None);
        let shop = Shop::open(&scratch, self.stock(), with_room_for(IN_FLIGHT))?;
        shop.fill()?;
        let mut alone = Spent::default();
        let session = shop.session();
        for number in 0..self.batches {
            let level = self.stock().pick(Keys::Uniform, number);
            let (partition, request) = shop.reserve(level, &format!("{session}-{number}"));
            let answer = alone.on(1, || shop.engine.call_blocking(partition, request));
            if !matches!(answer, Answer::Recorded(_)) {
                return Err(Failure::say(format!("a hold became {answer:?}")));
            }
        }
        let load = Load {
            keys: Keys::Uniform,
            in_flight: IN_FLIGHT,
        };
        let run = shop.run(load, Duration::from_millis(10 * self.batches))?;
        Ok([
            alone.of("the whole way, one in flight"),
            Layer {
                layer: "the whole way, 4,096 in flight (a second by the rate)",
                nanos: 1e9 / run.per_second.max(1e-9),
            },
        ])
    }
}

/// A state whose shelves are filled.
fn filled(stock: Stock) -> Result<State, Failure> {
    let mut state = State::new(0);
    let bar = progress::bar("Filling the shelves", stock.levels);
    for receive in stock.receipts() {
        bar.inc(receive.lines.len() as u64);
        record(&mut state, None, &Command::Receive(receive))?;
    }
    bar.finish_and_clear();
    Ok(state)
}

fn record(
    state: &mut State,
    key: Option<onhand_core::Key>,
    command: &Command,
) -> Result<Box<Entry>, Failure> {
    match state.decide(Timestamp::default(), key, command) {
        Decision::Record(entry) => {
            state.apply(&entry).map_err(Failure::say)?;
            Ok(entry)
        }
        other => Err(Failure::say(format!("a command became {other:?}"))),
    }
}

fn body(number: u64) -> String {
    format!(
        r#"{{"location":"{}","lines":[{{"sku":"{}","quantity":1}}],"ttl_seconds":600}}"#,
        Stock::location(number),
        Stock::sku(number)
    )
}

fn parsed(body: &str) -> Command {
    read::<ReservationRequest>(body.as_bytes())
        .expect("the body follows the contract")
        .into()
}

fn count(payload: &[u8]) -> Result<usize, onhand_wire::Malformed> {
    let mut entries = 0;
    for entry in BatchReader::new(payload)? {
        black_box(entry?);
        entries += 1;
    }
    Ok(entries)
}

fn log(scratch: &Scratch) -> Result<FileLog<OsDisk>, Failure> {
    std::fs::create_dir_all(&scratch.path).map_err(Failure::say)?;
    FileLog::create(OsDisk, &scratch.path, FileLogOptions::default()).map_err(Failure::say)
}

/// A batch as the next one of a log: this one never saw the shelves being filled.
fn onto(tail: &Tail, batch: Batch) -> Batch {
    Batch {
        first: tail.next,
        before: tail.checksum,
        ..batch
    }
}

/// Names of which only the length matters.
struct Nameless;

impl onhand_wire::json::Names for Nameless {
    fn of_level(&self, _: LevelNo) -> (&str, &str) {
        ("store-0000", "sku-0000000")
    }

    fn of_location(&self, _: LocationNo) -> &str {
        "store-0000"
    }

    fn partition_of(&self, _: &str) -> u16 {
        0
    }

    fn partition(&self) -> u16 {
        0
    }
}
