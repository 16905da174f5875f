//! What a run of many seeds came to, as text, JSON and a table in a document.

use super::Sim;
use crate::document::{grouped, write_between};
use crate::failure::Failure;
use crate::output;
use onhand_sim::counts::Counts;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

#[derive(Serialize)]
pub(super) struct Report {
    first_seed: u64,
    seeds: u64,
    steps_each: usize,
    seconds: f64,
    steps: u64,
    simulated_days: u64,
    requests: u64,
    requests_left_out: u64,
    requests_turned_away: u64,
    answers_compared: u64,
    entries_compared: u64,
    bounded_reads_compared: u64,
    past_reads_compared: u64,
    segments_begun: u64,
    snapshots: u64,
    trims: u64,
    starts_compared: u64,
    faults: BTreeMap<&'static str, u64>,
    violations: u64,
}

impl Report {
    pub(super) fn new(
        first_seed: u64,
        steps_each: usize,
        counts: &Counts,
        took: Duration,
        is_found: bool,
    ) -> Self {
        Self {
            first_seed,
            seeds: counts.seeds,
            steps_each,
            seconds: took.as_secs_f64(),
            steps: counts.steps,
            simulated_days: counts.simulated_days(),
            requests: counts.requests,
            requests_left_out: counts.left_out,
            requests_turned_away: counts.turned_away,
            answers_compared: counts.answers,
            entries_compared: counts.entries,
            bounded_reads_compared: counts.reads,
            past_reads_compared: counts.past_reads,
            segments_begun: counts.rotations,
            snapshots: counts.snapshots,
            trims: counts.trims,
            starts_compared: counts.starts,
            faults: counts.faults.clone(),
            violations: is_found.into(),
        }
    }

    pub(super) fn show(&self, command: &Sim) -> Result<(), Failure> {
        if let Some(path) = &command.into {
            write_between(path, "run", &self.markdown(command))?;
        }
        match command.json {
            true => output::json(self),
            false => output::text(self.text()),
        }
        Ok(())
    }

    /// The figures with their names, in the order in which they are told.
    fn figures(&self) -> [(&'static str, u64); 15] {
        [
            ("seeds", self.seeds),
            ("steps", self.steps),
            ("simulated days", self.simulated_days),
            ("requests", self.requests),
            ("of these turned away", self.requests_turned_away),
            ("not made, as two answers are right", self.requests_left_out),
            ("answers compared", self.answers_compared),
            ("ledger entries compared", self.entries_compared),
            ("bounded reads compared", self.bounded_reads_compared),
            (
                "questions about the past compared",
                self.past_reads_compared,
            ),
            ("segments begun", self.segments_begun),
            ("snapshots", self.snapshots),
            ("trims that removed something", self.trims),
            ("starts compared", self.starts_compared),
            ("violations", self.violations),
        ]
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let faults = self.faults.iter().map(|(kind, count)| (*kind, *count));
        for (name, count) in self.figures().into_iter().chain(faults) {
            // A string takes all.
            let _ = writeln!(text, "{name:<34} {:>15}", grouped(count));
        }
        let _ = write!(text, "in {:.0} s", self.seconds);
        text
    }

    fn markdown(&self, command: &Sim) -> String {
        let mut text = format!(
            "Made by `onhand sim --seed {} --seeds {} --steps {}` in {:.0} s on {} threads.\n\n\
             | what | how often |\n|---|---:|\n",
            self.first_seed,
            self.seeds,
            self.steps_each,
            self.seconds,
            command.threads()
        );
        for (name, count) in self.figures() {
            let _ = writeln!(text, "| {name} | {} |", grouped(count));
        }
        text.push_str("\n| fault | how often |\n|---|---:|\n");
        for (kind, count) in &self.faults {
            let _ = writeln!(text, "| {kind} | {} |", grouped(*count));
        }
        text
    }
}
