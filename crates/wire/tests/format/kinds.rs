//! Every kind of entry, and every kind of item in a snapshot, stands in a fixture.
//!
//! A kind is a number on disk: the place of its name in the list. So the lists grow at their ends, and what grows needs
//! a fixture that shows its number.

use crate::fixture;
use onhand_core::{Event, Item};
use onhand_wire::BatchReader;
use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use std::collections::BTreeSet;

/// Asked for an enum, it writes down the names of all kinds that there are.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = names;
        Err(Error::custom("only the names were asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no enum"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn names_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    assert!(T::deserialize(Names(&mut names)).is_err());
    assert!(!names.is_empty(), "no enum");
    names
}

/// The number under which a kind is on disk.
fn number_of<T: serde::Serialize>(one: &T) -> usize {
    let bytes = postcard::to_stdvec(one).unwrap();
    postcard::from_bytes::<u32>(&bytes[..1]).unwrap() as usize
}

fn missing<'a>(names: &[&'a str], seen: &BTreeSet<usize>) -> Vec<&'a str> {
    let unseen = |(number, name): (usize, &&'a str)| (!seen.contains(&number)).then_some(*name);
    names.iter().enumerate().filter_map(unseen).collect()
}

#[test]
fn every_kind_of_entry_stands_in_a_fixture() {
    let mut seen = BTreeSet::new();
    for name in ["batch.v1.bin", "facts.v1.bin", "transfers.v1.bin"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let entries = BatchReader::new(&bytes).unwrap();
        seen.extend(entries.map(|entry| number_of(&entry.unwrap().event)));
    }
    let missing = missing(names_of::<Event>(), &seen);
    assert!(missing.is_empty(), "in no fixture: {missing:?}");
}

#[test]
fn every_kind_of_item_stands_in_a_fixture() {
    let mut seen = BTreeSet::new();
    for name in [
        "snapshot.v1.bin",
        "transfers-snapshot.v1.bin",
        "snapshot.v2.bin",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        // One chunk, after the version and its length.
        let mut rest = &bytes[5..];
        while !rest.is_empty() {
            let (item, after) = postcard::take_from_bytes::<Item>(rest).unwrap();
            seen.insert(number_of(&item));
            rest = after;
        }
    }
    let missing = missing(names_of::<Item>(), &seen);
    assert!(missing.is_empty(), "in no fixture: {missing:?}");
}
