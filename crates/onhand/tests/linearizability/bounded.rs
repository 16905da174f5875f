//! Bounded reads may be old, so they are not part of the histories. Two things hold for them all the same: what one
//! reader is shown never goes back, and nothing is shown that is not durable, whatever is killed afterwards.
//!
//! So the looks of a reader at a level must lie along the level's way through the ledger, in their order: each shows
//! the level as it was after some entry, at the position that the answer names or later, and at no earlier one than
//! the look before it.

use crate::level::Numbers;
use crate::shop::Object;
use crate::support::Client;
use serde_json::Value;
use std::collections::BTreeMap;

/// What one bounded read showed.
pub(crate) struct Look {
    /// Which level.
    pub(crate) place: usize,
    pub(crate) location: &'static str,
    pub(crate) sequence: u64,
    pub(crate) numbers: Numbers,
}

/// What one reader was shown, in order.
#[derive(Default)]
pub(crate) struct Looks {
    looks: Vec<Look>,
    /// The last position seen, by location.
    last: BTreeMap<&'static str, u64>,
}

impl Looks {
    pub(crate) fn note(&mut self, look: Look) -> Result<(), String> {
        let before = self.last.insert(look.location, look.sequence);
        if let Some(before) = before.filter(|before| *before > look.sequence) {
            let (at, sequence) = (&look.location, look.sequence);
            return Err(format!(
                "a bounded read of {at} shows position {sequence} after {before}"
            ));
        }
        self.looks.push(look);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.looks.len()
    }

    /// Lays the looks along the ways of the levels.
    pub(crate) fn check(&self, ways: &[Way]) -> Result<(), String> {
        let mut reached = vec![0; ways.len()];
        for look in &self.looks {
            let way = &ways[look.place];
            let found = (reached[look.place]..way.len()).find(|step| is_seen(way, *step, look));
            reached[look.place] = found.ok_or_else(|| {
                let (at, sequence) = (look.place, look.sequence);
                let numbers = look.numbers;
                format!("sku-{at} never was, or not any more, as a bounded read shows it at {sequence}: {numbers:?}")
            })?;
        }
        Ok(())
    }
}

fn is_seen(way: &Way, step: usize, look: &Look) -> bool {
    let until = way.get(step + 1).map_or(u64::MAX, |(next, _)| *next);
    way[step].1 == look.numbers && until > look.sequence
}

/// A level after each of its entries, with the entry's position.
pub(crate) type Way = Vec<(u64, Numbers)>;

/// Reads a level's way from the ledger.
pub(crate) fn way(client: &mut Client, object: &Object) -> Way {
    let (mut way, mut cursor) = (Way::new(), String::new());
    loop {
        let Object { location, sku, .. } = object;
        let path = format!("/v1/ledger?location={location}&sku={sku}&limit=1000{cursor}");
        let page = client.get(&path).unwrap().json();
        for entry in page["entries"].as_array().unwrap() {
            let last = way.last().map_or_else(Numbers::default, |(_, last)| *last);
            let changes = entry["changes"].as_array().unwrap();
            let after = changes.iter().fold(last, changed);
            way.push((entry["sequence"].as_u64().unwrap(), after));
        }
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return way,
        }
    }
}

fn changed(before: Numbers, change: &Value) -> Numbers {
    let by = |field: &str| change[field].as_i64().unwrap_or(0);
    Numbers {
        on_hand: before.on_hand + by("on_hand"),
        reserved: before.reserved + by("reserved"),
        allocated: before.allocated + by("allocated"),
        available: before.available + by("available"),
    }
}
