//! `onhand evaluate`: how good a model is.

mod availability;

use crate::failure::Failure;
use clap::{Args, Subcommand};

/// Says how good a model is on days that it was not trained on, beside what is simpler.
#[derive(Args, Debug)]
pub(crate) struct Evaluate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Availability(availability::Availability),
}

impl Evaluate {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Availability(command) => command.run(),
        }
    }
}
