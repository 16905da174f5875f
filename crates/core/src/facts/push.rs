//! Values that others know: promotions, weather, the category of an item, the city of a store, holidays.
//!
//! They move nothing and the state keeps none of them: only the ledger and those who read it remember. A value carries
//! the time that it holds from, which may lie ahead (a promotion planned for tomorrow, a forecast), and the entry's
//! stamp says when it was known. So a reader can tell what was known at any moment, and of which.
//!
//! A push tells the same few names at the same few times of thousands of SKUs, so an entry says each name and time
//! once. Names are not numbered across entries as SKUs are: that would put a second dictionary into the state, for a
//! few bytes an entry.

use crate::draft::{Draft, Opening};
use crate::facts::value::Value;
use crate::lines::Lines;
use crate::name::{FactName, Label, LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tells values. Opens the levels of new SKUs, so that they have numbers to be told by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Push {
    /// Where.
    pub location: LocationId,
    /// Who says so: a promotion calendar, a weather service.
    pub source: Label,
    /// What.
    pub values: Lines<PushLine>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushLine {
    /// Of what; of the location itself if not said.
    pub sku: Option<Sku>,
    /// What it is called.
    pub name: FactName,
    /// From when it holds; may lie ahead.
    pub at: Timestamp,
    /// What it is.
    pub value: Value,
}

/// Values were told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Where.
    pub location: LocationNo,
    /// Who says so.
    pub source: Label,
    /// The values by time and name: every pair once, in this order.
    pub facts: Vec<Fact>,
}

/// The values of one name from one time on, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// From when they hold.
    pub at: Timestamp,
    /// What they are called.
    pub name: FactName,
    /// What they are.
    pub values: Vec<FactValue>,
}

/// One value, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactValue {
    /// Of what; of the location itself if there is none.
    pub level: Option<LevelNo>,
    /// What it is.
    pub value: Value,
}

pub(crate) fn decide(state: &State, command: &Push) -> Result<(Vec<Opening>, Pushed), Refusal> {
    let mut draft = Draft::of(&state.directory);
    let mut facts: BTreeMap<(Timestamp, &FactName), Vec<FactValue>> = BTreeMap::new();
    for line in command.values.iter() {
        let sku = line.sku.as_ref();
        let value = FactValue {
            level: sku.map(|sku| draft.open(&command.location, sku)),
            value: line.value.clone(),
        };
        facts.entry((line.at, &line.name)).or_default().push(value);
    }
    let location = location(state, &draft, &command.location)?;
    state.check_room_for(&draft)?;
    let fact = |((at, name), values): ((Timestamp, &FactName), _)| Fact {
        at,
        name: name.clone(),
        values,
    };
    let pushed = Pushed {
        location,
        source: command.source.clone(),
        facts: facts.into_iter().map(fact).collect(),
    };
    Ok((draft.openings(), pushed))
}

/// The number of the location: the next one, if the draft is the first to open a level there.
fn location(
    state: &State,
    draft: &Draft<'_>,
    location: &LocationId,
) -> Result<LocationNo, Refusal> {
    match state.location(location) {
        Err(_) if draft.opening_count() > 0 => Ok(LocationNo(state.directory.locations() as u32)),
        known => known,
    }
}

impl Pushed {
    /// The values in order, each with its name and time.
    pub fn values(&self) -> impl Iterator<Item = (&Fact, &FactValue)> {
        let facts = self.facts.iter();
        facts.flat_map(|fact| fact.values.iter().map(move |value| (fact, value)))
    }

    pub(crate) fn levels(&self, each: &mut dyn FnMut(LevelNo)) {
        self.values()
            .filter_map(|(_, value)| value.level)
            .for_each(each);
    }
}
