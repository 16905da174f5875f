//! `onhand replay`: rebuilds the state from the ledger alone; or makes a ledger of a published data set.

mod feeder;
pub(crate) mod freshretailnet;
mod listener;
mod rebuild;

use crate::failure::Failure;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Replays the ledger from its beginning, up to a position or a time, and tells the state there. Changes nothing.
/// The server must be stopped.
///
/// With --format it replays a data set into a new data folder instead: what it tells of sales, shelves and the world
/// around becomes ledger entries, each in its own time, known when it would have been known.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand replay --data ./onhand-data --at 2017-07-01T00:00:00Z
  onhand replay --format freshretailnet train.parquet --data ./shops --stores 20

The state hash is the same for the same ledger on every machine. docs/features.md says what of FreshRetailNet-50K is
known when.")]
pub(crate) struct Replay {
    /// The data folder; with --format it must not hold anything yet.
    #[arg(
        long,
        value_name = "DIR",
        env = "ONHAND_DATA",
        default_value = "./onhand-data"
    )]
    data: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    until: rebuild::Until,
    /// The format of a data set to make a ledger of.
    #[arg(long, value_enum, requires = "path", conflicts_with = "Until")]
    format: Option<Format>,
    /// The data set.
    #[arg(value_name = "PATH", requires = "format")]
    path: Option<PathBuf>,
    #[command(flatten)]
    part: freshretailnet::Part,
}

/// A published layout.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Hourly sales and stock status of perishable goods (arXiv 2505.16319), as Parquet.
    Freshretailnet,
}

impl Replay {
    /// Replays.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match (self.format, self.path) {
            (Some(Format::Freshretailnet), Some(path)) => {
                freshretailnet::run(&path, &self.data, &self.part, self.json)
            }
            _ => rebuild::run(&self.data, &self.until, self.json),
        }
    }
}
