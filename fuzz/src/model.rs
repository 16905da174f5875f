//! Models: the compact form and the one in JSON.
//!
//! The input is a byte that says which form it is, then its bytes; of the compact form with or without its checksum, which no
//! fuzzer guesses.
//!
//! Oracle: an error that says what is wrong; or a model that is the same in both forms when it is written and read
//! again, that its last byte belongs to, and whose scores are the same however they are made. Its probabilities are
//! some.

use onhand_models::artefact::{Artefact, Feature, Unreadable, VERSION, with_checksum};
use onhand_models::{Booster, Calibration, Dataset, FlatForest, Recalibration};
use std::collections::BTreeMap;

/// The compact form.
pub const COMPACT: u8 = 0;
/// JSON.
pub const JSON: u8 = 1;
/// The compact form, to which its checksum is added.
pub const UNCHECKED: u8 = 2;
/// How many bytes that is.
pub const CHECK: usize = 8;

/// A small model with this calibration: of a sum that two of three columns make.
pub fn model(calibration: Calibration) -> Artefact {
    let value = |row: usize, column: usize| match (row * 7 + column * 3) % 11 {
        0 => f32::NAN,
        place => place as f32 / 2.0 - 2.0,
    };
    let sum = |row| value(row, 0).max(0.0) - value(row, 1).max(0.0);
    let mut rows = Dataset::builder(ROWS, 8);
    for (column, name) in NAMES.iter().enumerate() {
        let values: Vec<f32> = (0..ROWS).map(|row| value(row, column)).collect();
        rows.column(name, &values).expect("one value a row");
    }
    let labels = (0..ROWS).map(|row| f32::from(u8::from(sum(row) > 0.0)));
    let rows = rows.labels(labels.collect()).expect("one label a row");
    let booster = Booster {
        rounds: 3,
        max_leaves: 4,
        min_rows: 2,
        ..Booster::default()
    };
    let fit = booster.fit(&rows, None, |_| {});
    let feature = |bins: &onhand_models::dataset::BinMap| Feature {
        definition: format!("hash of {}", bins.name()),
        bins: bins.clone(),
    };
    Artefact {
        version: VERSION,
        name: "small".to_owned(),
        features: rows.maps().iter().map(feature).collect(),
        forest: fit.expect("the settings are within bounds").forest,
        calibration,
        facts: BTreeMap::from([("seed".to_owned(), "7".to_owned())]),
        recalibration: Some(Recalibration::default()),
    }
}

const ROWS: usize = 60;
const NAMES: [&str; 3] = ["plus", "minus", "neither"];

/// Runs one input.
pub fn run(input: &[u8]) {
    let (form, bytes) = crate::first(input);
    let read = match form % 3 {
        COMPACT => Artefact::from_bytes(bytes),
        UNCHECKED => Artefact::from_bytes(&with_checksum(bytes.to_vec())),
        _ => Artefact::from_json(&String::from_utf8_lossy(bytes)),
    };
    match read {
        Ok(model) => sound(&model),
        Err(error) => named(&error),
    }
}

fn named(error: &Unreadable) {
    assert!(!error.to_string().is_empty(), "an error that says nothing");
}

fn sound(model: &Artefact) {
    let bytes = model.to_bytes().expect("a model is plain data");
    assert_eq!(&read(&bytes), model, "written and read, it is another");
    let longer = Artefact::from_bytes(&[&bytes[..], &[0]].concat());
    assert!(longer.is_err(), "what follows its end is passed over");
    let json = model.to_json().expect("what was read can be said in JSON");
    let of_json = Artefact::from_json(&json)
        .unwrap_or_else(|error| panic!("written as JSON and not readable: {error}"));
    assert_eq!(&of_json, model, "in JSON it is another");
    scores(model);
}

fn read(bytes: &[u8]) -> Artefact {
    Artefact::from_bytes(bytes).unwrap_or_else(|error| panic!("written and not readable: {error}"))
}

/// What features may be: missing, at and beyond every bound.
const VALUES: [f32; 6] = [f32::NAN, 0.0, -1.5, 1e9, f32::INFINITY, f32::NEG_INFINITY];

/// So many times the rows: as many as a batch that is not walked has.
const MANY: usize = 100;

fn scores(model: &Artefact) {
    let features = model.features.len();
    let value = |at: usize| VALUES[at % VALUES.len()];
    let rows: Vec<Vec<f32>> = (0..VALUES.len())
        .map(|row| {
            (0..features)
                .map(|feature| value(row + feature * row))
                .collect()
        })
        .collect();
    // A forest may be too large to be laid out.
    let Ok(flat) = FlatForest::new(&model.forest) else {
        return;
    };
    let mut together = vec![0.0; rows.len() * MANY];
    flat.score_batch(&rows.concat().repeat(MANY), &mut together);
    let (first, others) = together.split_at(rows.len());
    for again in others.chunks(rows.len()) {
        let same = first
            .iter()
            .zip(again)
            .all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "the same rows in a batch, and other scores");
    }
    for (row, together) in rows.iter().zip(together) {
        let slow = model.forest.score(row);
        assert_eq!(
            flat.score(row).to_bits(),
            slow.to_bits(),
            "laid out, it scores {row:?} otherwise"
        );
        assert_eq!(
            together.to_bits(),
            slow.to_bits(),
            "in a batch, it scores {row:?} otherwise"
        );
        let probability = model.calibration.probability(slow);
        assert!(
            (0.0..=1.0).contains(&probability),
            "{probability} is no probability"
        );
    }
}
