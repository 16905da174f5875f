//! # onhand-load: load for a running server
//!
//! For whoever wants to know what a server bears before customers find out: with the work they expect, at the rate they
//! expect, on the machine they have. It asks through the public interfaces only and knows nothing of the engine; what
//! it measures is what a client sees.
//!
//! Floor 6. It may import nothing of ours. It will never do anything that a client could not do.

mod arrivals;
mod book;
mod campaign;
mod clerk;
mod compare;
mod cpu;
mod echo;
mod failure;
mod fill;
mod grpc;
mod http;
mod keys;
mod lane;
mod levels;
mod output;
mod progress;
mod run;
mod sale;
mod summary;
mod table;
mod tenants;
mod timer;
mod work;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// As in the server, so that the yardstick `echo` has the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load for a running Onhand server, measured as its clients see it.
#[derive(Parser, Debug)]
#[command(version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Fill(fill::Fill),
    Run(Box<run::Run>),
    Compare(compare::Compare),
    Echo(echo::Echo),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Fill(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Echo(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("onhand-load: {failure}");
            ExitCode::FAILURE
        }
    }
}
