//! Somebody looked: the item was on the shelf, or it was not. No number was told, so nothing moves.
//!
//! A picker, a camera or a merchant's feed tells what it saw, often much later: a feed tells all hours of yesterday in
//! one night. So a look carries its own time, and the entry's stamp says when it was known. Many looks share a time
//! (the hours of that feed), so an entry says each time once.

use super::occurred_in;
use crate::draft::{Draft, Opening};
use crate::lines::Lines;
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tells what was seen on the shelf. Opens levels that are new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observe {
    /// Where.
    pub location: LocationId,
    /// Who looked: a person, a camera, a feed.
    pub source: Label,
    /// What was seen; the same SKU may stand in several lines.
    pub lines: Lines<ObserveLine>,
}

/// One look at one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObserveLine {
    /// What.
    pub sku: Sku,
    /// When, as far back as the caller remembers, and never in the future.
    pub at: Timestamp,
    /// Whether it was there.
    pub found: bool,
}

/// The shelf was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Who looked.
    pub source: Label,
    /// What was seen, by time: every time once, the oldest first.
    pub looks: Vec<Look>,
}

/// What was seen at one time, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// What.
    pub seen: Vec<Seen>,
}

/// One SKU, found or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What was looked for.
    pub level: LevelNo,
    /// Whether it was there.
    pub found: bool,
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Observe,
) -> Result<(Vec<Opening>, Observed), Refusal> {
    let mut draft = Draft::of(&state.directory);
    let mut looks: BTreeMap<Timestamp, Vec<Seen>> = BTreeMap::new();
    for (no, line) in command.lines.iter().enumerate() {
        let at = occurred_in(Some(no), Some(line.at), now)?;
        let level = draft.open(&command.location, &line.sku);
        let found = line.found;
        looks.entry(at).or_default().push(Seen { level, found });
    }
    state.check_room_for(&draft)?;
    let looks = looks.into_iter().map(|(at, seen)| Look { at, seen });
    let observed = Observed {
        source: command.source.clone(),
        looks: looks.collect(),
    };
    Ok((draft.openings(), observed))
}

impl Observed {
    /// What was seen, in order, each with its time.
    pub fn seen(&self) -> impl Iterator<Item = (Timestamp, Seen)> {
        let looks = self.looks.iter();
        looks.flat_map(|look| look.seen.iter().map(move |seen| (look.at, *seen)))
    }

    pub(crate) fn levels(&self, each: &mut dyn FnMut(LevelNo)) {
        self.seen().for_each(|(_, seen)| each(seen.level));
    }
}
