//! The features of a running server: the engine's ledger, as the follower wants to read it.

use crate::failure::Failure;
use clap::Args;
use onhand_core::{Entry, Seq, Timestamp};
use onhand_engine::Engine;
use onhand_engine::history::Filter;
use onhand_features::{Limits, catalog};
use onhand_follow::{Follower, Plan, Sampler, Source};
use prometheus_client::registry::Registry;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The folder of the saved stores, beside the ledger.
const FOLDER: &str = "features";
const SAVE_EVERY: Duration = Duration::from_secs(15 * 60);
/// The most that is written down of what is served.
const SAMPLE_BYTES: u64 = 256 << 20;

/// What to learn, and what to write down of it.
#[derive(Args, Debug)]
pub(super) struct Features {
    /// Keep the features of all stock (`POST /v1/features`): they follow the ledger, a moment behind it. They take about
    /// 2 KB of memory for each SKU at a location of which little is told and 6 KB where much is, and 7 KB more while they
    /// are saved, every 15 minutes; for at most two million in each partition. Of a ledger that was trimmed they cannot be
    /// made anew.
    #[arg(long, env = "ONHAND_FEATURES")]
    features: bool,
    /// Write a sample of the features served to this file, for `onhand features check --served`; at most 256 MiB.
    #[arg(
        long,
        value_name = "FILE",
        env = "ONHAND_FEATURES_SAMPLE",
        requires = "features"
    )]
    features_sample: Option<PathBuf>,
    /// One row of so many is written.
    #[arg(long, value_name = "N", env = "ONHAND_FEATURES_SAMPLE_EVERY", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    features_sample_every: u64,
}

impl Features {
    /// Begins to follow, if that is wanted.
    pub(super) fn follow(
        &self,
        engine: &Arc<Engine>,
        registry: &mut Registry,
    ) -> Result<Option<Arc<Follower>>, Failure> {
        if !self.features {
            return Ok(None);
        }
        let plan = Plan {
            set: Arc::new(catalog::availability()),
            limits: Limits::default(),
            folder: engine.path().join(FOLDER),
            save_every: SAVE_EVERY,
            sampler: self.sampler()?,
        };
        let ledger = EngineLedger(Arc::clone(engine));
        let follower = Follower::start(ledger, plan, registry)
            .map_err(|error| Failure::say(format!("cannot keep features: {error}")))?;
        Ok(Some(Arc::new(follower)))
    }

    fn sampler(&self) -> Result<Option<Sampler>, Failure> {
        let Some(path) = &self.features_sample else {
            return Ok(None);
        };
        let sampler = Sampler::create(path, self.features_sample_every, SAMPLE_BYTES);
        let say = |error| format!("--features-sample {}: {error}", path.display());
        sampler.map(Some).map_err(|error| Failure::say(say(error)))
    }
}

/// What the engine has published is what may be learned.
struct EngineLedger(Arc<Engine>);

impl Source for EngineLedger {
    fn partitions(&self) -> u16 {
        self.0.partitions()
    }

    fn last(&self, partition: u16) -> Seq {
        self.0.table(partition).position().seq
    }

    fn read(
        &self,
        partition: u16,
        from: Seq,
        most: usize,
    ) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        let filter = Filter {
            first: from,
            from: Timestamp::default(),
            to: Timestamp::MAX,
            limit: most,
        };
        let page = self.0.ledger(partition).page(&filter, |_| true)?;
        Ok(page.entries)
    }

    fn now(&self) -> Timestamp {
        self.0.clock().now()
    }
}
