//! From a published data set to a model and the truth about it, with the real binary.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../features/data.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod data;
mod serving;
#[path = "../support/mod.rs"]
mod support;

use data::{DAYS, Data};
use onhand_modelops::Scorer;
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::run;

/// The day `days` after the first.
fn date(days: usize) -> String {
    format!("2024-04-{:02}", days + 1)
}

fn succeed(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Ten stores with a few items each.
fn shops() -> Data {
    let series = (1..=10).flat_map(|store| (1..=4).map(move |item| (store, item + store % 3)));
    Data {
        series: series.collect(),
    }
}

/// A file in a folder of its own.
fn file(dir: &Path, data: &Data) -> PathBuf {
    let path = dir.join("train.parquet");
    data.write(&path);
    path
}

const FOREST: [&str; 8] = [
    "--rounds",
    "15",
    "--leaves",
    "7",
    "--min-rows",
    "5",
    "--rows",
    "1500",
];

fn train(path: &Path, out: &Path, more: &[&str]) -> Value {
    let until = date(7);
    let arguments = [
        "train",
        "availability",
        "--json",
        "--data",
        path.to_str().unwrap(),
        "--until",
        &until,
        "--out",
        out.to_str().unwrap(),
    ];
    succeed(&[&arguments, &FOREST[..], more].concat())
}

fn evaluate(path: &Path, more: &[&str]) -> Value {
    let arguments = ["evaluate", "availability", "--json", "--data"];
    let days = ["--from", &date(8), "--to", &date(8)];
    succeed(&[&arguments, &[path.to_str().unwrap()][..], &days, more].concat())
}

#[test]
fn a_folder_and_a_file_give_the_same_model_to_the_byte_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &shops());
    let folder = dir.path().join("shops");
    let arguments = ["replay", "--format", "freshretailnet", "--json"];
    let paths = [file.to_str().unwrap(), "--data", folder.to_str().unwrap()];
    succeed(&[&arguments[..], &paths[..]].concat());
    let bytes = |path: &Path, name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        train(path, &out, more);
        std::fs::read(out).unwrap()
    };
    let one = bytes(&file, "one", &["--threads", "1"]);
    assert_eq!(one, bytes(&file, "two", &["--threads", "2"]), "threads");
    assert_eq!(one, bytes(&folder, "three", &[]), "a folder");
    assert_ne!(one, bytes(&file, "four", &["--seed", "2"]), "another seed");
    let card = std::fs::read_to_string(dir.path().join("one.md")).unwrap();
    for part in [
        "2024-04-01..2024-04-08",
        "| kept back |",
        "target_hour",
        "| stores | Brier | reliability |",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
}

/// The names of a file of columns.
fn columns(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap();
    let head = bytes.split(|byte| *byte == b'\n').next().unwrap();
    let head: Value = serde_json::from_slice(head).unwrap();
    head["features"].clone()
}

#[test]
fn features_that_a_trial_finds_too_dear_are_left_out_of_the_model_and_of_what_other_tools_learn_from()
 {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &shops());
    let [model, frames, asked] =
        ["model", "frames", "asked.cols"].map(|name| dir.path().join(name));
    let all = train(&file, &dir.path().join("all"), &[]);
    let more = ["--worth", "60%", "--frames", frames.to_str().unwrap()];
    let few = train(&file, &model, &more);
    let count = |told: &Value| told["features"].as_u64().unwrap();
    assert!(count(&few) > 0 && count(&few) < count(&all), "{few}");
    let card = std::fs::read_to_string(dir.path().join("model.md")).unwrap();
    let tried = format!(
        "| features tried | {}, for 0.6 of a trial's gains |",
        count(&all)
    );
    assert!(card.contains(&tried), "{card}");
    let more = [
        "--model",
        model.to_str().unwrap(),
        "--frame",
        asked.to_str().unwrap(),
    ];
    evaluate(&file, &more);
    let learned = columns(&frames.join("train.cols"));
    assert_eq!(learned.as_array().unwrap().len() as u64, count(&few));
    assert_eq!(learned, columns(&asked));
}

