//! The fit: *will the shelf be empty in the hour that begins now?*
//!
//! [`Questions::read`] finds what became of a ledger's past, and so whether there is anything to learn; the long pass,
//! [`Questions::ask`], holds the rows; [`Gathered::fit`] grows the forest, stops it and calibrates it at other stores, and
//! says how good it is at others again. The artefact has in it all that decided what it became, and no time of day.

mod calibrated;
mod parts;
mod questions;

use crate::columns;
use crate::frame::Frame;
use crate::grid::date;
use crate::outcome::Label;
use crate::split::{HoldOut, Part, Split, Trained};
use crate::warning::Warning;
use calibrated::Calibrated;
use onhand_core::Stamp;
use onhand_features::FeatureSet;
use onhand_models::artefact::{self, Artefact};
use onhand_models::boost::{Booster, Fit, Monotone, Round};
use onhand_models::dataset::{Dataset, Refused};
use onhand_models::{FlatForest, Hours, flat::Unservable};
pub use questions::Questions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bins of a column.
const BINS: usize = 255;
/// The name of the model, which serving asks for.
pub const NAME: &str = "availability";

/// What decides what becomes of a fit, besides the ledger.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The first day trained on, in days since 1970-01-01; the ledger's first if it is later.
    pub from: u32,
    /// The last day that anything is learned from.
    pub until: u32,
    /// About how many rows trees are grown on.
    pub rows: usize,
    /// Stores held out.
    pub hold_out: HoldOut,
    /// What labels are made of.
    pub label: Label,
    /// The forest's settings; its seed draws the rows too.
    pub booster: Booster,
}

