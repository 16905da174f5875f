//! # onhand: the binary
//!
//! One file per command. Floor 6: it ties everything together and holds no rule of its own.

mod bench;
mod check;
mod config;
mod dates;
mod demo;
mod doctor;
mod document;
mod entries;
mod evaluate;
mod failure;
mod features;
mod folder;
mod memory;
mod model;
mod output;
mod progress;
mod replay;
mod serve;
mod sim;
mod train;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Many small requests make many small allocations; this allocator is the fastest of those tried here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An inventory engine that never oversells.
#[derive(Parser, Debug)]
#[command(version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Check(check::Check),
    Replay(replay::Replay),
    Doctor(doctor::Doctor),
    Features(features::Features),
    Train(train::Train),
    Evaluate(evaluate::Evaluate),
    Bench(bench::Bench),
    Sim(sim::Sim),
}

fn main() -> ExitCode {
    let cli = match config::parse::<Cli>() {
        Ok(cli) => cli,
        Err(failure) => return fail(&failure),
    };
    let done = match cli.command {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Features(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Sim(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("onhand: {failure}");
    ExitCode::FAILURE
}
