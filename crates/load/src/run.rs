//! `onhand-load run`: one run, and its summary.

mod findings;

use crate::arrivals::{Arrivals, Nanos, Pace};
use crate::campaign::{self, Watch};
use crate::cpu;
use crate::failure::Failure;
use crate::keys::Keys;
use crate::lane::{Carrier, Lane, Target};
use crate::levels::Levels;
use crate::summary::{Setting, Summary};
use crate::tenants::Tenants;
use crate::work::{Recipe, Work, Workload};
use crate::{output, progress, sale};
use clap::{Args, ValueEnum};
use indicatif::HumanCount;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reservations in a batch, if nothing else is said.
const BATCH: usize = 100;
/// Connections of gRPC, if nothing else is said: each carries many calls.
const GRPC_CONNECTIONS: usize = 4;
const SECOND: f64 = 1e9;

/// Asks a running server for a while, and says how it answered. Fill its shelves first.
///
/// It ends with code 1 if an answer was wrong: anything but done, 409 (no stock), 429 or 503 with `late` or `full` (too much
/// load, nothing done), or no answer at all.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand-load run --in-flight 64                                  # closed loop: what the server gives at most
  onhand-load run --open 20000 --seconds 60 --out evening.json    # open loop: what customers wait for at this rate
  onhand-load run --protocol http-batch --batch 1000 --in-flight 8
  onhand-load run --protocol grpc-stream --in-flight 4096
  onhand-load run --work availability --items 100 --keys zipf:1.0
  onhand-load run --keys hot:0.9                                  # one hot SKU, its neighbours told apart
  onhand-load run --keys flash-sale:50000/1000                    # 50,000 buyers for 1,000 units
  onhand-load run --tenants big:9,small:1 --open 50000 --timeout-ms 200")]