impl Plan {
    /// Rounds of [`Gathered::choose`].
    pub fn trial(&self) -> usize {
        columns::trial(self.booster.rounds)
    }
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError<E> {
    /// The ledger cannot be read.
    #[error("{0}")]
    Source(E),
    /// Too few days.
    #[error("the ledger has {days} days up to {until}: training needs 8")]
    Days {
        /// Days there are.
        days: u32,
        /// The last.
        until: String,
    },
    /// Nobody told of any shelf.
    #[error(
        "{} from {from} to {until}, in the hours that are asked about (9:00 to 23:00 UTC), so there is nothing to learn \
         from: tell what is seen on the shelves (POST /v1/stock/observations), and what pickers do not find",
        match .label {
            Label::Shelf => "the ledger tells of no shelf whether it was empty",
            Label::Looks => "nobody looked at a shelf",
        }
    )]
    Untold {
        /// What labels would have been made of.
        label: Label,
        /// The first day asked about.
        from: String,
        /// The last.
        until: String,
    },
    /// A part without rows.
    #[error(
        "no question {what} has a known answer: does the ledger hold what was seen on the shelves?"
    )]
    Rows {
        /// Which part.
        what: &'static str,
    },
    /// Rows that are all the same.
    #[error("no feature tells the questions apart, so there is nothing to learn")]
    Alike,
    /// The booster refuses.
    #[error("cannot train: {0}")]
    Refused(#[from] Refused),
    /// The forest is too large to serve.
    #[error("the forest cannot be served: {0}")]
    Unservable(#[from] Unservable),
}

/// Rows in memory, by what they are for.
#[derive(Debug)]
pub struct Gathered {
    /// Which days are for what.
    pub split: Split,
    set: Arc<FeatureSet>,
    /// The places in the set of the features that are columns: those that tell rows apart, and once chosen those that are
    /// worth their price.
    used: Vec<usize>,
    /// How many a trial chose from, and by which share of its gains; `None` if there was none.
    tried: Option<(usize, f64)>,
    frames: BTreeMap<Part, Frame>,
    ledger: (Stamp, Stamp),
    trained: Trained,
    held_out: usize,
    hours: Hours,
    warnings: Vec<Warning>,
}

/// Where physics says which way it goes: the likelier it is, by today's sales and silences here and nearby, that the
/// shelf is empty, the likelier it is empty. It costs nothing: on later days the loss is a little less
/// (`docs/decisions/0020`).
const RISING: [&str; 4] = [
    "empty_now",
    "empty_ahead",
    "empty_ahead_slow",
    "sku_in_city_empty_ahead",
];

/// A rule for each column.
fn rules(names: &[&str]) -> Vec<Monotone> {
    let rule = |name| match RISING.contains(name) {
        true => Monotone::Rising,
        false => Monotone::Free,
    };
    names.iter().map(rule).collect()
}

impl Gathered {
    /// How many rows a part has.
    pub fn rows(&self, part: Part) -> usize {
        self.frames
            .get(&part)
            .map_or(0, |frame| frame.labels().len())
    }

    /// A part's rows.
    pub fn frame(&self, part: Part) -> Option<&Frame> {
        self.frames.get(&part)
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<&'static str> {
        let name = |place: &usize| self.set.features()[*place].name;
        self.used.iter().map(name).collect()
    }

    /// Grows a short forest, and keeps in all parts the fewest columns that together have a share of its gains. `progress`
    /// hears of every round.
    ///
    /// # Errors
    /// The booster's.
    pub fn choose<E>(
        &mut self,
        plan: &Plan,
        share: f64,
        progress: impl FnMut(Round),
    ) -> Result<(), TrainError<E>> {
        let names = self.names();
        let frame = self.frames.entry(Part::Train).or_default();
        let train = frame.binned(&names, |rows| Dataset::builder(rows, BINS))?;
        let trial = Booster {
            rounds: plan.trial(),
            monotone: rules(&names),
            ..plan.booster.clone()
        };
        let worth = columns::worth(&trial.fit(&train, None, progress)?.forest.gains(), share);
        self.frames
            .values_mut()
            .for_each(|frame| frame.keep(&worth));
        self.tried = Some((self.used.len(), share));
        self.used = worth.iter().map(|place| self.used[*place]).collect();
        Ok(())
    }

    /// Fits the model; `progress` hears of every round.
    ///
    /// # Errors
    /// The booster's.
    pub fn fit<E>(
        mut self,
        plan: &Plan,
        progress: impl FnMut(Round),
    ) -> Result<Artefact, TrainError<E>> {
        let names = self.names();
        let mut rows = BTreeMap::new();
        for part in [
            Part::Train,
            Part::Stop,
            Part::Fit,
            Part::Choose,
            Part::Unseen,
        ] {
            rows.insert(part, self.rows(part));
        }
        let mut take = |part| self.frames.remove(&part).unwrap_or_default();
        let train = take(Part::Train).binned(&names, |rows| Dataset::builder(rows, BINS))?;
        let stop = take(Part::Stop).binned(&names, |rows| train.like(rows))?;
        let mut booster = plan.booster.clone();
        booster.monotone = rules(&names);
        let fit = booster.fit(&train, Some(&stop), progress)?;
        let maps = train.maps().to_vec();
        drop((train, stop));
        let flat = FlatForest::new(&fit.forest)?;
        let calibrated = Calibrated::of(&flat, &self.frames)?;
        let mut facts = self.facts(&rows, &booster, &fit, plan);
        calibrated.tell(&mut facts);
        let features = self
            .used
            .iter()
            .zip(maps)
            .map(|(place, bins)| artefact::Feature {
                definition: self.set.features()[*place].definition(),
                bins,
            });
        Ok(Artefact {
            version: artefact::VERSION,
            name: NAME.to_owned(),
            features: features.collect(),
            forest: fit.forest,
            calibration: calibrated.calibration,
            recalibration: None,
            facts,
        })
    }

    fn facts(
        &self,
        rows: &BTreeMap<Part, usize>,
        booster: &Booster,
        fit: &Fit,
        plan: &Plan,
    ) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let mut say = |name: &str, what: String| {
            facts.insert(name.to_owned(), what);
        };
        let split = self.split;
        let days = |from: u32, after: u32| format!("{}..{}", date(from), date(after - 1));
        say("made by", format!("onhand {}", env!("CARGO_PKG_VERSION")));
        say("days.learned", days(split.from, split.until + 1));
        say("days.judged", days(split.judged, split.until + 1));
        say(Hours::FACT, self.hours.to_string());
        for (part, name) in [
            (Part::Train, "rows.train"),
            (Part::Stop, "rows.stop"),
            (Part::Fit, "rows.calibration"),
            (Part::Choose, "rows.choice"),
            (Part::Unseen, "rows.unseen"),
        ] {
            say(name, rows[&part].to_string());
        }
        let stamp = |stamp: Stamp| format!("{} at {} ms", stamp.seq.0, stamp.at.millis());
        say("ledger.first", stamp(self.ledger.0));
        say("ledger.last", stamp(self.ledger.1));
        say(Label::FACT, plan.label.text().to_owned());
        say("held out.share", plan.hold_out.share.to_string());
        say("held out.seed", plan.hold_out.seed.to_string());
        say("held out.locations", self.held_out.to_string());
        say(Trained::FACT, self.trained.to_string());
        say("features.set", format!("{:016x}", self.set.hash()));
        if let Some((tried, share)) = self.tried {
            let said = format!("{tried}, for {share} of a trial's gains");
            say("features.tried", said);
        }
        let names = self.names();
        let rising = RISING.iter().filter(|name| names.contains(name));
        say("rising", rising.copied().collect::<Vec<_>>().join(", "));
        let warnings: Vec<String> = self.warnings.iter().map(Warning::to_string).collect();
        if !warnings.is_empty() {
            say("warning", warnings.join(". "));
        }
        let plain = Booster {
            monotone: Vec::new(),
            ..booster.clone()
        };
        let settings = serde_json::to_string(&plain).expect("settings are plain data");
        say("settings", settings);
        say(
            "rounds",
            format!("{} of {} tried", fit.forest.trees.len(), fit.rounds.len()),
        );
        facts
    }
}
