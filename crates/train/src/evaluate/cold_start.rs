//! Cold start: how good the model is for stores and items of which it has known something for so many days.
//!
//! All that is new begins on one day, so what is known for longer tells how hard the same days are.

use super::quality::Quality;
use super::report::Stores;
use super::scene::{FEW, Scene};
use crate::grid::day_of;
use onhand_models::dataset::Refused;
use serde::Serialize;
use std::collections::BTreeMap;

/// Whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Newcomer {
    /// Everything at stores that are new.
    NewStores,
    /// Items that are new everywhere, at stores that the model knows; one that was sold elsewhere before is nobody's.
    NewItems,
    /// What was known before, on the same days.
    KnownBefore,
}

impl Newcomer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NewStores, Self::NewItems, Self::KnownBefore];

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewStores => "new stores",
            Self::NewItems => "new items",
            Self::KnownBefore => "known before",
        }
    }
}

/// How good the model is after so many days.
#[derive(Clone, Debug, Serialize)]
pub struct Learning {
    /// For whom.
    pub who: Newcomer,
    /// Days after the day of the beginning, 0 is that day; of a new item, after the day on which it came to the store.
    pub days: u32,
    /// How good.
    #[serde(flatten)]
    pub quality: Quality,
}

/// By who it is and by days, where there are enough questions; everything new begins on day `from`.
pub(super) fn learning(scene: &Scene<'_>, from: u32) -> Result<Vec<Learning>, Refused> {
    let mut apart: BTreeMap<(Newcomer, u32), Vec<usize>> = BTreeMap::new();
    for row in (0..scene.scored.labels.len()).filter(|row| scene.day(*row) >= from) {
        let pair = scene.pair(row);
        let (here, anywhere) = (day_of(pair.since), day_of(pair.sku_since));
        let (who, begun) = match scene.is_in(Stores::Known, row) {
            _ if here < from => (Newcomer::KnownBefore, from),
            false => (Newcomer::NewStores, from),
            true if anywhere >= from => (Newcomer::NewItems, here),
            true => continue,
        };
        let days = scene.day(row).saturating_sub(begun);
        apart.entry((who, days)).or_default().push(row);
    }
    let enough = apart.into_iter().filter(|(_, rows)| rows.len() >= FEW);
    enough
        .map(|((who, days), rows)| {
            let rows = scene.gather(&scene.scored.model, rows.into_iter());
            Ok(Learning {
                who,
                days,
                quality: rows.quality()?,
            })
        })
        .collect()
}
