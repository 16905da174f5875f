//! `onhand bench`: measures, and says what was measured.

mod http;
mod overload;
mod reserve;
mod scratch;
mod stage;
mod tradeoffs;

use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Measures the engine on this machine. Every figure says its durability mode and the number in flight.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    Overload(overload::Overload),
    Reserve(reserve::Reserve),
    Tradeoffs(tradeoffs::Tradeoffs),
}

impl Bench {
    /// Runs the bench.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Overload(bench) => bench.run(),
            What::Reserve(bench) => bench.run(),
            What::Tradeoffs(bench) => bench.run(),
        }
    }
}
