//! `onhand features get`: the values of one SKU at one location, with their ages.

use super::ledger::{LedgerFile, in_order, set, store};
use crate::dates::time;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use clap::Args;
use onhand_core::{LocationId, Sku, Timestamp};
use onhand_features::{FellBack, Moment, Standing, Store, Subject};
use serde::Serialize;
use std::ops::ControlFlow;

/// Tells the values of all features for one SKU at one location, as they were known at a time. The server must be
/// stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand features get --data ./shops --location store-1 --sku product-4 --at 2024-05-01T09:00:00Z

Without --at it tells what is known at the end of the ledger.")]
pub(super) struct Get {
    #[command(flatten)]
    folder: DataFolder,
    /// Where.
    #[arg(long, value_name = "LOCATION", value_parser = LocationId::new)]
    location: LocationId,
    /// What.
    #[arg(long, value_name = "SKU", value_parser = Sku::new)]
    sku: Sku,
    /// When it is asked (RFC 3339): entries recorded later are not known.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Which time is asked about (RFC 3339): the time of asking, or later.
    #[arg(long, value_name = "TIME", value_parser = time)]
    target: Option<Timestamp>,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    location: String,
    sku: String,
    is_known: bool,
    position: u64,
    at_ms: u64,
    target_ms: u64,
    features: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    /// `None` if it is missing.
    value: Option<f32>,
    /// How old the newest fact behind it is.
    age_hours: Option<f64>,
    /// Whether it is missing, or its default.
    is_default: bool,
    /// Whether that is because the newest fact is older than the feature's limit.
    is_stale: bool,
}

impl Get {
    pub(super) fn run(self) -> Result<(), Failure> {
        let ledger = LedgerFile::open(&self.folder.data)?;
        let mut store = store(&set());
        let until = self.at.unwrap_or(Timestamp::MAX);
        ledger.each("Reading the ledger", &mut |entry| {
            if entry.stamp.at > until {
                return ControlFlow::Break(());
            }
            in_order(store.apply(entry));
            ControlFlow::Continue(())
        })?;
        let now = self.at.unwrap_or(store.last().at);
        let target = self.target.unwrap_or(now);
        if target < now {
            return Err(Failure::say(
                "--target lies before the time of asking: say one that does not",
            ));
        }
        let row = self.row(&store, Moment { now, target });
        match self.json {
            true => output::json(&row),
            false => row.print(),
        }
        Ok(())
    }

    fn row(&self, store: &Store, moment: Moment) -> Row {
        let (mut subject, mut values) = (Subject::default(), vec![0.0; store.set().len()]);
        store.find(self.location.as_str(), self.sku.as_str(), &mut subject);
        store.read(&mut subject, moment, &mut values);
        let features = store.set().features().iter().enumerate();
        let shown = features.map(|(number, feature)| {
            let Standing { age, fell_back } = store.standing(&subject, 0, number, moment);
            Shown {
                name: feature.name,
                value: Some(values[number]).filter(|value| !value.is_nan()),
                age_hours: age.map(|age| age.millis() as f64 / 3_600_000.0),
                is_default: fell_back.is_some(),
                is_stale: fell_back == Some(FellBack::Stale),
            }
        });
        Row {
            location: self.location.to_string(),
            sku: self.sku.to_string(),
            is_known: subject.is_known(),
            position: store.last().seq.0,
            at_ms: moment.now.millis(),
            target_ms: moment.target.millis(),
            features: shown.collect(),
        }
    }
}

impl Row {
    fn print(&self) {
        let known = if self.is_known {
            ""
        } else {
            ", not known to the ledger"
        };
        output::text(format!(
            "{}/{} as of position {}{known}",
            self.location, self.sku, self.position
        ));
        for one in &self.features {
            let value = one
                .value
                .map_or("missing".to_owned(), |value| format!("{value:.4}"));
            let age = one
                .age_hours
                .map_or(String::new(), |hours| format!("{hours:.1} h"));
            let stale = if one.is_stale { "fell back: stale" } else { "" };
            output::text(format!("  {:<34} {value:>12} {age:>10} {stale}", one.name));
        }
    }
}