#[test]
fn every_question_is_asked_once_and_the_base_rate_is_the_datas() {
    let dir = tempfile::tempdir().unwrap();
    let data = shops();
    let (file, model) = (file(dir.path(), &data), dir.path().join("model.onhand"));
    train(&file, &model, &["--holdout-stores", "40%"]);
    let html = dir.path().join("report.html");
    let more = [
        "--model",
        model.to_str().unwrap(),
        "--html",
        html.to_str().unwrap(),
    ];
    let report = evaluate(&file, &more);
    let cells = (0..data.series.len()).flat_map(|series| (9..=22).map(move |hour| (series, hour)));
    let out = cells
        .clone()
        .filter(|(series, hour)| data.is_out(*series, 8, *hour));
    let (all, out) = (cells.count(), out.count());
    assert_eq!(report["rows"], all);
    let table = report["table"].as_array().unwrap();
    let row = |what: &str, stores: &str| {
        let is_it = |row: &&Value| row["what"] == what && row["stores"] == stores;
        table.iter().find(is_it).unwrap()
    };
    let base = row("model", "all")["base_rate"].as_f64().unwrap();
    assert!((base - out as f64 / all as f64).abs() < 1e-9, "{base}");
    let rows = |stores| row("model", stores)["rows"].as_u64().unwrap();
    assert_eq!(rows("known") + rows("unseen"), all as u64);
    assert!(rows("unseen") > 0);
    for what in ["last known status", "rate by item and hour"] {
        assert!(row(what, "unseen")["log_loss"].as_f64().unwrap() > 0.0);
    }
    let segments = report["segments"].as_array().unwrap();
    assert!(
        segments
            .iter()
            .all(|segment| segment["rows"].as_u64().unwrap() >= 100)
    );
    let page = std::fs::read_to_string(html).unwrap();
    assert_eq!(page.matches("By segment").count(), 2);
    assert!(page.matches("<svg").count() >= 2 + 2 * 2);
    // Which model, of which days, and about what; not where it lies.
    let version = report["sources"]["version"].as_str().unwrap();
    assert_eq!(version, Scorer::version_of(&std::fs::read(&model).unwrap()));
    for part in [
        format!("<td>availability, version {version}"),
        format!("<td>trained on<td>2024-04-01 to {}", date(7)),
        format!(
            "<td>data<td>train.parquet, {} to {}: {all} questions",
            date(8),
            date(8)
        ),
    ] {
        assert!(page.contains(&part), "{part}: {page}");
    }
    assert!(!page.contains(dir.path().to_str().unwrap()));
    // The interval stands beside its point, in each row that has one.
    let told = table.iter().filter(|row| row["ece_interval"].is_array());
    let mut intervals = 0;
    for row in told {
        let [low, high] = [0, 1].map(|at| row["ece_interval"][at].as_f64().unwrap());
        let ece = row["ece"].as_f64().unwrap();
        let cell = format!("<td>{ece:.4} <small>({low:.4} to {high:.4})</small>");
        assert!(page.contains(&cell), "{cell}: {page}");
        intervals += 1;
    }
    assert!(intervals > 3, "{report}");
    // Axes have one decimal.
    for threshold in ["0.25", "0.75"] {
        assert!(
            page.contains(&format!("\n{threshold}\n")),
            "{threshold}: {page}"
        );
    }
    assert!(
        !page.contains("<script") && !page.contains("src="),
        "{page}"
    );
}

