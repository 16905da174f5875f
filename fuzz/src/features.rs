//! Saved feature stores.
//!
//! The input is a byte that says what the rest is: a file as it is, or the arrays of one, to which the head and the
//! checksum are added.
//!
//! Oracle: an error that says what is wrong; or a store that gives the same bytes and the same rows when it is written
//! and read again, and goes on like any other where its ledger goes on.

use crate::day;
use onhand_core::facts::push::{Push, PushLine};
use onhand_core::{
    Command, Decision, Entry, FactName, Few, Label, LevelNo, Lines, LocationId, Seq, Sku, Stamp,
    Value,
};
use onhand_features::Entity::{
    Everything, Group, GroupAtLocation, Location, Region, Sku as OfSku, SkuAtLocation, SkuInRegion,
};
use onhand_features::formula::{Balance, Filtered, balance, filter, found};
use onhand_features::measure::Measure::{UnitsDelivered, UnitsSold, WentOut};
use onhand_features::window::{days, hours};
use onhand_features::{Feature, FeatureSet, Filter, Formula, Kind, Limits, Moment, Store, Subject};
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::xxh3_64;

/// The file is as it is.
pub const AS_IT_IS: u8 = 0;
/// The rest is what lies between head and checksum.
pub const ARRAYS: u8 = 1;

/// The bytes of head and checksum.
pub const AROUND: (usize, usize) = (16, 8);

/// What a file begins with, as the product writes it: of another version nothing but the head would be read.
static HEAD: LazyLock<Vec<u8>> = LazyLock::new(|| store(&[]).snapshot()[..AROUND.0].to_vec());

/// Levels that are looked at.
const LOOKED_AT: u32 = 8;

/// Runs one input.
pub fn run(input: &[u8]) {
    let (kind, bytes) = crate::first(input);
    match kind % 2 {
        AS_IT_IS => restored(bytes),
        _ => restored(&file(bytes)),
    }
}

/// One feature for each way to keep anything.
pub static SET: LazyLock<Arc<FeatureSet>> = LazyLock::new(|| {
    let usual = Filter {
        half_life: 10,
        silence_percent: 100,
    };
    let formulas: [(&'static str, Formula); 14] = [
        ("sold", SkuAtLocation.sum(UnitsSold, hours(0..=5))),
        ("delivered", Location.sum(UnitsDelivered, days(0..=2))),
        ("usual", OfSku.usual(UnitsSold, 14)),
        ("since", Everything.since(UnitsSold)),
        ("group", Group("category").busy(UnitsSold, days(0..=1))),
        ("code", Group("category").code()),
        ("here", GroupAtLocation("category").usual(WentOut, 7)),
        ("region", Region("city").sum(UnitsSold, days(0..=1))),
        ("shelves", SkuInRegion("city").members()),
        ("chance", OfSku.mean(filter(usual, Filtered::Now))),
        ("discount", SkuAtLocation.pushed("discount")),
        ("rain", Location.pushed("rain")),
        ("look", found()),
        ("balance", balance(Balance::OnHand)),
    ];
    let feature = |(name, formula)| Feature::new(name, SkuAtLocation, Kind::Number, formula);
    let set = FeatureSet::new(formulas.map(feature).into());
    Arc::new(set.expect("the names differ, and means are of members"))
});

/// The day, with categories.
pub fn entries() -> Vec<Entry> {
    let (mut entries, state) = day::day();
    let line = |sku, category| PushLine {
        sku: Some(Sku::new(sku).expect("a name")),
        name: FactName::new("category").expect("a name"),
        at: day::at(0),
        value: Value::Text(Label::new(category).expect("a label")),
    };
    let push = Command::Push(Push {
        location: LocationId::new("shop").expect("a name"),
        source: Label::new("office").expect("a label"),
        values: Lines::new(Few::from_vec(vec![
            line("milk", "dairy"),
            line("bread", "bakery"),
            line("oats", "bakery"),
        ]))
        .expect("some lines"),
    });
    let Decision::Record(pushed) = state.decide(day::at(101), None, &push) else {
        panic!("refused: {push:?}");
    };
    entries.push(*pushed);
    entries
}

/// A store after these entries.
pub fn store(entries: &[Entry]) -> Store {
    let limits = Limits {
        most_rows: 100,
        most_groups: 20,
        ..Limits::default()
    };
    let mut store = Store::new(Arc::clone(&SET), limits);
    for entry in entries {
        store.apply(entry).expect("entries in order");
    }
    store
}

/// A file of these arrays.
fn file(arrays: &[u8]) -> Vec<u8> {
    let mut file = [&HEAD, arrays].concat();
    let check = xxh3_64(&file);
    file.extend(check.to_le_bytes());
    file
}

fn restored(file: &[u8]) {
    let mut store = match Store::restore(Arc::clone(&SET), file) {
        Ok(store) => store,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error that says nothing"),
    };
    let bytes = store.snapshot();
    let again = Store::restore(Arc::clone(&SET), &bytes)
        .unwrap_or_else(|error| panic!("written and not readable: {error}"));
    assert_eq!(again.snapshot(), bytes, "written and read, it is another");
    assert_eq!(
        rows(&again),
        rows(&store),
        "written and read, it tells other values"
    );
    go_on(&mut store);
}

/// The bits of the rows of some levels.
fn rows(store: &Store) -> Vec<u32> {
    let (mut subject, mut row) = (Subject::default(), vec![0.0; SET.len()]);
    let mut bits = Vec::new();
    for level in 0..LOOKED_AT {
        store.find_level(LevelNo(level), &mut subject);
        store.read(&mut subject, Moment::of(day::at(7200)), &mut row);
        bits.extend(row.iter().map(|value| value.to_bits()));
    }
    bits
}

/// Whoever follows a ledger takes a store only if the ledger goes as far; then its entries follow.
fn go_on(store: &mut Store) {
    let last = store.last();
    if last.seq > Seq(1 << 40) || last.at > day::at(0) {
        return;
    }
    for (seq, entry) in (last.seq.0 + 1..).zip(entries()) {
        let stamp = Stamp {
            seq: Seq(seq),
            ..entry.stamp
        };
        store
            .apply(&Entry { stamp, ..entry })
            .expect("it is the next");
    }
    rows(store);
}
