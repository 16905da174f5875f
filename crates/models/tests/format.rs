//! A model that was written once can be read for ever, and scores the same.
//!
//! The fixtures are never edited. A change of format is a new version with fixtures of its own; the old ones stay. A
//! fixture that is missing is written, and the test fails, so that a new one is looked at before it is kept. What they
//! hold does not depend on how a model is trained today.

#![allow(clippy::unwrap_used, reason = "test code")]

mod frame;

use frame::*;
use onhand_models::artefact::{Artefact, Feature, VERSION};
use onhand_models::recalibrate::{Line, Recalibration};
use onhand_models::{Booster, Calibration, FlatForest};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the fixtures give for these values of every feature.
const SCORED: [(f32, f64); 3] = [
    (f32::NAN, 0.4579057979087035),
    (-0.5, 0.29046999787290895),
    (0.75, 0.5343605126653399),
];

/// What the recalibration makes of a quarter.
const MOVED: f64 = 0.2790941801075903;

fn fixture(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    dir.join("tests/fixtures").join(name)
}

/// A small model to begin a fixture with.
fn small_model() -> Artefact {
    let (train, signal) = rows(300, 25);
    let data = frame(&train, happened(&signal, 26));
    let booster = Booster {
        rounds: 4,
        max_leaves: 5,
        ..small()
    };
    let features = data.maps().iter().map(|map| Feature {
        definition: format!("hash of {}", map.name()),
        bins: map.clone(),
    });
    Artefact {
        version: VERSION,
        name: "availability".to_owned(),
        features: features.collect(),
        forest: fitted(&booster, &data),
        calibration: Calibration::Isotonic {
            knots: vec![(-2.0, 0.125), (0.25, 0.5), (2.0, 0.9)],
        },
        facts: BTreeMap::from([("seed".to_owned(), "7".to_owned())]),
        recalibration: Some(Recalibration {
            all: Line {
                shift: 0.125,
                slope: -0.25,
            },
            groups: BTreeMap::from([("dairy".to_owned(), Line::default())]),
            ..Recalibration::default()
        }),
    }
}

/// The bytes of a fixture.
fn kept(name: &str, first: impl Fn(Artefact) -> Vec<u8>) -> Vec<u8> {
    let path = fixture(name);
    std::fs::read(&path).unwrap_or_else(|_| {
        std::fs::write(&path, first(small_model())).unwrap();
        panic!("{name} was missing and is written now: look at it before you keep it");
    })
}

/// What a fixture in both forms holds.
fn both_forms(version: u32) -> (Artefact, Vec<u8>, String) {
    let bytes = kept(&format!("model.v{version}.bin"), |model| {
        model.to_bytes().unwrap()
    });
    let json = kept(&format!("model.v{version}.json"), |model| {
        model.to_json().unwrap().into()
    });
    let json = String::from_utf8(json).unwrap();
    let model = Artefact::from_bytes(&bytes).unwrap();
    assert_eq!(Artefact::from_json(&json).unwrap(), model);
    let flat = FlatForest::new(&model.forest).unwrap();
    for (value, probability) in SCORED {
        let row = [value; COLUMNS];
        let score = model.forest.score(&row);
        assert_eq!(
            model.calibration.probability(score),
            probability,
            "of {value}"
        );
        assert_eq!(flat.score(&row), score, "of {value}");
    }
    (model, bytes, json)
}

/// They had no recalibration, and are written as those of today.
#[test]
fn models_of_version_1() {
    let (model, bytes, _) = both_forms(1);
    assert_eq!((model.version, &model.recalibration), (VERSION, &None));
    let written = model.to_bytes().unwrap();
    assert_eq!(written.len(), bytes.len() + 9, "it says that there is none");
}

/// They had no checksum, and are written as those of today.
#[test]
fn models_of_version_2() {
    let (model, bytes, _) = both_forms(2);
    assert_eq!(model.version, VERSION);
    let written = model.to_bytes().unwrap();
    assert_eq!(written.len(), bytes.len() + 8, "it has its checksum");
}

#[test]
fn models_of_version_3() {
    let (model, bytes, json) = both_forms(3);
    assert!(
        model.to_bytes().unwrap() == bytes,
        "it would be written differently now"
    );
    assert_eq!(model.to_json().unwrap(), json);
    let line = model.recalibration.unwrap().line(Some("dairy"), 9);
    assert!((line.moved(0.25) - MOVED).abs() < 1e-12);
}
