//! Facts: what an entry tells about a level, in the few kinds that features count.
//!
//! An entry says what was done; a fact says what can be learned from it. One entry may tell many facts, each about one
//! level (or one location), each with the time that it happened. When it was known is the entry's stamp, and the same
//! for all. This is the only place where the learning wing looks into entries: a new event is given its facts here.

use onhand_core::facts::push::{FactValue, Pushed};
use onhand_core::reservation::{
    fulfill::{Fulfilled, PickedLine},
    hold::Held,
};
use onhand_core::stock::adjust::{Adjusted, Adjusts, Direction};
use onhand_core::stock::{count::Counted, observe::Observed, sell::Sold};
use onhand_core::{Entry, Event, LevelNo, LocationNo, Timestamp, Value};
use std::collections::BTreeMap;

/// Something that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// Units went through the till.
    Sold {
        /// Whose.
        level: LevelNo,
        /// How many.
        units: u32,
    },
    /// A picker looked for units of an order, or for a substitute.
    Picked {
        /// Whose.
        level: LevelNo,
        /// Units found.
        found: u32,
        /// Units not found.
        not_found: u32,
    },
    /// Somebody looked at the shelf.
    Looked {
        /// At what.
        level: LevelNo,
        /// Whether it was there.
        found: bool,
    },
    /// Units came in.
    Delivered {
        /// Whose.
        level: LevelNo,
        /// How many.
        units: u32,
    },
    /// Stock was counted.
    Counted {
        /// What.
        level: LevelNo,
        /// By how many units the record was wrong; 0 if a newer count had spoken already.
        off: u32,
    },
    /// On hand was adjusted downwards: damaged, stolen, past its date.
    Lost {
        /// Whose units.
        level: LevelNo,
        /// How many.
        units: u32,
    },
    /// A shopper asked for units.
    Asked {
        /// Of what.
        level: LevelNo,
        /// Units asked for.
        requested: u32,
        /// Units held for the shopper.
        held: u32,
    },
    /// A hold ended without an order.
    Dropped {
        /// Of what.
        level: LevelNo,
        /// Units held until then.
        units: u32,
    },
    /// Others told a value.
    Pushed {
        /// Where.
        location: LocationNo,
        /// Of what; of the location itself if there is none.
        level: Option<LevelNo>,
        /// What it is called.
        name: &'a str,
        /// What it is.
        value: &'a Value,
    },
}

/// Who takes facts: when it happened, and what.
pub(crate) type Each<'e, 'a> = &'e mut dyn FnMut(Timestamp, Fact<'a>);

/// Gives the facts of an entry, in order.
pub fn facts<'a>(entry: &'a Entry, each: Each<'_, 'a>) {
    let now = entry.stamp.at;
    match &entry.event {
        Event::Sold(event) => sold(event, each),
        Event::Observed(event) => observed(event, each),
        Event::Pushed(event) => pushed(event, each),
        Event::Fulfilled(event) => fulfilled(event, each),
        Event::Counted(event) => counted(event, each),
        Event::Adjusted(event) => adjusted(event, each),
        Event::Held(event) => held(now, event, each),
        Event::Received(event) => {
            for line in &event.lines {
                each(event.occurred_at, delivered(line.level, line.units));
            }
        }
        Event::Arrived(event) => {
            for line in &event.lines {
                each(now, delivered(line.level, line.units));
            }
        }
        Event::Expired(event) => {
            for line in &event.lines {
                each(event.expired_at, dropped(line.level, line.units));
            }
        }
        Event::Released(event) if !event.was_confirmed => {
            for line in &event.lines {
                each(now, dropped(line.level, line.units));
            }
        }
        Event::Configured(_)
        | Event::PolicySet(_)
        | Event::Confirmed(_)
        | Event::Extended(_)
        | Event::Released(_)
        | Event::Dispatched(_)
        | Event::Announced(_)
        | Event::HandedOver(_) => {}
    }
}

fn delivered(level: LevelNo, units: u32) -> Fact<'static> {
    Fact::Delivered { level, units }
}

fn dropped(level: LevelNo, units: u32) -> Fact<'static> {
    Fact::Dropped { level, units }
}

fn sold(event: &Sold, each: Each<'_, '_>) {
    for line in &event.lines {
        let (level, units) = (line.level, line.units);
        each(event.sold_at, Fact::Sold { level, units });
    }
}

