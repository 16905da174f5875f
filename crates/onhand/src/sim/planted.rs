//! `onhand sim --planted`: every defect that is planted must be found.

use super::Sim;
use crate::document::write_between;
use crate::failure::Failure;
use crate::{output, progress};
use onhand_planted::Defect;
use onhand_sim::finding::Finding;
use onhand_sim::planted::{Search, all, can_plant, elsewhere, search};
use serde::Serialize;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Seeds that are tried for each defect, if not said.
const SEEDS: u64 = 1_000;

/// What became of one defect.
#[derive(Serialize)]
struct Row {
    defect: &'static str,
    what: &'static str,
    seeds_needed: Option<u64>,
    found_by: Option<&'static str>,
    finding: Option<String>,
    /// What the same seed finds where nothing is planted.
    found_without: Option<String>,
    seconds: f64,
}

impl Row {
    fn of(search: &Search, took: Duration) -> Self {
        let found = search.found.as_ref();
        Self {
            defect: search.defect.name(),
            what: search.defect.what(),
            seeds_needed: found.map(|(needed, _)| *needed),
            found_by: found.map(|(_, finding)| finding.check.name()),
            finding: found.map(|(_, finding)| finding.what.clone()),
            found_without: search.without.as_ref().map(Finding::to_string),
            seconds: took.as_secs_f64(),
        }
    }

    /// Whether it is found, and nothing is where it is not.
    fn is_found(&self) -> bool {
        self.seeds_needed.is_some() && self.found_without.is_none()
    }

    fn text(&self) -> String {
        if let Some(finding) = &self.found_without {
            return format!(
                "{:<28}        FOUND WITHOUT IT, TOO: {finding}",
                self.defect
            );
        }
        match (self.seeds_needed, self.found_by, &self.finding) {
            (Some(needed), Some(by), Some(finding)) => {
                let line: String = finding.chars().take(90).collect();
                let line = line.replace('\n', " ");
                format!("{:<28} {needed:>5}  {by:<20} {line}", self.defect)
            }
            _ => format!("{:<28}        NOT FOUND", self.defect),
        }
    }
}

pub(super) fn run(command: &Sim, name: &str) -> Result<(), Failure> {
    let defects = chosen(name)?;
    if !can_plant() {
        return Err(Failure::say(
            "this build has no planted defects. Make one that has:\n  \
             cargo run --profile sim --features onhand-sim/planted -- sim --planted all",
        ));
    }
    let first = command.seed.unwrap_or(1);
    let seeds = first..first + command.seeds.unwrap_or(SEEDS);
    let bar = progress::bar("planted defects", defects.len() as u64);
    let mut rows = Vec::new();
    for defect in defects {
        let start = Instant::now();
        let search = search(defect, seeds.clone(), command.steps(), command.threads());
        let row = Row::of(&search, start.elapsed());
        if !command.json {
            bar.suspend(|| output::text(row.text()));
        }
        rows.push(row);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if command.json {
        output::json(&rows);
    }
    if let Some(path) = &command.into {
        write_between(path, "planted", &markdown(&rows, command.steps(), first))?;
    }
    let missed = rows.iter().filter(|row| !row.is_found()).count();
    match missed {
        0 => Ok(()),
        _ => Err(Failure::say(format!(
            "{missed} of {} planted defects were not found, or not they alone: a check is missing or wrong",
            rows.len()
        ))),
    }
}

fn chosen(name: &str) -> Result<Vec<Defect>, Failure> {
    if name == "all" {
        return Ok(all().collect());
    }
    match Defect::named(name).map(|defect| (defect, elsewhere(defect))) {
        Some((_, Some(by))) => Err(Failure::say(format!(
            "{name} is not looked for here, but by {by}"
        ))),
        Some((defect, None)) => Ok(vec![defect]),
        None => {
            let names: Vec<_> = all().map(Defect::name).collect();
            let names = names.join(", ");
            Err(Failure::say(format!(
                "there is no defect {name}; there are: {names}"
            )))
        }
    }
}

fn markdown(rows: &[Row], steps: usize, first: u64) -> String {
    let mut text = format!(
        "Made by `cargo run --profile sim --features onhand-sim/planted -- sim --planted all`: {} defects, seeds from \
         {first} on, {steps} steps each.\n\n| defect | what goes wrong | seeds needed | found by |\n|---|---|---:|---|\n",
        rows.len()
    );
    for row in rows {
        let needed = row
            .seeds_needed
            .map_or("not found".into(), |needed| needed.to_string());
        let (name, what, by) = (row.defect, row.what, row.found_by.unwrap_or("nothing"));
        // A string takes all.
        let _ = writeln!(text, "| `{name}` | {what} | {needed} | {by} |");
    }
    for defect in Defect::ALL {
        if let Some(by) = elsewhere(*defect) {
            let (name, what) = (defect.name(), defect.what());
            let _ = writeln!(text, "| `{name}` | {what} | | {by} |");
        }
    }
    text
}
