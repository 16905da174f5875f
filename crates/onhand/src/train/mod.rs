//! `onhand train`: models from the ledger.

mod availability;
mod recalibrate;

use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Trains a model on what the ledger tells.
#[derive(Args, Debug)]
pub(crate) struct Train {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Availability(availability::Availability),
    Recalibrate(recalibrate::Recalibrate),
}

impl Train {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Availability(command) => command.run(),
            Command::Recalibrate(command) => command.run(),
        }
    }
}
