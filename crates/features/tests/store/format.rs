//! A saved store of each version is read, or refused by name and made anew: never taken for another.
//!
//! The fixtures are never edited. A change of what is written is a new version with a fixture of its own; those of
//! versions that are read no more stay, and must be refused. A fixture that is missing is written, and the test fails,
//! so that a new one is looked at before it is kept.

use crate::ledger::{Ledger, hour, number, text};
use crate::{bits, row, store_of};
use onhand_core::Entry;
use onhand_features::Entity::{
    Everything, Group, GroupAtLocation, Location, Region, Sku, SkuAtLocation, SkuInRegion,
};
use onhand_features::Measure::{UnitsDelivered, UnitsSold, WentOut};
use onhand_features::formula::{Balance, Filtered, balance, filter, found};
use onhand_features::snapshot::BadSnapshot;
use onhand_features::window::{days, hours};
use onhand_features::{Feature, Filter, Formula, Kind, Moment, Store};
use std::path::PathBuf;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// One feature for each way to keep anything.
fn features() -> Vec<Feature> {
    let usual = Filter {
        half_life: 10,
        silence_percent: 100,
    };
    let formulas: [(&'static str, Formula); 13] = [
        ("sold", SkuAtLocation.sum(UnitsSold, hours(0..=5))),
        ("delivered", Location.sum(UnitsDelivered, days(0..=2))),
        ("usual", Sku.usual(UnitsSold, 14)),
        ("since", Everything.since(UnitsSold)),
        ("group", Group("category").busy(UnitsSold, days(0..=1))),
        ("code", Group("category").code()),
        ("here", GroupAtLocation("category").usual(WentOut, 7)),
        ("region", Region("city").sum(UnitsSold, days(0..=1))),
        ("shelves", SkuInRegion("city").members()),
        ("chance", Sku.mean(filter(usual, Filtered::Now))),
        ("discount", SkuAtLocation.pushed("discount")),
        ("look", found()),
        ("balance", balance(Balance::OnHand)),
    ];
    let feature = |(name, formula)| Feature::new(name, SkuAtLocation, Kind::Number, formula);
    formulas.map(feature).into()
}

fn entries() -> Vec<Entry> {
    let mut ledger = Ledger::default();
    ledger.receive(hour(1), "s1", "milk", 40);
    ledger.receive(hour(1), "s2", "milk", 7);
    ledger.receive(hour(2), "s1", "rye", 9);
    ledger.push(hour(2), "s1", None, "city", hour(2), text("Cork"));
    ledger.push(hour(2), "s2", None, "city", hour(2), text("Cork"));
    ledger.push(
        hour(2),
        "s1",
        Some("milk"),
        "category",
        hour(2),
        text("dairy"),
    );
    ledger.push(
        hour(2),
        "s1",
        Some("milk"),
        "discount",
        hour(2),
        number(250_000),
    );
    ledger.sell(hour(9), hour(9), "s1", "milk", 3);
    ledger.sell(hour(11), hour(10), "s1", "milk", 2);
    ledger.look(
        hour(30),
        "s1",
        "milk",
        &[(hour(12), true), (hour(29), false)],
    );
    ledger.sell(hour(31), hour(30), "s2", "milk", 1);
    ledger.pick(hour(33), "s1", "rye", (2, 1), None);
    ledger.entries
}

fn fixture(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    dir.join("tests/fixtures").join(name)
}

fn rows(store: &Store) -> Vec<Vec<u32>> {
    let row = |(place, sku)| bits(&row(store, place, sku, Moment::of(hour(34))));
    [
        ("s1", "milk"),
        ("s2", "milk"),
        ("s1", "rye"),
        ("s3", "milk"),
    ]
    .map(row)
    .into()
}

#[test]
fn a_saved_store_of_version_6() {
    let store = store_of(features(), &entries());
    let path = fixture("store.v6.bin");
    let Ok(saved) = std::fs::read(&path) else {
        std::fs::write(&path, store.snapshot()).unwrap();
        panic!("it was missing and is written now: look at it before you keep it");
    };
    assert!(
        store.snapshot() == saved,
        "it would be written differently now"
    );
    let read = Store::restore(Arc::clone(store.set()), &saved).unwrap();
    assert_eq!(read.last(), store.last());
    assert_eq!(rows(&read), rows(&store));
    assert!(
        rows(&read).concat().iter().any(|bits| *bits != 0),
        "it tells something"
    );
}

/// It goes on as the one that was never saved: the next entries change both alike.
#[test]
fn a_saved_store_goes_on() {
    let (entries, saved) = (entries(), std::fs::read(fixture("store.v6.bin")).unwrap());
    let mut never_saved = store_of(features(), &entries);
    let mut read = Store::restore(Arc::clone(never_saved.set()), &saved).unwrap();
    let mut last = entries.last().unwrap().clone();
    for hours in [40, 60, 90] {
        last.stamp.seq = last.stamp.seq.next();
        last.stamp.at = hour(hours);
        never_saved.apply(&last).unwrap();
        read.apply(&last).unwrap();
        assert_eq!(rows(&read), rows(&never_saved));
    }
    assert!(read.snapshot() == never_saved.snapshot());
}

#[test]
fn what_is_no_saved_store_is_refused_by_name() {
    let saved = std::fs::read(fixture("store.v6.bin")).unwrap();
    let store = store_of(features(), &[]);
    let refused = |bytes: &[u8]| Store::restore(Arc::clone(store.set()), bytes).unwrap_err();
    for earlier in ["store.v4.bin", "store.v5.bin"] {
        let earlier = std::fs::read(fixture(earlier)).unwrap();
        assert!(matches!(refused(&earlier), BadSnapshot::Format));
    }
    assert!(matches!(refused(&saved[..7]), BadSnapshot::Format));
    let mut flipped = saved.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(refused(&flipped), BadSnapshot::Damaged));
    let few = store_of(features()[..3].to_vec(), &[]);
    let refused = Store::restore(Arc::clone(few.set()), &saved).unwrap_err();
    assert!(matches!(refused, BadSnapshot::OtherSet));
}

