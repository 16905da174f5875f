//! The model card: what a person should know before using the model, from what the artefact says of itself.

use crate::evaluate::{BRIER, BRIER_FIGURES, FIGURES, Quality};
use crate::split::FEW;
use onhand_models::{Artefact, Hours};
use std::fmt::Write;

/// Features that are named with their share of the gain.
const NAMED: usize = 20;

/// The card as Markdown.
pub fn markdown(model: &Artefact) -> String {
    let fact = |name: &str| model.facts.get(name).map_or("unknown", String::as_str);
    let mut card = format!(
        "# Model card: {name}

**What it answers.** At the end of an hour, for an item at a store: the probability that the shelf is empty in the hour
that begins. Its labels are the {label}.

**What it is for.** To warn, to hide an item, to ask for a recount. Not for judging people, and not for stores of
another trade than those it was trained on without evaluating it there first (`onhand evaluate availability`).
{warning}
| | |
|---|---|
| made by | {made_by} |
| form | {trees} trees, {features} features, calibration {calibration} |
| features tried | {tried} |
| days | {days} |
| hours of the day (UTC) | {hours} |
| trees grown on | {rows} questions |
| stopped on | {stop_rows} questions at other stores* |
| calibrated on | {fit_rows} questions at others again*; the form chosen on {choose_rows}, then fitted to all of these |
| ledger | entries {first} to {last} |
| label | {label} |
| stores held out | {held} ({share} of them, by hash, seed {seed}) |
| settings | `{settings}` |
| may only raise the answer | {rising} |
| rounds | {rounds} |
| log loss of the calibrations | {losses} |
| recalibrated | {recalibrated} |

\\* With fewer than {few} stores: on other days of each item.

## How good it is

At the stores* kept back to choose the calibration's form, before it was fitted to them; and at stores held out of
everything, {judged}. Trees have seen these days at other stores: later days tell more
(`onhand evaluate availability --from DAY --to DAY`).

| stores | {figures} |
|---|{rule}
",
        figures = FIGURES.join(" | "),
        rule = "---|".repeat(FIGURES.len()),
        few = FEW,
        name = model.name,
        warning = warning(model),
        made_by = fact("made by"),
        trees = model.forest.trees.len(),
        features = model.features.len(),
        calibration = fact("calibration"),
        tried = model
            .facts
            .get("features.tried")
            .map_or("no trial: all that tell rows apart", String::as_str),
        days = fact("days.learned"),
        hours = fact(Hours::FACT),
        judged = fact("days.judged"),
        rows = fact("rows.train"),
        stop_rows = fact("rows.stop"),
        fit_rows = fact("rows.calibration"),
        choose_rows = fact("rows.choice"),
        first = fact("ledger.first"),
        last = fact("ledger.last"),
        label = fact("label"),
        held = fact("held out.locations"),
        share = fact("held out.share"),
        seed = fact("held out.seed"),
        settings = fact("settings"),
        rising = fact("rising"),
        rounds = fact("rounds"),
        losses = fact("calibration.log losses"),
        recalibrated = recalibrated(model),
    );
    for (stores, quality) in qualities(model) {
        row(&mut card, stores, &quality.figures());
    }
    brier(&mut card, model);
    card.push_str(
        "\n## What it does not know

- What those who tell of shelves got wrong, the model learned; what nobody told of, it did not learn from.
- An item that nobody could buy was not sold: silence is taken for an empty shelf more often where sales are many.
- A store or an item of which the ledger knows little is judged by its category, its city and everything else.

## What it looks at

Share of the gain of all splits; every feature has the hash of its definition in the artefact.

| feature | definition | share |
|---|---|---|
",
    );
    let gains = model.forest.gains();
    let all: f64 = gains.iter().sum();
    let mut ranked: Vec<(f64, &onhand_models::artefact::Feature)> =
        gains.into_iter().zip(&model.features).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (gain, feature) in ranked.iter().take(NAMED) {
        let line = format!(
            "| {} | `{}` | {:.1} % |",
            feature.bins.name(),
            feature.definition,
            100.0 * gain / all.max(f64::MIN_POSITIVE)
        );
        card.push_str(&line);
        card.push('\n');
    }
    card
}

fn warning(model: &Artefact) -> String {
    let said = model.facts.get("warning");
    said.map_or(String::new(), |said| format!("\n**Careful:** {said}.\n"))
}

fn recalibrated(model: &Artefact) -> String {
    let fact = |name: &str| model.facts.get(&format!("recalibration.{name}"));
    match (fact("days"), fact("rows"), fact("parent")) {
        (Some(days), Some(rows), Some(parent)) => {
            format!(
                "on what became of {rows} answers of {days}; made of model {parent}. What is said of quality below is from before that"
            )
        }
        _ => "no".to_owned(),
    }
}

/// How good the model says it was, and where.
fn qualities(model: &Artefact) -> impl Iterator<Item = (&'static str, Quality)> {
    ["kept back", "unseen"].into_iter().filter_map(|stores| {
        let text = model.facts.get(&format!("quality.{stores}"))?;
        Some((stores, serde_json::from_str(text).ok()?))
    })
}

fn brier(card: &mut String, model: &Artefact) {
    let (figures, rule) = (
        BRIER_FIGURES.join(" | "),
        "---|".repeat(BRIER_FIGURES.len()),
    );
    card.push_str(&format!(
        "\n{BRIER}\n\n| stores | {figures} |\n|---|{rule}\n"
    ));
    for (stores, quality) in qualities(model) {
        row(card, stores, &quality.brier.figures());
    }
}

fn row(card: &mut String, stores: &str, figures: &[String]) {
    let line = writeln!(card, "| {stores} | {} |", figures.join(" | "));
    line.expect("a string takes everything");
}
