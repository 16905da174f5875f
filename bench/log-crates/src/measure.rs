//! Interleaved rounds, and the table they end in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{Open, Outcome};

/// Batch sizes, and how many batches of each make a round.
const SIZES: [(usize, usize); 4] = [
    (512, 3000),
    (8 << 10, 1500),
    (64 << 10, 300),
    (256 << 10, 80),
];
const WARM_UP: usize = 16;

/// What one log did at one size, over all rounds.
#[derive(Default)]
struct Figures {
    /// Batches a second, a round each.
    rates: Vec<f64>,
    times: Vec<Duration>,
}

/// Measures every log at every size; the first three of the list are what
/// the others are compared with.
pub fn compare(dir: &Path, logs: &[(&'static str, Open)], rounds: usize) -> Outcome {
    for (size, count) in SIZES {
        let mut figures: Vec<Figures> = logs.iter().map(|_| Figures::default()).collect();
        for round in 0..rounds {
            for turn in 0..logs.len() {
                let which = (turn + round) % logs.len();
                run_once(dir, logs[which], size, count, &mut figures[which])?;
            }
            clear(dir)?;
        }
        print_table(size, logs, &mut figures);
    }
    Ok(())
}

fn run_once(
    dir: &Path,
    (name, open): (&str, Open),
    size: usize,
    count: usize,
    figures: &mut Figures,
) -> Outcome {
    let mut batch = noise(size);
    let mut log = open(&fresh(dir, name)?)?;
    for _ in 0..WARM_UP {
        log.append(&batch)?;
    }
    settle(dir)?;
    let begin = Instant::now();
    for number in 0..count as u64 {
        batch[..8].copy_from_slice(&number.to_le_bytes());
        let start = Instant::now();
        log.append(&batch)?;
        figures.times.push(start.elapsed());
    }
    figures
        .rates
        .push(count as f64 / begin.elapsed().as_secs_f64());
    Ok(())
}

fn print_table(size: usize, logs: &[(&'static str, Open)], figures: &mut [Figures]) {
    let base = |which: usize| format!("{} ÷ it", logs[which].0);
    println!("\n### {size} bytes a batch\n");
    println!(
        "| log | batches/s | MB/s | p50 µs | p99 µs | {} | {} | {} |",
        base(0),
        base(1),
        base(2)
    );
    println!("|---|---|---|---|---|---|---|---|");
    let bases: Vec<Vec<f64>> = figures[..3].iter().map(|f| f.rates.clone()).collect();
    for ((name, _), figures) in logs.iter().zip(figures) {
        let rate = median(figures.rates.clone());
        let ratio = |which: usize| median_ratio(&bases[which], &figures.rates);
        figures.times.sort();
        println!(
            "| {name} | {rate:.0} | {:.1} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} |",
            rate * size as f64 / 1e6,
            percentile(&figures.times, 50),
            percentile(&figures.times, 99),
            ratio(0),
            ratio(1),
            ratio(2),
        );
    }
}

/// How many times the rate of `base` is that of `other`: the median over rounds.
fn median_ratio(base: &[f64], other: &[f64]) -> f64 {
    median(base.iter().zip(other).map(|(a, b)| a / b).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e6
}

/// Bytes that do not compress, so that a crate that compresses gains nothing.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// An empty directory for one log.
pub fn fresh(dir: &Path, name: &str) -> Outcome<PathBuf> {
    let home = dir.join(name);
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    std::fs::create_dir_all(&home)?;
    Ok(home)
}

/// Writes out everything left over, so that one log never pays for another.
fn settle(dir: &Path) -> Outcome {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}

/// Removes all files and lets the disk finish with them.
pub fn clear(dir: &Path) -> Outcome {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => std::fs::remove_dir_all(path)?,
            false => std::fs::remove_file(path)?,
        }
    }
    settle(dir)?;
    std::thread::sleep(Duration::from_millis(300));
    Ok(())
}
