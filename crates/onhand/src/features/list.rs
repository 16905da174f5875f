//! `onhand features list`: the definitions.

use crate::failure::Failure;
use crate::output;
use clap::Args;
use onhand_features::{Feature, catalog};
use serde::Serialize;

/// Lists the features: what each means, how it is made, and its hash.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand features list

A feature's hash changes when its values may: a model keeps the hashes of the features it was trained with.")]
pub(super) struct List {
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    entity: String,
    kind: &'static str,
    owner: &'static str,
    description: &'static str,
    formula: String,
    default: Option<f32>,
    fresh_for_hours: Option<u64>,
    hash: String,
}

impl Shown {
    fn of(feature: &Feature) -> Self {
        Self {
            name: feature.name,
            entity: feature.entity.to_string(),
            kind: feature.kind.name(),
            owner: feature.owner,
            description: feature.description,
            formula: feature.formula.to_string(),
            default: (!feature.default.is_nan()).then_some(feature.default),
            fresh_for_hours: feature.fresh_for.map(|span| span.millis() / 3_600_000),
            hash: feature.definition(),
        }
    }

    fn print(&self) {
        output::text(format!("{}  ({}, {})", self.name, self.entity, self.kind));
        output::text(format!("    {}", self.description));
        output::text(format!("    = {}", self.formula));
        let default = self
            .default
            .map_or("missing".to_owned(), |value| value.to_string());
        let fresh = self
            .fresh_for_hours
            .map_or(String::new(), |hours| format!("; fresh for {hours} h"));
        output::text(format!(
            "    else {default}{fresh}; {}; {}",
            self.owner, self.hash
        ));
    }
}

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let set = catalog::availability();
        let all: Vec<Shown> = set.features().iter().map(Shown::of).collect();
        if self.json {
            output::json(&all);
            return Ok(());
        }
        all.iter().for_each(Shown::print);
        output::text(format!("{} features, set {:016x}", set.len(), set.hash()));
        Ok(())
    }
}