#[test]
fn other_stores_and_later_days_can_be_judged() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.onhand");
    train(&file(dir.path(), &shops()), &model, &[]);
    let others = tempfile::tempdir().unwrap();
    let data = Data {
        series: vec![(71, 1), (71, 9), (72, 2)],
    };
    let report = evaluate(
        &file(others.path(), &data),
        &["--model", model.to_str().unwrap()],
    );
    assert_eq!(
        (&report["known_locations"], &report["locations"]),
        (&0.into(), &2.into())
    );
    let table = report["table"].as_array().unwrap();
    assert!(
        table.iter().all(|row| row["stores"] == "unseen"),
        "{report}"
    );
    assert_eq!(report["rows"], 3 * 14);
}

#[test]
fn a_model_does_not_say_that_it_learned_of_days_that_nobody_knows_of_yet() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (file(dir.path(), &shops()), dir.path().join("model.onhand"));
    let arguments = ["train", "availability", "--data", file.to_str().unwrap()];
    let days = ["--until", "2030-01-01", "--out", out.to_str().unwrap()];
    succeed(&[&arguments[..], &days, &FOREST].concat());
    let card = std::fs::read_to_string(dir.path().join("model.md")).unwrap();
    let known = format!("2024-04-01..{}", date(DAYS - 1));
    assert!(card.contains(&known) && !card.contains("2030"), "{card}");
    // Nor one that is recalibrated.
    let arguments = ["train", "recalibrate", "--data", file.to_str().unwrap()];
    let model = ["--model", out.to_str().unwrap(), "--days", "5"];
    let until = date(DAYS + 1);
    let days = ["--until", &until, "--out", out.to_str().unwrap()];
    succeed(&[&arguments[..], &model, &days].concat());
    let card = std::fs::read_to_string(dir.path().join("model.md")).unwrap();
    let known = format!("{}..{}", date(DAYS - 3), date(DAYS - 1));
    assert!(card.contains(&known) && !card.contains(&until), "{card}");
}

/// The probabilities of one day, recalibrated on two days before it.
#[test]
fn a_night_learns_from_the_days_before_and_from_nothing_later() {
    let dir = tempfile::tempdir().unwrap();
    let (file, model) = (file(dir.path(), &shops()), dir.path().join("model.onhand"));
    train(&file, &model, &[]);
    let (model, night) = (model.to_str().unwrap(), dir.path().join("night.onhand"));
    let learned = |until: &str, days: &str| {
        let arguments = [
            "train",
            "recalibrate",
            "--json",
            "--data",
            file.to_str().unwrap(),
        ];
        let more = ["--model", model, "--until", until, "--days", days];
        let out = ["--out", night.to_str().unwrap()];
        succeed(&[&arguments[..], &more, &out].concat())
    };
    let told = learned(&date(7), "2");
    let warning = told["warnings"][0].as_str().unwrap();
    let trained_on_them = "trained on 2024-04-01..2024-04-08, and 2 of the 2 days";
    assert!(warning.contains(trained_on_them), "{warning}");
    assert!(told["after"]["log_loss"].as_f64() < told["before"]["log_loss"].as_f64());
    let card = std::fs::read_to_string(dir.path().join("night.md")).unwrap();
    assert!(card.contains("2024-04-07..2024-04-08"), "{card}");
    // What `evaluate` fits before a day is what the command makes in the night before it.
    let row = |report: &Value| {
        let table = report["table"].as_array().unwrap();
        table
            .iter()
            .find(|row| row["what"] == "model")
            .unwrap()
            .clone()
    };
    let as_run = row(&evaluate(&file, &["--model", night.to_str().unwrap()]));
    let judged = row(&evaluate(&file, &["--model", model, "--recalibrate", "2"]));
    let plain = row(&evaluate(&file, &["--model", model]));
    for figure in ["log_loss", "ece", "pr_auc"] {
        let gap = as_run[figure].as_f64().unwrap() - judged[figure].as_f64().unwrap();
        assert!(gap.abs() < 1e-9, "{figure}: {as_run} {judged}");
    }
    assert_eq!(judged["rows"], plain["rows"]);
    // Where the truth is not what is known, there is no night that could learn from it.
    let arguments = [
        "evaluate",
        "availability",
        "--model",
        model,
        "--recalibrate",
        "2",
    ];
    let days = ["--from", &date(8), "--to", &date(8)];
    for other in [["--looks", "2"], ["--truth", model]] {
        let said = refused(&[&arguments[..], &days, &other].concat());
        assert!(said.contains("cannot be used with"), "{said}");
    }
    assert_ne!(judged["log_loss"], plain["log_loss"]);
}

