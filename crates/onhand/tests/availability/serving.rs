//! A model put to work by the real binary.

use super::{file, shops, succeed, train};
use crate::support::{Client, Server, onhand};
use onhand_models::Artefact;
use onhand_wire::proto::predictions_client::PredictionsClient;
use onhand_wire::proto::{
    Fallback, FallbackReason, PredictAvailabilityRequest, PredictAvailabilityResponse,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tonic::transport::Endpoint;

const PREDICT: &str = "/v1/predictions/availability";

/// A folder with the shops' ledger, and a model of it.
fn shops_and_model(dir: &Path) -> (PathBuf, PathBuf) {
    let (file, folder) = (file(dir, &shops()), dir.join("shops"));
    let arguments = ["replay", "--format", "freshretailnet", "--json"];
    let paths = [file.to_str().unwrap(), "--data", folder.to_str().unwrap()];
    succeed(&[&arguments[..], &paths[..]].concat());
    let model = dir.join("model.onhand");
    train(&folder, &model, &[]);
    (folder, model)
}

fn serve(folder: &Path, model: &Path, more: &[&str]) -> Server {
    let arguments = [
        "--features",
        "--availability-model",
        model.to_str().unwrap(),
    ];
    Server::start(folder, &[&arguments[..], more].concat())
}

fn ask(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(path, "no key", &body.to_string()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn store_1() -> Value {
    json!({"location": "store-1", "skus": ["product-2", "product-3", "never-heard-of"]})
}

/// Receives some of the first item, for the time of this number.
fn receive(client: &mut Client, number: u32) {
    let receipt = json!({"location": "store-1", "lines": [{"sku": "product-2", "quantity": 5}]});
    let key = format!("receipt-{number}");
    let answer = client.post("/v1/stock/receipts", &key, &receipt.to_string());
    assert_eq!(answer.unwrap().status, 201);
}

/// Asks until the features have followed the ledger up to its end. Explanations are not remembered: a score from before
/// that would be, for minutes.
fn settled(client: &mut Client) -> Value {
    let start = Instant::now();
    let mut why = store_1();
    why["explain"] = json!(true);
    loop {
        let told = ask(client, PREDICT, &why);
        if told[0]["fallback"].is_null() && told[0]["features_age_ms"].as_u64().unwrap() < 60_000 {
            return ask(client, PREDICT, &store_1());
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_page_is_predicted_and_explained_and_read_beside_its_stock() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    let thresholds = dir.path().join("thresholds.toml");
    std::fs::write(
        &thresholds,
        "[usual]\nshow_from = 0.0\nhide_below = 0.0\n[locations.store-1]\nshow_from = 1.0\nhide_below = 1.0\n",
    )
    .unwrap();
    let samples = dir.path().join("served.jsonl");
    let samples = samples.to_str().unwrap();
    let thresholds = ["--availability-thresholds", thresholds.to_str().unwrap()];
    let sampling = ["--features-sample", samples, "--features-sample-every", "1"];
    let mut server = serve(
        &folder,
        &model,
        &[thresholds.as_slice(), &sampling].concat(),
    );
    let mut client = Client::new(server.address);
    let told = settled(&mut client);
    for item in &told.as_array().unwrap()[..2] {
        let found = item["probability_found"].as_f64().unwrap();
        assert!(0.0 < found && found < 1.0, "{item}");
        assert_eq!(
            (&item["decision"], &item["model"]),
            (&json!("hide"), &json!("availability"))
        );
    }
    assert_eq!(told[2]["fallback"], "prior");
    assert_eq!(told[2]["fallback_reason"], "new_item");
    assert!(told[0].get("fallback_reason").is_none(), "{told}");
    let elsewhere = ask(
        &mut client,
        PREDICT,
        &json!({"location": "store-2", "skus": ["product-4", "never-heard-of"]}),
    );
    assert_eq!(elsewhere[0]["decision"], "show");
    assert_eq!(elsewhere[1]["decision"], "warn", "it is a prior");
    // The data are of 2024.
    let ages = [0, 1].map(|item| elsewhere[item]["facts_age_ms"].as_u64());
    assert!(
        ages[0] > Some(365 * 86_400_000) && ages[1].is_none(),
        "{elsewhere}"
    );

    let mut why = store_1();
    why["explain"] = json!(true);
    let why = ask(&mut client, PREDICT, &why);
    let explanation = &why[0]["explanation"];
    let parts = explanation["parts"].as_array().unwrap();
    let sum: f64 = parts
        .iter()
        .map(|part| part["part"].as_f64().unwrap())
        .sum();
    let (expected, score) = (&explanation["expected"], &explanation["score"]);
    let difference = expected.as_f64().unwrap() + sum - score.as_f64().unwrap();
    assert!(difference.abs() < 1e-6, "{explanation}");
    assert!(
        parts
            .iter()
            .any(|part| part["is_default"] == false && part["age_ms"].is_u64())
    );
    let found_last = parts.iter().find(|part| part["feature"] == "found_last");
    let found_last = found_last.unwrap();
    assert_eq!(
        (
            &found_last["value"],
            &found_last["is_default"],
            &found_last["is_stale"]
        ),
        (&Value::Null, &json!(true), &json!(true)),
        "{found_last}"
    );
    assert!(why[2].get("explanation").is_none());

    let plain = ask(&mut client, "/v1/availability", &store_1());
    assert!(plain["items"][0].get("probability_found").is_none());
    let mut beside = store_1();
    beside["probability"] = json!(true);
    let beside = ask(&mut client, "/v1/availability", &beside);
    let again = ask(&mut client, PREDICT, &store_1());
    for at in 0..3 {
        assert_eq!(
            beside["items"][at]["probability_found"],
            again[at]["probability_found"]
        );
    }
    let new = &beside["items"][2];
    assert_eq!(
        (
            &new["probability_fallback"],
            &new["probability_fallback_reason"]
        ),
        (&json!("prior"), &json!("new_item"))
    );
    let late = json!({"location": "store-1", "skus": ["product-2"], "at": "2100-01-01T00:00:00Z"});
    let refused = client.post(PREDICT, "no key", &late.to_string()).unwrap();
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["pointer"]),
        (422, &json!("/at"))
    );
    // What the predictions were made of is what a model is trained on.
    server.stop();
    let checked = ["features", "check", "--served", samples, "--json", "--data"];
    let report = succeed(&[&checked[..], &[folder.to_str().unwrap()]].concat());
    assert_eq!(report["differences"], 0, "{report}");
    assert!(report["rows_compared"].as_u64().unwrap() >= 8, "{report}");
}

#[test]
fn what_happens_changes_the_score_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    let server = serve(&folder, &model, &[]);
    let mut client = Client::new(server.address);
    let before = settled(&mut client);
    receive(&mut client, 1);
    let received = Instant::now();
    loop {
        let now = ask(&mut client, PREDICT, &store_1());
        if now[0] != before[0] && now[0]["probability_found"] != before[0]["probability_found"] {
            break;
        }
        assert!(received.elapsed() < Duration::from_secs(1), "{now}");
    }
    // Told a moment after it is shown.
    for said in ["lag_entries 0", "lag_seconds 0.0", "entry_seconds_count 1"] {
        let said = format!("onhand_features_{said}\n");
        let is_told = |client: &mut Client| client.get("/metrics").unwrap().body.contains(&said);
        while !is_told(&mut client) {
            assert!(received.elapsed() < Duration::from_secs(10), "not {said}");
        }
    }
}

#[test]
fn who_does_not_wait_is_told_what_was_said_before_and_a_thread_makes_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    // The data are of 2024, so with the first receipt of today all items are new.
    let server = serve(&folder, &model, &["--new-item-hours", "0"]);
    let mut client = Client::new(server.address);
    let before = settled(&mut client);
    let at_once = |client: &mut Client, body: &Value| {
        let answer = client.post_too_late(PREDICT, &body.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let never_asked = json!({"location": "store-2", "skus": ["product-4"]});
    let untimely = at_once(&mut client, &never_asked);
    assert_eq!(
        (&untimely[0]["fallback"], &untimely[0]["fallback_reason"]),
        (&json!("prior"), &json!("no_time"))
    );

    // Until an answer falls between an event and the thread that goes by it.
    let begun = Instant::now();
    for number in 0.. {
        receive(&mut client, number);
        let now = at_once(&mut client, &store_1());
        if now[0]["fallback"] == "cached" {
            assert_eq!(now[0]["fallback_reason"], "no_time");
            let found = now[0]["probability_found"].as_f64().unwrap();
            assert!(0.0 < found && found < 1.0, "{now}");
            break;
        }
        assert_eq!(now[0]["fallback"], Value::Null);
        assert!(begun.elapsed() < Duration::from_secs(30), "{now}");
    }
    let begun = Instant::now();
    loop {
        let now = at_once(&mut client, &store_1());
        let is_anew = now[0]["probability_found"] != before[0]["probability_found"];
        if now[0]["fallback"].is_null() && is_anew {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{now}");
    }
    let metrics = client.get("/metrics").unwrap().body;
    let counted = "onhand_predictions_items_total{fallback=\"cached\",reason=\"no_time\"} ";
    assert!(metrics.contains(counted), "{metrics}");
}

/// Asks over gRPC why.
fn ask_grpc(server: &Server) -> PredictAvailabilityResponse {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let address = format!("http://{}", server.grpc_address);
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        let mut client = PredictionsClient::new(channel);
        let request = PredictAvailabilityRequest {
            location: "store-1".into(),
            skus: ["product-2", "product-3", "never-heard-of"]
                .map(String::from)
                .into(),
            at: None,
            explain: true,
        };
        client
            .predict_availability(request)
            .await
            .unwrap()
            .into_inner()
    })
}

#[test]
fn grpc_says_what_http_says() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    let server = serve(&folder, &model, &[]);
    let mut client = Client::new(server.address);
    settled(&mut client);
    let mut why = store_1();
    why["explain"] = json!(true);
    let before = ask(&mut client, PREDICT, &why);
    let told = ask_grpc(&server);
    let after = ask(&mut client, PREDICT, &why);
    assert_eq!(
        (&json!(told.model), &json!(told.version)),
        (&before[0]["model"], &before[0]["version"])
    );
    assert_eq!(told.items.len(), 3);
    for (at, item) in told.items.iter().enumerate() {
        let (before, after) = (&before[at], &after[at]);
        assert_eq!(json!(item.sku), before["sku"]);
        assert_eq!(json!(item.probability_found), before["probability_found"]);
        let decision = item.decision().as_str_name().to_lowercase();
        assert_eq!(
            decision,
            format!("decision_{}", before["decision"].as_str().unwrap())
        );
        assert!(item.features_age_ms < 60_000, "{item:?}");
        // It grows from one question to the next.
        let age = |item: &Value| item["facts_age_ms"].as_u64();
        assert!(
            age(before) <= item.facts_age_ms && item.facts_age_ms <= age(after),
            "{item:?}"
        );
    }
    let fallbacks = [0, 1, 2].map(|at| told.items[at].fallback());
    assert_eq!(
        fallbacks,
        [
            Fallback::Unspecified,
            Fallback::Unspecified,
            Fallback::Prior
        ]
    );
    let reasons = [0, 2].map(|at| told.items[at].fallback_reason());
    assert_eq!(
        reasons,
        [FallbackReason::Unspecified, FallbackReason::NewItem]
    );
    assert!(told.items[0].facts_age_ms.is_some() && told.items[2].explanation.is_none());

    let (explained, http) = (
        told.items[0].explanation.as_ref().unwrap(),
        &before[0]["explanation"],
    );
    assert_eq!(json!(explained.calibration), http["calibration"]);
    let sum: f64 = explained.parts.iter().map(|part| part.part).sum();
    assert!(
        (explained.expected + sum - explained.score).abs() < 1e-6,
        "{explained:?}"
    );
    for (part, http) in explained
        .parts
        .iter()
        .zip(http["parts"].as_array().unwrap())
    {
        assert_eq!(json!(part.feature), http["feature"]);
        assert_eq!(json!(part.part), http["part"]);
        assert_eq!(
            (json!(part.is_default), json!(part.is_stale)),
            (http["is_default"].clone(), http["is_stale"].clone())
        );
        assert_eq!(part.value.is_some(), http["value"].is_number(), "{part:?}");
        assert_eq!(
            part.age_ms.is_some(),
            http["age_ms"].is_number(),
            "{part:?}"
        );
    }
    assert!(
        explained
            .parts
            .iter()
            .any(|part| part.age_ms.is_some() && part.value.is_some())
    );
}

/// Whether answers say that the hour was never learned: over HTTP of each item, beside the stock, and over gRPC.
fn never_learned(folder: &Path, model: &Path, hours: Option<&str>) -> [bool; 3] {
    let mut artefact = Artefact::from_bytes(&std::fs::read(model).unwrap()).unwrap();
    artefact.facts.remove("hours.learned");
    let hours = hours.map(|hours| ("hours.learned".to_owned(), hours.to_owned()));
    artefact.facts.extend(hours);
    std::fs::write(model, artefact.to_bytes().unwrap()).unwrap();
    let server = serve(folder, model, &[]);
    let mut client = Client::new(server.address);
    let told = ask(&mut client, PREDICT, &store_1());
    let is_said = |of: &Value, name: &str| of.get(name).is_some_and(|said| said == &json!(true));
    let mut each = told.as_array().unwrap().iter();
    let mut beside = store_1();
    beside["probability"] = json!(true);
    let beside = ask(&mut client, "/v1/availability", &beside);
    [
        each.all(|item| is_said(item, "hour_never_learned")),
        is_said(&beside, "probability_hour_never_learned"),
        ask_grpc(&server).hour_never_learned,
    ]
}

#[test]
fn an_hour_that_the_model_never_learned_is_said_if_its_file_knows() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    let artefact = Artefact::from_bytes(&std::fs::read(&model).unwrap()).unwrap();
    let learned = "9 10 11 12 13 14 15 16 17 18 19 20 21 22";
    assert_eq!(artefact.facts["hours.learned"], learned);
    assert_eq!(never_learned(&folder, &model, Some("")), [true; 3]);
    let all: Vec<String> = (0..24).map(|hour| hour.to_string()).collect();
    let all = all.join(" ");
    assert_eq!(never_learned(&folder, &model, Some(&all)), [false; 3]);
    // As those of older builds.
    assert_eq!(never_learned(&folder, &model, None), [false; 3]);
}

#[test]
fn a_model_of_other_definitions_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, model) = shops_and_model(dir.path());
    let mut artefact = Artefact::from_bytes(&std::fs::read(&model).unwrap()).unwrap();
    let stranger = artefact.features[0].bins.name().to_owned();
    artefact.features[0].definition = "0123456789abcdef".into();
    std::fs::write(&model, artefact.to_bytes().unwrap()).unwrap();
    let output = onhand()
        .args(["serve", "--listen", "127.0.0.1:0", "--features", "--data"])
        .arg(&folder)
        .arg("--availability-model")
        .arg(&model)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains(&format!("other definitions of {stranger} than")),
        "{said}"
    );
}
