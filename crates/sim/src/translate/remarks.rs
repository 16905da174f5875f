//! What an entry tells beside the units that it moves, in the twin's words.

use super::{Interpreter, millis};
use crate::ask::{Millis, fact_of};
use crate::twin::{Limits, Remark, Said};
use onhand_core::facts::push::{Fact, FactValue};
use onhand_core::reservation::fulfill::{Fulfilled, PickedLine, Substituted};
use onhand_core::reservation::hold::HeldLine;
use onhand_core::stock::adjust::{AdjustedLine, Adjusts, Direction};
use onhand_core::stock::count::CountedLine;
use onhand_core::stock::observe::Seen;
use onhand_core::stock::sell::SoldLine;
use onhand_core::stock::set_policy::PolicySetLine;
use onhand_core::{Entry, Event, LevelNo, LocationNo, OnNotFound, Policy, Timestamp, Value};

impl Interpreter {
    /// What an entry tells of each of its lines; `None` if it names what there is not.
    pub(super) fn remarks(&self, entry: &Entry) -> Option<Vec<Remark>> {
        let at = when(&entry.event).unwrap_or(millis(entry.stamp.at));
        let say = |level, said| self.remark(level, at, said);
        match &entry.event {
            Event::Received(event) => {
                let came = event
                    .lines
                    .iter()
                    .map(|line| say(line.level, Said::Came(line.units.into())));
                came.collect()
            }
            Event::Adjusted(event) => {
                let lines = event.lines.iter();
                lines.map(|line| say(line.level, adjusted(line))).collect()
            }
            Event::Counted(event) => {
                let lines = event.lines.iter();
                lines.map(|line| say(line.level, counted(line))).collect()
            }
            Event::PolicySet(event) => {
                let lines = event.lines.iter();
                lines.map(|line| say(line.level, ruled(line))).collect()
            }
            Event::Held(event) => {
                let lines = event.lines.iter();
                lines.map(|line| say(line.level, held(line))).collect()
            }
            Event::Sold(event) => {
                let lines = event.lines.iter();
                lines.map(|line| say(line.level, sold(line))).collect()
            }
            Event::Fulfilled(event) => self.fulfilled(at, event),
            Event::Observed(event) => {
                let said = |(at, seen): (Timestamp, Seen)| {
                    self.remark(seen.level, millis(at), Said::Seen(seen.found))
                };
                event.seen().map(said).collect()
            }
            Event::Pushed(event) => {
                let values = event.values();
                values
                    .map(|(fact, value)| self.pushed(event.location, fact, value))
                    .collect()
            }
            _ => Some(Vec::new()),
        }
    }

    /// The lines of a pick, then what was picked in place of something, then what was not known to be there.
    fn fulfilled(&self, at: Millis, event: &Fulfilled) -> Option<Vec<Remark>> {
        let instead = |one: &Substituted| {
            let said = Said::Instead {
                of: self.place(one.instead_of)?.1,
                units: one.picked.units.into(),
            };
            self.remark(one.picked.level, at, said)
        };
        let lines = event.lines.iter();
        let lines = lines.map(|line| self.remark(line.level, at, picked(line)));
        let surplus = event
            .surplus
            .iter()
            .map(|one| self.remark(one.level, at, Said::Surplus(one.units.into())));
        let instead = event.substitutes.iter().map(instead);
        lines.chain(instead).chain(surplus).collect()
    }

    fn pushed(&self, location: LocationNo, fact: &Fact, told: &FactValue) -> Option<Remark> {
        let millionths = match &told.value {
            Value::Number(number) => number.get(),
            Value::Text(text) => text.as_str().parse().ok()?,
        };
        let shop = self.shops.get(location.0 as usize).copied()?;
        let said = Said::Is {
            fact: fact_of(fact.name.as_str())?,
            millionths,
        };
        let at = millis(fact.at);
        match told.level {
            Some(level) => self
                .remark(level, at, said)
                .filter(|remark| remark.shop == shop),
            None => Some(Remark {
                shop,
                item: None,
                at,
                said,
            }),
        }
    }

    fn remark(&self, level: LevelNo, at: Millis, said: Said) -> Option<Remark> {
        let (shop, item) = self.place(level)?;
        Some(Remark::of(shop, item, at, said))
    }
}

/// The moment that an entry tells of.
pub(super) fn when(event: &Event) -> Option<Millis> {
    let at = match event {
        Event::Received(event) => event.occurred_at,
        Event::Adjusted(event) => event.occurred_at,
        Event::Counted(event) => event.as_of,
        Event::Sold(event) => event.sold_at,
        Event::Held(event) => event.expires_at,
        Event::Extended(event) => event.expires_at,
        Event::Fulfilled(event) => event.occurred_at,
        _ => return None,
    };
    Some(millis(at))
}

/// What an entry says yes or no to.
pub(super) fn yes(event: &Event) -> Option<bool> {
    match event {
        Event::Counted(event) => Some(event.complete),
        Event::Held(event) => Some(event.allow_partial),
        Event::Fulfilled(event) => Some(event.is_complete),
        _ => None,
    }
}

fn adjusted(line: &AdjustedLine) -> Said {
    let units = i64::from(line.units);
    Said::Adjusted {
        by: match line.direction {
            Direction::Up => units,
            Direction::Down => -units,
        },
        unavailable: line.of == Adjusts::Unavailable,
    }
}

fn counted(line: &CountedLine) -> Said {
    Said::Counted {
        units: line.counted.into(),
        since: line.since.into(),
        superseded: line.superseded,
    }
}

fn ruled(line: &PolicySetLine) -> Said {
    Said::Ruled {
        before: limits(&line.before),
        after: limits(&line.after),
    }
}

fn limits(policy: &Policy) -> Limits {
    Limits {
        safety: policy.safety_stock.into(),
        oversell: policy.oversell_limit.into(),
        corrects: policy.on_not_found == OnNotFound::Correct,
    }
}

fn held(line: &HeldLine) -> Said {
    Said::Held {
        asked: line.requested.into(),
        got: line.reserved.into(),
    }
}

fn sold(line: &SoldLine) -> Said {
    Said::Sold {
        units: line.units.into(),
        surplus: line.surplus.into(),
    }
}

fn picked(line: &PickedLine) -> Said {
    Said::Picked {
        units: line.picked.into(),
        missing: line.not_found.into(),
        corrected: line.corrected.into(),
    }
}
