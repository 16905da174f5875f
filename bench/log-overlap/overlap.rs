//! Does it gain anything to write the next batch while the last one syncs? (`docs/decisions/0014`)
//!
//!     rustc -O --edition 2024 -o /tmp/overlap bench/log-overlap/overlap.rs && /tmp/overlap DIR
//!
//! Batches of as many reservations as are in flight, 120 bytes each, into a file whose room was written before. *Serial*:
//! write, sync, next. *Overlapped*: one thread writes, another syncs, and the writer is one batch ahead. Rounds are
//! interleaved, because a virtual disk has moods; medians of 7 rounds of 0.7 s. The *bound* is what overlapping could gain
//! at most if a sync takes as long as it does now: (write + sync) / the longer of both, of their medians.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
const RESERVATION: usize = 120;
const ROOM: u64 = 256 << 20;

fn main() -> std::io::Result<()> {
    let dir = std::env::args().nth(1).expect("the first argument is a folder");
    let path = Path::new(&dir).join("overlap.tmp");
    let file = File::create(&path)?;
    let zeros = vec![0; 1 << 20];
    for at in (0..ROOM).step_by(zeros.len()) {
        file.write_all_at(&zeros, at)?;
    }
    file.sync_all()?;
    println!("in flight   serial/s   overlapped/s   ratio   write µs   sync µs   bound");
    for in_flight in [1, 64, 4096] {
        let batch = vec![7; in_flight * RESERVATION];
        let (mut serials, mut overlaps) = (Vec::new(), Vec::new());
        let mut parts = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            serials.push(serial(&file, &batch, &mut parts)?);
            overlaps.push(overlapped(&file, &batch)?);
        }
        let (one, other) = (median(&mut serials), median(&mut overlaps));
        let rate = |batches: f64| batches * in_flight as f64;
        let [write, sync] = parts.map(|mut times| median(&mut times));
        let bound = (write + sync) / write.max(sync);
        println!(
            "{in_flight:>9} {:>10.0} {:>14.0} {:>7.2} {write:>10.1} {sync:>9.1} {bound:>7.2}",
            rate(one),
            rate(other),
            other / one
        );
    }
    std::fs::remove_file(path)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Where the next batch goes: around and around.
fn place(number: u64, batch: &[u8]) -> u64 {
    let bytes = (batch.len() as u64).next_multiple_of(64);
    number % (ROOM / bytes) * bytes
}

fn serial(file: &File, batch: &[u8], parts: &mut [Vec<f64>; 2]) -> std::io::Result<f64> {
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < ROUND {
        let before = Instant::now();
        file.write_all_at(batch, place(done, batch))?;
        let between = Instant::now();
        file.sync_data()?;
        parts[0].push((between - before).as_secs_f64() * 1e6);
        parts[1].push(between.elapsed().as_secs_f64() * 1e6);
        done += 1;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

fn overlapped(file: &File, batch: &[u8]) -> std::io::Result<f64> {
    let start = Instant::now();
    // With room for none, the writer has written the next batch and waits to hand it over while the last one syncs.
    let (written, to_sync) = sync_channel(0);
    let done = std::thread::scope(|scope| {
        let syncer = scope.spawn(move || {
            let mut done = 0_u64;
            for () in to_sync {
                file.sync_data()?;
                done += 1;
            }
            std::io::Result::Ok(done)
        });
        let mut number = 0;
        while start.elapsed() < ROUND {
            file.write_all_at(batch, place(number, batch))?;
            written.send(()).expect("the syncer waits");
            number += 1;
        }
        drop(written);
        syncer.join().expect("the syncer does not panic")
    })?;
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