#[test]
fn what_makes_figures_too_good_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data {
        series: (1..=2)
            .flat_map(|store| (1..=40).map(move |item| (store, item)))
            .collect(),
    };
    let (file, looks) = (file(dir.path(), &data), dir.path().join("looks"));
    let arguments = ["replay", "--format", "freshretailnet", "--looks", "1"];
    let paths = [file.to_str().unwrap(), "--data", looks.to_str().unwrap()];
    run(&[&arguments[..], &paths[..]].concat());
    let out = dir.path().join("model.onhand");
    let none = serde_json::json!([]);
    let told = train(&looks, &out, &["--labels", "looks"]);
    assert_eq!(told["warnings"], none);
    let told = train(&looks, &out, &[]);
    assert!(
        told["warnings"][0]
            .as_str()
            .unwrap()
            .contains("train with --labels looks"),
        "{told}"
    );
    let card = std::fs::read_to_string(dir.path().join("model.md")).unwrap();
    assert!(card.contains("**Careful:** on a day"), "{card}");
    assert_eq!(train(&file, &out, &[])["warnings"], none);
    let model = ["--model", out.to_str().unwrap()];
    assert_eq!(evaluate(&file, &model)["warnings"], none);
    let truth = ["--truth", file.to_str().unwrap()];
    assert_eq!(evaluate(&looks, &truth)["warnings"], none);
    // On the page, in JSON and on standard error.
    let html = dir.path().join("report.html");
    let start = ["evaluate", "availability", "--json", "--data"];
    let days = ["--from", &date(6), "--to", &date(8)];
    let page = ["--html", html.to_str().unwrap()];
    let from = [looks.to_str().unwrap()];
    let output = run(&[&start[..], &from, &days, &page, &model].concat());
    let (said, page) = (
        String::from_utf8(output.stderr).unwrap(),
        std::fs::read_to_string(html).unwrap(),
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{report}");
    for (warning, part) in warnings
        .iter()
        .zip(["with --truth", "2 of the 3 days asked about"])
    {
        let warning = warning.as_str().unwrap();
        assert!(warning.contains(part), "{warning}");
        assert!(
            said.contains(&format!("onhand: warning: {warning}")),
            "{said}"
        );
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn a_cold_start_is_told_and_plotted_by_day() {
    let dir = tempfile::tempdir().unwrap();
    let (file, model) = (file(dir.path(), &shops()), dir.path().join("model.onhand"));
    train(&file, &model, &["--holdout-stores", "40%"]);
    let html = dir.path().join("report.html");
    let begins = [
        "--from",
        &date(6),
        "--to",
        &date(8),
        "--cold-from",
        &date(6),
    ];
    let start = [
        "evaluate",
        "availability",
        "--json",
        "--data",
        file.to_str().unwrap(),
    ];
    let rest = [
        "--model",
        model.to_str().unwrap(),
        "--html",
        html.to_str().unwrap(),
    ];
    let report = succeed(&[&start[..], &begins, &rest].concat());
    let learning = report["cold_start"].as_array().unwrap();
    let days = |who: &str| -> Vec<u64> {
        let of_them = learning.iter().filter(|one| one["who"] == who);
        of_them.map(|one| one["days"].as_u64().unwrap()).collect()
    };
    assert_eq!(days("new_stores"), [0, 1, 2], "{report}");
    assert_eq!(days("known_before"), [0, 1, 2]);
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.contains("Cold start") && page.contains("known before"));
    let report = evaluate(&file, &["--model", model.to_str().unwrap()]);
    assert_eq!(report["cold_start"], serde_json::json!([]));
}

#[test]
fn a_line_of_another_tool_joins_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &shops());
    let report = evaluate(&file, &[]);
    let mut line = report["table"][0].clone();
    line["what"] = "somebody else".into();
    line["train_s"] = 3.5.into();
    let path = dir.path().join("line.json");
    std::fs::write(&path, line.to_string()).unwrap();
    let report = evaluate(&file, &["--reference", path.to_str().unwrap()]);
    let last = report["table"].as_array().unwrap().last().unwrap();
    assert_eq!(last["what"], "somebody else");
}

