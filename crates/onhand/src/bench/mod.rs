//! `onhand bench`: measures, and says what was measured.

mod closed_loop;
mod cost;
mod features;
mod layers;
mod memory;
mod overload;
mod reserve;
mod resident;
mod restart;
mod scale;
mod score;
mod scratch;
mod shop;
mod snapshot;
mod stage;
mod tradeoffs;
mod written;

use crate::failure::Failure;
use crate::output;
use clap::{Args, Subcommand};

/// The durability of all that is measured, unless a row says another.
const DURABILITY: &str = "fdatasync before every answer";

/// Prints how durable the figures are that follow.
fn print_durability() {
    output::text(format!("Durability: {DURABILITY}"));
}

/// Measures the engine on this machine. Every figure says its durability mode and the number in flight.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    Cost(cost::Cost),
    Features(features::Features),
    Overload(overload::Overload),
    Reserve(reserve::Reserve),
    Layers(layers::Layers),
    Memory(memory::Memory),
    Scale(scale::Scale),
    Score(score::Score),
    Snapshot(snapshot::Snapshot),
    Restart(restart::Restart),
    Tradeoffs(tradeoffs::Tradeoffs),
}

impl Bench {
    /// Runs the bench.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Cost(bench) => bench.run(),
            What::Features(bench) => bench.run(),
            What::Overload(bench) => bench.run(),
            What::Reserve(bench) => bench.run(),
            What::Layers(bench) => bench.run(),
            What::Memory(bench) => bench.run(),
            What::Scale(bench) => bench.run(),
            What::Score(bench) => bench.run(),
            What::Snapshot(bench) => bench.run(),
            What::Restart(bench) => bench.run(),
            What::Tradeoffs(bench) => bench.run(),
        }
    }
}
