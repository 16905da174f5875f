//! `onhand sim`: runs the engine against a model of itself, on a disk and a clock that fail.

mod planted;
mod report;

use crate::failure::Failure;
use crate::{output, progress};
use clap::{Args, value_parser};
use onhand_sim::campaign::{run_seed, run_seeds};
use onhand_sim::counts::Counts;
use onhand_sim::scenario::Scenario;
use onhand_sim::world::Outcome;
use report::Report;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So many from any seed on are still numbers.
const MOST_SEEDS: u64 = u64::MAX / 2;

/// A year.
const MOST_MINUTES: u64 = 366 * 24 * 60;

/// Runs the production engine, log and recovery in a simulated world: one thread a seed, a clock and a disk that fail
/// as real ones do, and a model that foretells every answer, entry and read. A seed decides everything.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand sim                              200 fresh seeds
  onhand sim --minutes 60                 as many fresh seeds as an hour holds
  onhand sim --seed 42 --trace            one seed, twice, and what happened in it
  onhand sim --planted all                every planted defect must be found; such a build is made by
                                          cargo run --profile sim --features onhand-sim/planted -- sim --planted all

Ends with code 0 only if nothing was found (with --planted: if every defect was).")]
pub(crate) struct Sim {
    /// The first seed; a fresh one if not said. Alone, only this one is run, and twice: both runs must be the same.
    #[arg(long, value_parser = value_parser!(u64).range(..=MOST_SEEDS))]
    seed: Option<u64>,
    /// How many seeds; 200 if nothing else is said. With --planted: how many are tried for each defect.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST_SEEDS))]
    seeds: Option<u64>,
    /// Runs fresh seeds for so long.
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
    minutes: Option<u64>,
    /// Fails if the seeds have not ended within so long.
    #[arg(long, value_name = "MINUTES", requires = "seeds", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
    within: Option<u64>,
    /// Steps of each seed.
    #[arg(long, default_value_t = 3_000, value_parser = value_parser!(u32).range(1..))]
    steps: u32,
    /// Threads; each runs seeds of its own. As many as there are processors if not said.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Plants this defect, or each in turn, and looks for it.
    #[arg(long, value_name = "NAME|all", conflicts_with_all = ["minutes", "within"])]
    planted: Option<String>,
    /// Prints the whole trace of the one seed.
    #[arg(long, requires = "seed", conflicts_with_all = ["seeds", "minutes", "planted"])]
    trace: bool,
    /// Writes the table into this file, between its marks.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Sim {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let is_one = self.seeds.is_none() && self.minutes.is_none();
        match (&self.planted, self.seed) {
            (Some(name), _) => planted::run(self, name),
            (None, Some(seed)) if is_one => self.one(seed),
            (None, seed) => self.many(seed.unwrap_or_else(fresh)),
        }
    }

    fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(processors, usize::from)
    }

    fn steps(&self) -> usize {
        self.steps as usize
    }

    /// When it ends, if that is said.
    fn until(&self) -> Option<Instant> {
        let minutes = self.minutes.or(self.within)?;
        Some(Instant::now() + Duration::from_secs(60 * minutes))
    }

    /// One seed, twice.
    fn one(&self, seed: u64) -> Result<(), Failure> {
        let [first, second] = [(); 2].map(|()| run_seed(seed, self.steps(), self.trace));
        if self.trace {
            output::text(&first.trace);
        }
        if first != second {
            return Err(Failure::say(format!(
                "seed {seed} is not the same twice: the traces' hashes are {:016x} and {:016x}",
                first.trace_hash, second.trace_hash
            )));
        }
        output::text(format!(
            "seed {seed}: {}\ntwice the same: trace {:016x}, state {:032x}",
            Scenario::of(seed, self.steps()),
            first.trace_hash,
            first.state_hash
        ));
        self.conclude(seed, &first)
    }

    fn conclude(&self, seed: u64, outcome: &Outcome) -> Result<(), Failure> {
        match &outcome.finding {
            None => Ok(()),
            Some(finding) => {
                let steps = self.steps;
                Err(Failure::say(format!(
                    "seed {seed} found, at step {}:\n  {finding}\n\nThe last of its trace:\n{}\n\
                     Again: onhand sim --seed {seed} --steps {steps} --trace",
                    outcome.counts.steps, outcome.trace
                )))
            }
        }
    }

    fn many(&self, first: u64) -> Result<(), Failure> {
        let seeds = match self.minutes {
            Some(_) => MOST_SEEDS,
            None => self.seeds.unwrap_or(200),
        };
        let until = self.until();
        eprintln!("seeds from {first} on, {} steps each", self.steps);
        let bar = match self.minutes {
            Some(_) => progress::spinner("seeds"),
            None => progress::bar("seeds", seeds),
        };
        let (start, mut counts, mut found) = (Instant::now(), Counts::default(), None);
        run_seeds(
            first..first + seeds,
            self.steps(),
            self.threads(),
            |seed, outcome| {
                counts += &outcome.counts;
                bar.set_position(counts.seeds);
                if outcome.finding.is_some() && found.is_none() {
                    found = Some((seed, outcome.clone()));
                }
                found.is_none() && until.is_none_or(|until| Instant::now() < until)
            },
        );
        bar.finish_and_clear();
        let took = start.elapsed();
        let report = Report::new(first, self.steps(), &counts, took, found.is_some());
        report.show(self)?;
        match found {
            Some((seed, outcome)) => self.conclude(seed, &outcome),
            None => self.in_time(counts.seeds, took),
        }
    }

    /// Whether the seeds ended within the time that was said.
    fn in_time(&self, ended: u64, took: Duration) -> Result<(), Failure> {
        match (self.within, self.seeds) {
            (Some(within), Some(seeds))
                if ended < seeds || took > Duration::from_secs(60 * within) =>
            {
                let (took, threads) = (took.as_secs(), self.threads());
                Err(Failure::say(format!(
                    "too slow: {ended} of {seeds} seeds ended in {took} s on {threads} threads, and all were to end \
                     within {within} minutes"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// A seed that nobody chose.
fn fresh() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // Short enough to be typed again.
    since.as_millis() as u64 % 1_000_000_000 * 1_000
}
