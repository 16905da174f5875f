//! The report as a page that needs no network: tables and plots in one file.

use super::plot;
use super::quality::{BRIER, BRIER_FIGURES, DrawnBy, ECE, FIGURES, Quality, grouped};
use super::report::{Report, Row, Segment, Stores};
use super::segment::By;
use std::error::Error;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #ddd}
td{white-space:nowrap}small{color:#555;font-weight:400}.about td:nth-child(n){text-align:left}.model{font-weight:600}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
.plots{display:flex;flex-wrap:wrap;gap:1rem}svg{max-width:100%;height:auto}
details{margin-top:1rem}.note{color:#555}
.warning{border-left:.3rem solid #d55e00;background:#fdf1e7;padding:.5rem .8rem}";

/// Makes the page.
///
/// # Errors
/// A plot cannot be drawn.
pub fn page(report: &Report) -> Result<String, Box<dyn Error>> {
    let mut page = String::new();
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Availability, {days}</title>\n<style>{STYLE}</style>\n\
         <h1>Is it on the shelf? {days}</h1>\n\
         <p>At the end of each hour from 8 to 21: will the shelf be empty in the next? Every store, item, day and hour \
         weighs alike. Intervals (95 %) are drawn by stores; of a single store by days.</p>\n",
        days = escaped(&report.days),
    )?;
    sources(&mut page, report)?;
    for warning in &report.warnings {
        writeln!(
            page,
            "<p class=\"warning\"><b>Careful:</b> {}.</p>",
            escaped(&warning.to_string())
        )?;
    }
    table(&mut page, report)?;
    for worst in &report.worst {
        writeln!(
            page,
            "<p>Worst calibrated segment of at least 10,000 questions, {} stores: <b>{}: {}</b>, ECE {:.4}, {} questions.</p>",
            worst.stores.name(),
            worst.by.name(),
            escaped(&worst.name),
            worst.quality.ece,
            grouped(worst.quality.rows)
        )?;
    }
    if !report.curves.is_empty() {
        plots(&mut page, report)?;
    }
    Ok(page)
}

/// Which model was asked, about what.
fn sources(page: &mut String, report: &Report) -> Result<(), Box<dyn Error>> {
    let sources = &report.sources;
    page.push_str("<table class=\"about\">");
    let mut say = |what: &str, text: &str| write!(page, "\n<tr><td>{what}<td>{}", escaped(text));
    if let Some(model) = &report.model {
        let fact = |name: &str| model.get(name).map_or("unknown", String::as_str);
        let days = |days: &str| days.replace("..", " to ");
        let version = sources.version.as_deref().unwrap_or("unknown");
        say("model", &format!("{}, version {version}", fact("name")))?;
        say("trained on", &days(fact("days.learned")))?;
        match (sources.nights, model.get("recalibration.days")) {
            (Some(nights), _) => say(
                "recalibrated",
                &format!("every night, on the {nights} days before"),
            )?,
            (None, Some(on)) => say("recalibrated", &format!("on {}", days(on)))?,
            (None, None) => {}
        }
    }
    let asked = format!(
        "{}, {}: {} questions at {} stores, {} of which the model was trained on",
        sources.data,
        report.days,
        grouped(report.rows),
        report.locations,
        report.known_locations
    );
    say("data", &asked)?;
    if let Some(looks) = sources.looks {
        let looks = format!("only {looks} looks in each store and hour");
        say("known of shelves", &looks)?;
    }
    if let Some(truth) = &sources.truth {
        say("what became of it", truth)?;
    }
    page.push_str("\n</table>\n");
    Ok(())
}

fn table(page: &mut String, report: &Report) -> Result<(), Box<dyn Error>> {
    page.push_str("<table>\n<tr><th>predictor<th>stores");
    page.push_str(&head());
    for row in &report.table {
        write!(
            page,
            "\n<tr{}><td>{}<td>{}",
            marked(row),
            escaped(&row.what),
            row.stores.name()
        )?;
        cells(page, &row.quality)?;
    }
    page.push_str("\n</table>\n");
    writeln!(
        page,
        "<p class=\"note\">{BRIER}</p>\n<table>\n<tr><th>predictor<th>stores<th>{}",
        BRIER_FIGURES.join("<th>")
    )?;
    for row in &report.table {
        writeln!(
            page,
            "<tr{}><td>{}<td>{}<td>{}",
            marked(row),
            escaped(&row.what),
            row.stores.name(),
            row.quality.brier.figures().join("<td>")
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

/// The model stands out of what it is held against.
fn marked(row: &Row) -> &'static str {
    match row.what.as_str() {
        "model" => " class=\"model\"",
        _ => "",
    }
}

fn head() -> String {
    format!("<th>{}", FIGURES.join("<th>"))
}

fn cells(page: &mut String, quality: &Quality) -> Result<(), Box<dyn Error>> {
    for (name, figure) in FIGURES.iter().zip(quality.figures()) {
        write!(page, "<td>{figure}")?;
        if let (&ECE, Some((low, high))) = (name, quality.ece_interval) {
            let by_days = match quality.ece_drawn_by {
                Some(DrawnBy::Days) => ", by days",
                Some(DrawnBy::Stores) | None => "",
            };
            write!(page, " <small>({low:.4} to {high:.4}{by_days})</small>")?;
        }
    }
    Ok(())
}

/// How fast the model learns of what is new.
fn cold_start(page: &mut String, report: &Report) -> Result<(), Box<dyn Error>> {
    page.push_str(
        "<h2>Cold start: how fast it learns</h2>\n<p class=\"note\">By days since the day on which new stores, and new \
         items at stores that the model knows, began; 0 is that day. Days differ: what was known before shows how hard the \
         same days were.</p>\n<div class=\"plots\">",
    );
    page.push_str(&plot::learning("skill", &report.cold_start, |quality| {
        quality.skill
    })?);
    page.push_str(&plot::learning("ECE", &report.cold_start, |quality| {
        Some(quality.ece)
    })?);
    page.push_str(
        "</div>\n<details><summary>The same as a table</summary>\n<table>\n<tr><th>who<th>days",
    );
    page.push_str(&head());
    for one in &report.cold_start {
        write!(page, "\n<tr><td>{}<td>{}", one.who.name(), one.days)?;
        cells(page, &one.quality)?;
    }
    page.push_str("\n</table></details>\n");
    Ok(())
}

fn plots(page: &mut String, report: &Report) -> Result<(), Box<dyn Error>> {
    page.push_str(
        "<h2>What was said and what happened; precision and recall</h2>\n<div class=\"plots\">",
    );
    page.push_str(&plot::reliability(&report.curves)?);
    page.push_str(&plot::precision_recall(&report.curves)?);
    page.push_str("</div>\n");
    frontier(page, report)?;
    if !report.cold_start.is_empty() {
        cold_start(page, report)?;
    }
    let scopes = [Stores::Known, Stores::Unseen]; // "all" says nothing that these do not
    let scopes = scopes.into_iter().filter(|stores| {
        let mut segments = report.segments.iter();
        segments.any(|segment| segment.stores == *stores)
    });
    for stores in scopes {
        let all = report.segments.iter().filter(|one| one.stores == stores);
        let plain: Vec<&Segment> = all.clone().filter(|one| one.by != By::Category).collect();
        let mut categories: Vec<&Segment> = all.filter(|one| one.by == By::Category).collect();
        categories.sort_by_key(|one| std::cmp::Reverse(one.quality.rows));
        writeln!(page, "<h2>By segment, {} stores</h2>", stores.name())?;
        page.push_str(&plot::segments("PR-AUC", &plain, |one| {
            (one.quality.pr_auc, None)
        })?);
        page.push_str(&plot::segments(
            "ECE, with its 95 % interval",
            &plain,
            |one| (one.quality.ece, one.quality.ece_interval),
        )?);
        let largest = &categories[..categories.len().min(25)];
        if !largest.is_empty() {
            page.push_str("<p class=\"note\">The largest categories:</p>");
            page.push_str(&plot::segments(
                "ECE, with its 95 % interval",
                largest,
                |one| (one.quality.ece, one.quality.ece_interval),
            )?);
        }
        page.push_str(
            "<details><summary>All segments as a table</summary>\n<table>\n<tr><th>by<th>segment",
        );
        page.push_str(&head());
        for segment in plain.iter().chain(&categories) {
            write!(
                page,
                "\n<tr><td>{}<td>{}",
                segment.by.name(),
                escaped(&segment.name)
            )?;
            cells(page, &segment.quality)?;
        }
        page.push_str("\n</table></details>\n");
    }
    Ok(())
}

/// What thresholds buy: what is left of the selection, and how much of that is found.
fn frontier(page: &mut String, report: &Report) -> Result<(), Box<dyn Error>> {
    page.push_str(
        "<h2>Thresholds: selection against found rate</h2>\n\
         <p class=\"note\">If items are hidden that are found with less than a probability: what share of the selection \
         is still shown, what share of that is found, and what share of the hidden would have been found all the \
         same. Dots name some of these probabilities.</p>\n<div class=\"plots\">",
    );
    page.push_str(&plot::frontier(&report.curves)?);
    page.push_str(
        "</div>\n<details><summary>The same as a table</summary>\n\
         <table>\n<tr><th>stores<th>hidden below<th>shown<th>found of the shown<th>found of the hidden",
    );
    let share = |share: Option<f64>| share.map_or(String::new(), |share| format!("{share:.4}"));
    for curves in &report.curves {
        for one in &curves.frontier {
            write!(
                page,
                "\n<tr><td>{}<td>{:.2}<td>{:.4}<td>{}<td>{}",
                curves.stores.name(),
                one.below,
                one.shown,
                share(one.found),
                share(one.found_all_the_same)
            )?;
        }
    }
    page.push_str("\n</table></details>\n");
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