pub(crate) struct Run {
    /// The server's address. [default: 127.0.0.1:7780, for gRPC 127.0.0.1:7781]
    #[arg(long, value_name = "HOST:PORT")]
    to: Option<String>,
    /// How it is asked.
    #[arg(long, value_enum, default_value_t = Protocol::Http)]
    protocol: Protocol,
    /// What is asked: reserve, availability, predictions (the server needs a model), mix, or a mix of your own:
    /// mix:reserve=30,confirm=20,release=10,read=40.
    #[arg(long, value_name = "WORK", default_value = "reserve")]
    work: Work,
    /// Which levels: uniform, zipf:EXPONENT, hot, hot:SHARE, or (over HTTP, one a request) flash-sale:BUYERS/UNITS.
    #[arg(long, value_name = "KEYS", default_value = "uniform")]
    keys: Keys,
    /// Stock levels, as they were filled.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    levels: u64,
    /// SKUs at each location, as they were filled.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    skus: u64,
    /// Open loop: so many requests a second, whatever the answers do. Times count from when a request was due.
    #[arg(long, value_name = "RATE")]
    open: Option<f64>,
    /// How the requests of an open loop come.
    #[arg(long, value_enum, default_value_t = Spacing::Poisson, requires = "open")]
    arrivals: Spacing,
    /// The most requests in flight; without --open, as many as possible always are. [default: 64, with --open 256]
    #[arg(long, value_name = "N")]
    in_flight: Option<usize>,
    /// Connections; with fewer than --in-flight, requests share them: pipelined, or as calls of one connection. [default:
    /// as many as --in-flight; for gRPC 4 at most]
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// Reservations in a batch. [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: Option<u16>,
    /// Levels in an availability read, items in a page of predictions.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    items: u16,
    /// Seconds that are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    seconds: f64,
    /// Seconds before, that are not.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    warmup: f64,
    /// Seconds that units are held, unless they are confirmed or released.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=2_592_000))]
    ttl_seconds: u32,
    /// The same seed asks for the same, in the same order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The tenant that asks.
    #[arg(long, value_name = "NAME", conflicts_with = "tenants")]
    tenant: Option<Tenants>,
    /// Several tenants, and their shares of the requests.
    #[arg(long, value_name = "NAME:SHARE,…")]
    tenants: Option<Tenants>,
    /// The deadline that every request tells the server, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    timeout_ms: Option<u64>,
    /// Seconds after the end to wait for what is still owed.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    patience: u64,
    /// Threads of the generator. One is enough for a server on the same machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// The server's process, to measure its CPU time.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Write the summary with its histograms to a file, to be compared.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// HTTP/1.1 and JSON, one reservation a request.
    Http,
    /// HTTP/1.1 and JSON, reservations in batches.
    HttpBatch,
    /// gRPC, one call a request.
    Grpc,
    /// gRPC, reservations in batches.
    GrpcBatch,
    /// gRPC, reservations in one stream for each connection, timed one by one.
    GrpcStream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Spacing {
    /// As of independent customers.
    Poisson,
    /// With equal gaps.
    Constant,
}

impl Run {
    /// Runs, prints, and fails if an answer was wrong.
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.check()?;
        let run = run_number();
        let recipe = self.recipe(run)?;
        let mut target = self.target()?;
        if let Keys::FlashSale { units, .. } = self.keys {
            target.units = units;
            sale::open(&target, recipe.levels, recipe.tenants.clone())?;
            target = Target {
                units,
                ..self.target()?
            };
        }
        let summary = self.measure(&target, &recipe, run)?;
        self.tell(&summary)?;
        match findings::wrong(&summary) {
            Some(wrong) => Err(Failure::say(wrong)),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let bad = |what: &str| Err(Failure::say(what));
        let is_a_time = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
        if !is_a_time(self.seconds) || !is_a_time(self.warmup) || self.seconds == 0.0 {
            return bad("--seconds and --warmup are at most a day, and --seconds is above zero");
        }
        if self.open.is_some_and(|rate| !(1e-3..=1e8).contains(&rate)) {
            return bad("--open is a rate from 0.001 to 100000000 requests a second");
        }
        if let Some(pid) = self.pid
            && cpu::seconds_of(&pid.to_string()).is_none()
        {
            return Err(Failure::say(format!(
                "--pid {pid}: there is no such process"
            )));
        }
        if self.in_flight() == 0 || self.connections() == 0 || self.threads == 0 {
            return bad("--in-flight, --connections and --threads are above zero");
        }
        if self.connections() > self.in_flight() || self.threads > self.connections() {
            return bad(
                "there are at least as many --in-flight as --connections, and as many of these as --threads",
            );
        }
        let is_batched = self.protocol.is_batched();
        if self.batch.is_some() && !is_batched {
            return bad("--batch needs --protocol http-batch or grpc-batch");
        }
        let is_stream = self.protocol == Protocol::GrpcStream;
        if (is_batched || is_stream) && self.work != Work::Reserve {
            return bad("batches and streams make reservations: --work reserve");
        }
        if is_stream && self.tenants.is_some() {
            return bad("a stream is of one tenant: --tenant");
        }
        if is_stream && self.timeout_ms.is_some() {
            return bad("a stream has one deadline for all its requests: no --timeout-ms");
        }
        let is_sale = matches!(self.keys, Keys::FlashSale { .. });
        if is_sale && (self.work != Work::Reserve || self.protocol != Protocol::Http) {
            return bad(
                "the buyers of a flash sale reserve one by one: --work reserve, --protocol http",
            );
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        let usual = if self.open.is_some() { 256 } else { 64 };
        self.in_flight.unwrap_or(usual)
    }

    fn connections(&self) -> usize {
        let usual = match self.protocol.carrier() {
            Carrier::Http => usize::MAX,
            Carrier::Grpc | Carrier::GrpcStream => GRPC_CONNECTIONS.max(self.threads),
        };
        self.connections.unwrap_or(usual.min(self.in_flight()))
    }

    /// A flash sale counts from its first moment.
    fn warmup(&self) -> f64 {
        match self.keys {
            Keys::FlashSale { .. } => 0.0,
            _ => self.warmup,
        }
    }

    fn recipe(&self, run: u32) -> Result<Recipe, Failure> {
        let levels = match self.keys {
            Keys::FlashSale { .. } => Levels::of_a_sale(run),
            _ => Levels::new(self.levels, self.skus).map_err(Failure::say)?,
        };
        let tenants = self.tenants.clone().or_else(|| self.tenant.clone());
        Ok(Recipe {
            work: self.work,
            keys: self.keys,
            levels,
            batch: self
                .protocol
                .is_batched()
                .then(|| self.batch.map_or(BATCH, usize::from)),
            items: usize::from(self.items),
            tenants: tenants.unwrap_or_default(),
            seed: self.seed,
        })
    }

    fn target(&self) -> Result<Target, Failure> {
        let usual = match self.protocol.carrier() {
            Carrier::Http => "127.0.0.1:7780",
            Carrier::Grpc | Carrier::GrpcStream => "127.0.0.1:7781",
        };
        let to = self.to.as_deref().unwrap_or(usual);
        Ok(Target {
            timeout_ms: self.timeout_ms,
            ttl_seconds: self.ttl_seconds,
            warmup: nanos(self.warmup()),
            grace: nanos(self.patience as f64),
            carrier: self.protocol.carrier(),
            ..Target::find(to)?
        })
    }

    fn lanes(&self, recipe: &Recipe, run: u32) -> Vec<Lane> {
        let threads = self.threads;
        // What does not divide evenly goes to the first lanes.
        let share = |whole: u64, lane: usize| {
            whole / threads as u64 + u64::from((lane as u64) < whole % threads as u64)
        };
        let most = match self.keys {
            Keys::FlashSale { buyers, .. } => buyers,
            _ => u64::MAX,
        };
        let lanes = (0..threads).map(|lane| {
            let seed = self.seed.wrapping_mul(1_000).wrapping_add(lane as u64);
            Lane {
                workload: Workload::new(recipe.clone(), run, lane as u64),
                arrivals: Arrivals::new(
                    self.pace(),
                    seed,
                    nanos(self.warmup() + self.seconds),
                    share(most, lane),
                ),
                connections: share(self.connections() as u64, lane) as usize,
                depth: self.in_flight() / self.connections(),
            }
        });
        lanes.collect()
    }

    fn pace(&self) -> Pace {
        let rate = self.open.map(|rate| rate / self.threads as f64);
        match (rate, self.arrivals) {
            (None, _) => Pace::Closed,
            (Some(rate), Spacing::Poisson) => Pace::Poisson(rate),
            (Some(rate), Spacing::Constant) => Pace::Constant(rate),
        }
    }

    fn measure(&self, target: &Target, recipe: &Recipe, run: u32) -> Result<Summary, Failure> {
        let end = self.warmup() + self.seconds;
        let watch = Watch {
            server: self.pid,
            from: nanos(self.warmup()),
            until: nanos(end),
        };
        let bar = progress::clock(end.ceil() as u64);
        let lanes = self.lanes(recipe, run);
        let (book, cpu) = campaign::run(target, lanes, watch, &bar, |bar, now, answered| {
            bar.set_position(((now as f64 / SECOND) as u64).min(end as u64));
            bar.set_message(format!("{} answered", HumanCount(answered)));
        })?;
        // A sale is over when its buyers are, most often long before the time that was given.
        let at_least = match self.keys {
            Keys::FlashSale { .. } => 1e-6,
            _ => self.seconds,
        };
        let tenants = recipe.tenants.names();
        let mut summary = Summary::new(self.setting(recipe), &book, &tenants, cpu, at_least);
        if let Keys::FlashSale { buyers, .. } = self.keys {
            summary.sale = Some(sale::close(target, recipe.levels, buyers, &summary.total)?);
        }
        summary.warnings = findings::warnings(&summary);
        Ok(summary)
    }

    fn setting(&self, recipe: &Recipe) -> Setting {
        let spacing = match self.arrivals {
            Spacing::Poisson => "poisson",
            Spacing::Constant => "constant",
        };
        Setting {
            protocol: self.protocol.name().into(),
            work: self.work.to_string(),
            keys: self.keys.to_string(),
            levels: recipe.levels.count,
            skus: recipe.levels.skus,
            open_rate: self.open,
            arrivals: self.open.map(|_| spacing.into()),
            in_flight: self.in_flight() / self.connections() * self.connections(),
            connections: self.connections(),
            threads: self.threads,
            batch: recipe.batch,
            items: (!matches!(self.work, Work::Reserve)).then_some(recipe.items),
            tenants: recipe.tenants.to_string(),
            timeout_ms: self.timeout_ms,
            warmup_seconds: self.warmup(),
            seconds: self.seconds,
            seed: self.seed,
        }
    }

    fn tell(&self, summary: &Summary) -> Result<(), Failure> {
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(summary).expect("summaries are plain data");
            std::fs::write(path, text + "\n")
                .map_err(|error| Failure::say(format!("--out {}: {error}", path.display())))?;
        }
        match self.json {
            true => output::json(summary),
            false => output::text(summary),
        }
        Ok(())
    }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::HttpBatch => "http-batch",
            Self::Grpc => "grpc",
            Self::GrpcBatch => "grpc-batch",
            Self::GrpcStream => "grpc-stream",
        }
    }

    fn carrier(self) -> Carrier {
        match self {
            Self::Http | Self::HttpBatch => Carrier::Http,
            Self::Grpc | Self::GrpcBatch => Carrier::Grpc,
            Self::GrpcStream => Carrier::GrpcStream,
        }
    }

    fn is_batched(self) -> bool {
        matches!(self, Self::HttpBatch | Self::GrpcBatch)
    }
}

fn nanos(seconds: f64) -> Nanos {
    (seconds * SECOND) as Nanos
}

/// A number that no other run has, most probably: the idempotency keys of two runs must differ, whatever their seeds.
fn run_number() -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let here = u64::from(std::process::id()) << 32;
    Xoshiro256PlusPlus::seed_from_u64(now.as_nanos() as u64 ^ here).next_u32()
}