#[test]
fn what_cannot_be_trained_on_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &shops());
    let out = dir.path().join("model.onhand");
    let arguments = |until: &str, more: &[&str]| {
        let start = ["train", "availability", "--data", file.to_str().unwrap()];
        let rest = ["--until", until, "--out", out.to_str().unwrap()];
        refused(&[&start, &rest[..], more].concat())
    };
    assert!(arguments(&date(2), &[]).contains("training needs 8"));
    assert!(arguments("2024-13-01", &[]).contains("must be a date"));
    assert!(arguments(&date(DAYS - 1), &["--holdout-stores", "120%"]).contains("must be a share"));
    let leaves = ["--leaves", "1"];
    assert!(arguments(&date(DAYS - 1), &leaves).contains("max_leaves: 2 to 32,768"));
    assert!(!out.exists(), "nothing was written");
    let card = dir.path().join("model.md");
    let start = ["train", "availability", "--data", file.to_str().unwrap()];
    let to = |path: &Path| {
        refused(
            &[
                &start[..],
                &["--until", &date(7), "--out", path.to_str().unwrap()],
            ]
            .concat(),
        )
    };
    assert!(to(&card).contains("the card's name"));
    assert!(to(&dir.path().join("no/model")).contains("there is no folder"));
    std::fs::write(&out, "no model").unwrap();
    let arguments = ["evaluate", "availability", "--data", file.to_str().unwrap()];
    let days = [
        "--from",
        &date(8),
        "--to",
        &date(8),
        "--model",
        out.to_str().unwrap(),
    ];
    assert!(refused(&[&arguments[..], &days[..]].concat()).contains("this is not a model"));
}

#[test]
fn a_ledger_of_looks_is_judged_by_the_truth_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &shops());
    let folder = dir.path().join("looks");
    let arguments = ["replay", "--format", "freshretailnet", "--json"];
    let paths = [file.to_str().unwrap(), "--data", folder.to_str().unwrap()];
    let told = succeed(&[&arguments[..], &paths[..], &["--looks", "2"]].concat());
    assert!(told["looks"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["deliveries"], 0, "no feed tells of them");
    let model = dir.path().join("model.onhand");
    train(&file, &model, &["--looks", "2"]);
    let model = ["--model", model.to_str().unwrap()];
    let straight = evaluate(&file, &[&model[..], &["--looks", "2"]].concat());
    let truth = ["--truth", file.to_str().unwrap()];
    let folder = evaluate(&folder, &[&model[..], &truth[..]].concat());
    assert_eq!(straight["table"], folder["table"]);
    assert_eq!(straight["rows"], evaluate(&file, &model)["rows"]);
    let out = dir.path().join("shifted.onhand");
    let day = date(DAYS - 2);
    let recalibrate = ["train", "recalibrate", "--data", file.to_str().unwrap()];
    let shift = ["--until", &day, "--out", out.to_str().unwrap()];
    let shift = [&recalibrate[..], &model, &shift].concat();
    let said = refused(&[&shift[..], &["--labels", "shelf"]].concat());
    assert!(said.contains("trained on the share of the looks"), "{said}");
    assert!(!out.exists());
}