fn observed(event: &Observed, each: Each<'_, '_>) {
    for look in &event.looks {
        for seen in &look.seen {
            let (level, found) = (seen.level, seen.found);
            each(look.at, Fact::Looked { level, found });
        }
    }
}

/// A text of a location moves all that it has into another group, so of those of one name only the last is a fact.
fn pushed<'a>(event: &'a Pushed, each: Each<'_, 'a>) {
    let is_of_location =
        |one: &FactValue| one.level.is_none() && matches!(one.value, Value::Text(_));
    let mut last = BTreeMap::new();
    for (place, (fact, one)) in event.values().enumerate() {
        if is_of_location(one) {
            last.insert(fact.name.as_str(), place);
        }
    }
    for (place, (fact, one)) in event.values().enumerate() {
        let name = fact.name.as_str();
        if is_of_location(one) && last.get(name) != Some(&place) {
            continue;
        }
        let pushed = Fact::Pushed {
            location: event.location,
            level: one.level,
            name,
            value: &one.value,
        };
        each(fact.at, pushed);
    }
}

fn fulfilled(event: &Fulfilled, each: Each<'_, '_>) {
    // Neither picked nor missed, only replaced: whether it was there nobody says.
    let was_looked_for = |line: &&PickedLine| line.picked > 0 || line.not_found > 0;
    for line in event.lines.iter().filter(was_looked_for) {
        let picked = Fact::Picked {
            level: line.level,
            found: line.picked,
            not_found: line.not_found,
        };
        each(event.occurred_at, picked);
    }
    for substitute in &event.substitutes {
        let picked = Fact::Picked {
            level: substitute.picked.level,
            found: substitute.picked.units,
            not_found: 0,
        };
        each(event.occurred_at, picked);
    }
}

fn counted(event: &Counted, each: Each<'_, '_>) {
    for line in &event.lines {
        let (level, off) = (line.level, line.change.unsigned_abs());
        each(event.as_of, Fact::Counted { level, off });
    }
}

fn adjusted(event: &Adjusted, each: Each<'_, '_>) {
    let is_loss = |of, direction| (of, direction) == (Adjusts::OnHand, Direction::Down);
    for line in &event.lines {
        if is_loss(line.of, line.direction) {
            let (level, units) = (line.level, line.units);
            each(event.occurred_at, Fact::Lost { level, units });
        }
    }
}

fn held(now: Timestamp, event: &Held, each: Each<'_, '_>) {
    for line in &event.lines {
        let asked = Fact::Asked {
            level: line.level,
            requested: line.requested,
            held: line.reserved,
        };
        each(now, asked);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use onhand_core::facts::push::Fact as Told;
    use onhand_core::{FactName, Label, Millionths, Stamp};

    #[test]
    fn of_the_texts_of_a_location_only_the_last_of_each_name_is_a_fact() {
        let text = |text| Value::Text(Label::new(text).unwrap());
        let told = |millis, name: &str, values: Vec<(Option<u32>, Value)>| Told {
            at: Timestamp::from_millis(millis),
            name: FactName::new(name).unwrap(),
            values: values
                .into_iter()
                .map(|(level, value)| FactValue {
                    level: level.map(LevelNo),
                    value,
                })
                .collect(),
        };
        let rain = || Value::Number(Millionths::new(1).unwrap());
        let event = Pushed {
            location: LocationNo(0),
            source: Label::new("x").unwrap(),
            facts: vec![
                told(1, "city", vec![(None, text("a")), (None, text("b"))]),
                told(1, "city", vec![(Some(7), text("of a SKU"))]),
                told(2, "city", vec![(None, text("c"))]),
                told(2, "land", vec![(None, text("d"))]),
                told(3, "rain", vec![(None, rain()), (None, rain())]),
            ],
        };
        let entry = Entry {
            stamp: Stamp::default(),
            key: None,
            openings: Vec::new(),
            event: Event::Pushed(event),
        };
        let mut seen = Vec::new();
        facts(&entry, &mut |at, fact| {
            let Fact::Pushed { value, .. } = fact else {
                panic!("{fact:?}");
            };
            let said = match value {
                Value::Text(text) => text.as_str().to_owned(),
                Value::Number(_) => "a number".to_owned(),
            };
            seen.push((at.millis(), said));
        });
        let seen: Vec<_> = seen.iter().map(|(at, said)| (*at, said.as_str())).collect();
        let wanted = [
            (1, "of a SKU"),
            (2, "c"),
            (2, "d"),
            (3, "a number"),
            (3, "a number"),
        ];
        assert_eq!(seen, wanted);
    }
}
