//! `onhand bench`: measures, and says what was measured.

mod closed_loop;
mod cost;
mod features;
mod layers;
mod memory;
mod overload;
mod page;
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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test says what it met and fails where it stands"
    )]

    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: Bench,
    }

    /// What a command is refused with.
    fn refused(line: &str) -> String {
        let words = ["onhand"].into_iter().chain(line.split(' '));
        let line = Line::try_parse_from(words).unwrap();
        line.bench.run().unwrap_err().to_string()
    }

    #[test]
    fn a_page_that_cannot_be_written_is_told_before_anything_is_measured() {
        for bench in ["tradeoffs --seconds 0.01 --levels 1000", "cost"] {
            let said = refused(&format!("{bench} --into no/such/page.md"));
            assert!(said.starts_with("cannot read no/such/page.md"), "{said}");
            assert!(said.ends_with("nothing was measured"), "{said}");
        }
    }

    #[test]
    fn memory_of_nothing_is_refused() {
        for numbers in ["--levels 0", "--reservations 10", "--keys 1000"] {
            let said = refused(&format!("memory {numbers}"));
            assert!(said.contains("must be above 1000"), "{said}");
        }
    }
}
