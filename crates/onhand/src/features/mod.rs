//! `onhand features`: what is learned from the ledger, as numbers.

mod check;
mod frame;
mod get;
mod grid;
pub(crate) mod ledger;
mod list;
mod pairs;
mod served;
mod table;

pub(crate) use ledger::LedgerFile;

use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Looks at the features: their definitions, their values, frames to train on, and the proof that all agree.
#[derive(Args, Debug)]
pub(crate) struct Features {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::List),
    Get(get::Get),
    Frame(frame::Frame),
    Check(check::Check),
}

impl Features {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Get(command) => command.run(),
            Command::Frame(command) => command.run(),
            Command::Check(command) => command.run(),
        }
    }
}
