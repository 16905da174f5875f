//! The availability model of a running server, and the thread that keeps its scores current.

use crate::failure::Failure;
use clap::Args;
use onhand_core::Span;
use onhand_engine::Engine;
use onhand_follow::Follower;
use onhand_modelops::refresh::Progress;
use onhand_modelops::{Policy, Predictor, Scorer};
use onhand_server::{AvailabilityModel, Followed};
use onhand_train::availability::NAME;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(20);
/// So many times as long as it works the thread rests: a fifth of a core at most.
const RESTS: u32 = 4;
/// A start waits so long at most for what all rows share to be made: what is then left the thread makes.
const PREPARED_WITHIN: Duration = Duration::from_secs(1);
/// The thread gives way to all that answers requests.
const NICE: i32 = 10;

/// Features of a SKU, a city or a category are told of one partition's locations alone.
const SEVERAL_PARTITIONS: &str = "models are trained on ledgers of one partition, and this data folder has several: what \
                                  features tell of other locations would mean something else than the model learned";

/// What to predict, and what to make of it.
#[derive(Args, Debug)]
pub(super) struct Predictions {
    /// A model made by `onhand train availability`: says how likely each item is found (`POST
    /// /v1/predictions/availability`). Needs --features, from whose definitions it must have been made.
    #[arg(
        long,
        value_name = "FILE",
        env = "ONHAND_AVAILABILITY_MODEL",
        requires = "features"
    )]
    availability_model: Option<PathBuf>,
    /// From which probability on an item is shown, and below which it is hidden: a TOML file with [usual],
    /// [locations.NAME] and [categories.NAME], each with show_from and hide_below, and [prior] with at_least, the mildest
    /// decision that a prior leads to. `onhand evaluate availability --html` shows what a choice buys.
    #[arg(
        long,
        value_name = "FILE",
        env = "ONHAND_AVAILABILITY_THRESHOLDS",
        requires = "availability_model"
    )]
    availability_thresholds: Option<PathBuf>,
    /// Milliseconds that a prediction may take. What the model has not got to by then is told from before with its age,
    /// or as a prior.
    #[arg(long, value_name = "MS", env = "ONHAND_PREDICTION_MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    prediction_ms: u32,
    /// Hours for which an item is new at a location: until then its answer is a prior, what is usual of its kind.
    #[arg(
        long,
        value_name = "HOURS",
        env = "ONHAND_NEW_ITEM_HOURS",
        default_value_t = 24
    )]
    new_item_hours: u32,
    /// Scores that are remembered at most, of those asked for lately; about 88 bytes each.
    #[arg(long, value_name = "N", env = "ONHAND_MOST_SCORES", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    most_scores: u32,
}

impl Predictions {
    /// How long a prediction may take.
    pub(super) fn time(&self) -> Duration {
        Duration::from_millis(self.prediction_ms.into())
    }

    /// Reads the model and puts it to work, if there is one.
    pub(super) fn start(
        &self,
        engine: &Arc<Engine>,
        features: Option<&Arc<Follower>>,
    ) -> Result<Option<Working>, Failure> {
        let (Some(path), Some(follower)) = (&self.availability_model, features) else {
            return Ok(None);
        };
        let say = |error: &dyn Display| named("--availability-model", path, error);
        if engine.partitions() > 1 {
            return Err(say(&SEVERAL_PARTITIONS));
        }
        let bytes = std::fs::read(path).map_err(|error| say(&error))?;
        let scorer = Scorer::read(&bytes, NAME, Arc::clone(follower.set()));
        let scorer = scorer.map_err(|error| say(&error))?;
        tracing::info!(
            model = scorer.name(),
            version = scorer.version(),
            "predicting"
        );
        if scorer.hours().is_none() {
            tracing::info!(
                "the model's file does not say which hours of the day it learned from, so answers do not either"
            );
        }
        let followed = Followed {
            follower: Arc::clone(follower),
            engine: Arc::clone(engine),
        };
        let new_for = Span::from_secs(u64::from(self.new_item_hours) * 3600);
        let most_scores = self.most_scores as usize;
        let model = Predictor::new(scorer, self.policy()?, followed, new_for, most_scores);
        Working::start(Arc::new(model), Arc::clone(engine)).map(Some)
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let Some(path) = &self.availability_thresholds else {
            return Ok(Policy::default());
        };
        let say = |error: &dyn Display| named("--availability-thresholds", path, error);
        let text = std::fs::read_to_string(path).map_err(|error| say(&error))?;
        Policy::read(&text).map_err(|error| say(&error))
    }
}

fn named(flag: &str, path: &Path, error: &dyn Display) -> Failure {
    Failure::say(format!("{flag} {}: {error}", path.display()))
}

/// A model whose scores are kept current.
pub(super) struct Working {
    pub(super) model: Arc<AvailabilityModel>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Working {
    fn start(model: Arc<AvailabilityModel>, engine: Arc<Engine>) -> Result<Self, Failure> {
        let begun = Instant::now();
        let mut in_time = || begun.elapsed() < PREPARED_WITHIN;
        let mut progress = Progress::default();
        model.prepare(&mut progress, &|| engine.clock().now(), &mut in_time);
        let (stop, stopped) = channel();
        let refreshed = Arc::clone(&model);
        let thread = std::thread::Builder::new().name("scores".into());
        let thread = thread.spawn(move || refresh(&refreshed, progress, &engine, &stopped));
        Ok(Self {
            model,
            stop,
            thread: thread.map_err(Failure::say)?,
        })
    }

    /// Ends the thread.
    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the refresh of scores ended by a panic");
        }
    }
}

/// Keeps scores current until it is told to stop.
fn refresh(
    model: &AvailabilityModel,
    mut progress: Progress,
    engine: &Engine,
    stopped: &Receiver<()>,
) {
    let thread = Some(rustix::thread::gettid());
    if let Err(error) = rustix::process::setpriority_process(thread, NICE) {
        tracing::debug!(%error, "the refresh of scores keeps its priority");
    }
    let clock = || engine.clock().now();
    while wait(stopped, PAUSE) {
        let mut worked = Instant::now();
        let mut rest = || {
            let goes_on = wait(stopped, worked.elapsed() * RESTS);
            worked = Instant::now();
            goes_on
        };
        let done = model.refresh(&mut progress, &clock, &mut rest);
        tracing::trace!(?done, "refreshed");
    }
}

/// Waits; whether to go on.
fn wait(stopped: &Receiver<()>, time: Duration) -> bool {
    stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
}
