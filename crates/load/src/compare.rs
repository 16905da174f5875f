//! `onhand-load compare`: two runs side by side.

use crate::failure::Failure;
use crate::output;
use crate::summary::{Latency, Row, Setting, Summary};
use crate::table::{count, time};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The percentiles that are compared.
const QUANTILES: [(&str, f64); 7] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// Compares two runs, percentile by percentile, from the files that `run --out` wrote.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand-load compare before.json after.json")]
pub(crate) struct Compare {
    /// The run to compare with.
    before: PathBuf,
    /// The run to compare.
    after: PathBuf,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

/// Two runs.
#[derive(Serialize)]
struct Comparison {
    /// What was set otherwise; the runs are not alike in this.
    differences: Vec<Difference>,
    rows: Vec<Pair>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    setting: String,
    before: Value,
    after: Value,
}

/// A figure in both.
#[derive(Debug, PartialEq, Serialize)]
struct Pair {
    /// Which requests.
    of: String,
    figure: String,
    before: f64,
    after: f64,
    /// After by before; none if there was nothing before.
    ratio: Option<f64>,
}

impl Compare {
    /// Prints the comparison.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (before, after) = (read(&self.before)?, read(&self.after)?);
        let comparison = compare(&before, &after).map_err(Failure::say)?;
        match self.json {
            true => output::json(&comparison),
            false => comparison.print(),
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Summary, Failure> {
    let say = |error: &dyn std::fmt::Display| Failure::say(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| say(&error))?;
    Summary::read(&text).map_err(|error| say(&error))
}

fn compare(before: &Summary, after: &Summary) -> Result<Comparison, String> {
    let mut rows = row_pairs(&before.total, &after.total)?;
    for row in &before.rows {
        if let Some(other) = after.rows.iter().find(|other| other.name == row.name) {
            rows.extend(row_pairs(row, other)?);
        }
    }
    rows.push(pair(
        "all",
        "errors",
        before.errors() as f64,
        after.errors() as f64,
    ));
    let server = |summary: &Summary| {
        summary
            .cpu
            .server_seconds
            .zip(Some(summary.total.accepted_units as f64))
    };
    if let (Some((before, of)), Some((after, among))) = (server(before), server(after)) {
        let micros = |seconds: f64, units: f64| seconds * 1e6 / units.max(1.0);
        rows.push(pair(
            "all",
            "server CPU µs for each accepted",
            micros(before, of),
            micros(after, among),
        ));
    }
    Ok(Comparison {
        differences: differences(&before.setting, &after.setting),
        rows,
    })
}

fn row_pairs(before: &Row, after: &Row) -> Result<Vec<Pair>, String> {
    let of = before.name.as_str();
    let mut pairs = vec![pair(
        of,
        "accepted a second",
        before.accepted_units_per_second,
        after.accepted_units_per_second,
    )];
    let refused = |row: &Row| row.refused.requests as f64;
    if refused(before) + refused(after) > 0.0 {
        pairs.push(pair(
            of,
            "refused requests",
            refused(before),
            refused(after),
        ));
    }
    pairs.extend(percentiles(of, &before.accepted, &after.accepted)?);
    Ok(pairs)
}

fn percentiles(of: &str, before: &Latency, after: &Latency) -> Result<Vec<Pair>, String> {
    let (before, after) = (before.distribution()?, after.distribution()?);
    let pairs = QUANTILES.map(|(figure, quantile)| {
        let micros =
            |histogram: &hdrhistogram::Histogram<u64>| histogram.value_at_quantile(quantile) as f64;
        pair(of, figure, micros(&before), micros(&after))
    });
    Ok(pairs.into())
}

fn pair(of: &str, figure: &str, before: f64, after: f64) -> Pair {
    Pair {
        of: of.into(),
        figure: figure.into(),
        before,
        after,
        ratio: (before > 0.0).then(|| after / before),
    }
}

fn differences(before: &Setting, after: &Setting) -> Vec<Difference> {
    let fields = |setting| match serde_json::to_value(setting) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let changed = before.into_iter().filter_map(|(setting, before)| {
        let after = after.get(&setting).cloned().unwrap_or_default();
        (before != after).then_some(Difference {
            setting,
            before,
            after,
        })
    });
    changed.collect()
}

impl Comparison {
    fn print(&self) {
        for difference in &self.differences {
            output::text(format!(
                "! {} differs: {} before, {} after",
                difference.setting, difference.before, difference.after
            ));
        }
        output::text(format!(
            "{:<36} {:>12} {:>12} {:>8}",
            "", "before", "after", "ratio"
        ));
        let mut of = "";
        for pair in &self.rows {
            if pair.of != of {
                of = &pair.of;
                output::text(of);
            }
            pair.print();
        }
    }
}

impl Pair {
    fn print(&self) {
        let show = |number: f64| match QUANTILES.iter().any(|(name, _)| *name == self.figure) {
            true => time(number as u64),
            false => count(number),
        };
        let ratio = self.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let (before, after) = (show(self.before), show(self.after));
        output::text(format!(
            "  {:<34} {before:>12} {after:>12} {ratio:>8}",
            self.figure
        ));
    }
}