/// The saved store with some of its bytes, which are in it once, replaced; and with the checksum of that.
fn forged(what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture("store.v6.bin")).unwrap();
    bytes.truncate(bytes.len() - 8);
    let places: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(what))
        .collect();
    assert_eq!(places.len(), 1, "{what:?}");
    bytes.splice(places[0]..places[0] + what.len(), by.iter().copied());
    let check = xxh3_64(&bytes);
    bytes.extend(check.to_le_bytes());
    bytes
}

#[test]
fn a_saved_store_whose_numbers_lead_nowhere_is_refused_though_its_checksum_is_right() {
    let store = store_of(features(), &[]);
    let refused = |what: &[u8], by: &[u8]| {
        Store::restore(Arc::clone(store.set()), &forged(what, by)).unwrap_err()
    };
    // Levels, by the numbers of location and SKU: of one that is not there, one twice, not numbered as they came.
    let levels = b"\x03\0\0\x01\0\0\x01";
    let wrong = [
        b"\x03\0\0\x05\0\0\x01",
        b"\x03\0\0\x01\0\0\0",
        b"\x03\0\x01\x01\0\0\0",
    ];
    for by in wrong {
        assert!(matches!(refused(levels, by), BadSnapshot::Damaged));
    }
    // Names: one twice, one of which there is no level.
    let twice = refused(b"\x02s1\x02s2", b"\x02s1\x02s1");
    assert!(matches!(twice, BadSnapshot::Damaged));
    let more = refused(b"\x02\x04milk\x03rye", b"\x03\x04milk\x03rye\x01?");
    assert!(matches!(more, BadSnapshot::Damaged));
    // The levels at each of two locations; the last is at neither.
    let lists = [&levels[..], b"\x02\x02\0\x02\x01\x01"].concat();
    let short = [&levels[..], b"\x02\x01\0\x01\x01"].concat();
    assert!(matches!(refused(&lists, &short), BadSnapshot::Shape));
}
