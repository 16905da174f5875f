//! The store as its users see it: entries in, rows out.

#![allow(clippy::unwrap_used, reason = "a test")]

mod filter;
mod format;
mod frames;
mod freshness;
mod late;
mod ledger;
mod meaning;
mod naive;

use onhand_core::Entry;
use onhand_features::{Feature, FeatureSet, Limits, Moment, Store, Subject};
use std::sync::Arc;

/// A store of these features after these entries.
fn store_of(features: Vec<Feature>, entries: &[Entry]) -> Store {
    let mut store = Store::new(
        Arc::new(FeatureSet::new(features).unwrap()),
        Limits::default(),
    );
    entries.iter().for_each(|entry| store.apply(entry).unwrap());
    store
}

/// The row of a SKU at a location.
fn row(store: &Store, place: &str, sku: &str, moment: Moment) -> Vec<f32> {
    let (mut subject, mut row) = (Subject::default(), vec![0.0; store.set().len()]);
    store.find(place, sku, &mut subject);
    store.read(&mut subject, moment, &mut row);
    row
}

fn bits(row: &[f32]) -> Vec<u32> {
    row.iter().map(|value| value.to_bits()).collect()
}
