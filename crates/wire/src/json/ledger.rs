//! `GET /v1/ledger`: the entries, with their cause, reason, reference and position.
//!
//! An entry is shown as rows, one for each of its lines, each with the change that it made to its level. The changes
//! come from the entry's own movements, so what is shown adds up to what happened whatever the rules were.

use super::Names;
use super::date::Date;
use super::id::{ReservationId, TransferName};
use super::levels::Consistency;
use super::policies::PolicyNumbers;
use super::reservations::id;
use super::time::Time;
use super::value::NumberOrText;
use onhand_core::facts::push::{self, Fact, Pushed};
use onhand_core::reservation::fulfill::Fulfilled;
use onhand_core::stock::{
    observe::{Observed, Seen},
    sell::{Sold, SoldLine},
    set_policy::PolicySet,
};
use onhand_core::{Bucket, Entry, Event, LevelNo, Movement, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Entries, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "entries": [{
        "partition": 0,
        "sequence": 17,
        "recorded_at": "2026-03-01T09:30:00.000Z",
        "event": "held",
        "cause": "client",
        "reservation": "r0-7",
        "reference": "cart-5521",
        "expires_at": "2026-03-01T09:45:00.000Z",
        "changes": [{"location": "store-17", "sku": "milk-1l", "available": -2, "reserved": 2, "requested": 2}]
    }],
    "cursor": "18",
    "consistency": "bounded",
    "sequence": 21,
    "age_ms": 0
}))]
pub struct LedgerAnswer<'a> {
    /// The entries.
    pub entries: Vec<LedgerEntry<'a>>,
    /// Where to go on, if there may be more: give it as `cursor`, with the same filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Always bounded.
    pub consistency: Consistency,
    /// The ledger position that this reflects at least; with several partitions, the smallest of theirs.
    pub sequence: u64,
    /// How old this may be, in milliseconds.
    pub age_ms: u64,
}

/// Who asked for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A request.
    Client,
    /// Time: a reservation was not confirmed before it expired.
    Time,
    /// The engine itself: settings, and the way of a transfer between two ledgers.
    Engine,
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry<'a> {
    /// Whose ledger.
    pub partition: u16,
    /// Its position there.
    pub sequence: u64,
    /// When it was recorded.
    pub recorded_at: Time,
    /// When it happened, if that was said; for a count, the moment that it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Time>,
    /// What happened: received, adjusted, counted, policy_set, held, confirmed, extended, released, expired,
    /// fulfilled, dispatched, announced, handed_over, arrived, configured, sold, observed, pushed.
    pub event: Cow<'a, str>,
    /// Who asked for it.
    pub cause: Cause,
    /// The reservation that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// The transfer that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferName>,
    /// The caller's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// Who counted, looked or knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'a, str>>,
    /// Why the rules changed. The reason of an adjustment stands in its lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// When the reservation expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// What it changed or tells, line by line.
    pub changes: Vec<LedgerChange<'a>>,
}

/// What one line of an entry changed or tells. A number that is left out did not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct LedgerChange<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What; left out if the line tells of the location itself.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub sku: Cow<'a, str>,
    /// By how many units on hand changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub on_hand: i64,
    /// By how many units available changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub available: i64,
    /// By how many units reserved changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub reserved: i64,
    /// By how many units allocated changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub allocated: i64,
    /// By how many units unavailable changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub unavailable: i64,
    /// By how many units in transit changed.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_transit: i64,
    /// Why, for an adjustment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// The lot that came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<Cow<'a, str>>,
    /// Until when it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
    /// Units counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<u32>,
    /// Net units known to have come in since the count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i32>,
    /// Whether a newer count was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<bool>,
    /// Units asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<u32>,
    /// Units picked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picked: Option<u32>,
    /// Units not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found: Option<u32>,
    /// Of those, units by which on hand was corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<u32>,
    /// The SKU that this was picked in place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Cow<'a, str>>,
    /// Units that were there though the record said they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surplus: Option<u32>,
    /// Units sold at the till.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold: Option<u32>,
    /// Whether it was on the shelf, for a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
    /// When somebody looked, or from when a value holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// What a value is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<NumberOrText>,
    /// The rules until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_before: Option<PolicyNumbers>,
    /// The rules from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_after: Option<PolicyNumbers>,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A line of an entry, and the level that it changed or tells of; none if it tells of the location itself.
pub(super) type Row<'a> = (Option<LevelNo>, LedgerChange<'a>);

impl<'a> LedgerEntry<'a> {
    /// An entry as it is shown, with all of its lines.
    pub fn of(entry: &'a Entry, names: &'a dyn Names) -> Self {
        let rows = rows(&entry.event, names);
        let changes = rows.into_iter().map(|(_, change)| change).collect();
        Self::with(entry, changes, names)
    }

    /// An entry as it is shown, with some of its lines.
    pub(super) fn with(
        entry: &'a Entry,
        changes: Vec<LedgerChange<'a>>,
        names: &'a dyn Names,
    ) -> Self {
        let event = &entry.event;
        let words = words(event);
        Self {
            partition: names.partition(),
            sequence: entry.stamp.seq.0,
            recorded_at: Time(entry.stamp.at),
            occurred_at: event.occurred_at().map(Time),
            event: event.name().into(),
            cause: cause(event),
            reservation: reservation(event, names),
            transfer: transfer(event, names),
            reference: words.reference.map(Cow::from),
            source: words.source.map(Cow::from),
            reason: words.reason.map(Cow::from),
            expires_at: expires_at(event),
            changes,
        }
    }
}

fn cause(event: &Event) -> Cause {
    match event {
        Event::Expired(_) => Cause::Time,
        Event::Configured(_) | Event::Announced(_) | Event::HandedOver(_) => Cause::Engine,
        _ => Cause::Client,
    }
}

pub(super) fn reservation(event: &Event, names: &dyn Names) -> Option<ReservationId> {
    let no = match event {
        Event::Held(event) => event.reservation,
        Event::Confirmed(event) => event.reservation,
        Event::Extended(event) => event.reservation,
        Event::Released(event) => event.reservation,
        Event::Expired(event) => event.reservation,
        Event::Fulfilled(event) => event.reservation,
        _ => return None,
    };
    Some(id(no, names))
}

/// The transfer. That an outbox let go of one is told by its number only, which names no destination.
pub(super) fn transfer(event: &Event, names: &dyn Names) -> Option<TransferName> {
    let (id, destination) = match event {
        Event::Dispatched(event) => (event.transfer, names.partition_of(event.to.as_str())),
        Event::Announced(event) => (event.transfer, names.partition()),
        Event::Arrived(event) => (event.transfer, names.partition()),
        _ => return None,
    };
    Some(TransferName { id, destination })
}

fn expires_at(event: &Event) -> Option<Time> {
    match event {
        Event::Held(event) => Some(Time(event.expires_at)),
        Event::Extended(event) => Some(Time(event.expires_at)),
        _ => None,
    }
}

#[derive(Default)]
struct Words<'a> {
    reference: Option<&'a str>,
    source: Option<&'a str>,
    reason: Option<&'a str>,
}

fn words(event: &Event) -> Words<'_> {
    let mut words = Words::default();
    match event {
        Event::Counted(event) => words.source = Some(event.source.as_str()),
        Event::PolicySet(event) => words.reason = event.reason.as_ref().map(AsRef::as_ref),
        Event::Received(event) => words.reference = event.reference.as_ref().map(AsRef::as_ref),
        Event::Adjusted(event) => words.reference = event.reference.as_ref().map(AsRef::as_ref),
        Event::Held(event) => words.reference = event.reference.as_ref().map(AsRef::as_ref),
        Event::Dispatched(event) => words.reference = event.reference.as_ref().map(AsRef::as_ref),
        Event::Sold(event) => words.reference = event.reference.as_ref().map(AsRef::as_ref),
        Event::Observed(event) => words.source = Some(event.source.as_str()),
        Event::Pushed(event) => words.source = Some(event.source.as_str()),
        _ => {}
    }
    words
}

/// The lines of an event. Most have one movement a line, in their order.
pub(super) fn rows<'a>(event: &'a Event, names: &'a dyn Names) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    event.movements(&mut |movement| rows.push(row(&movement, names)));
    match event {
        Event::PolicySet(event) => return policy_rows(event, names),
        Event::Fulfilled(event) => return pick_rows(event, rows, names),
        Event::Sold(event) => return sale_rows(event, rows),
        Event::Observed(event) => return look_rows(event, names),
        Event::Pushed(event) => return fact_rows(event, names),
        Event::Received(event) => each(&mut rows, &event.lines, |change, line| {
            change.lot = line.lot.as_ref().map(|lot| lot.as_str().into());
            change.expires_on = line.expires_on.map(Date);
        }),
        Event::Adjusted(event) => each(&mut rows, &event.lines, |change, line| {
            change.reason = Some(line.reason.as_str().into());
        }),
        Event::Counted(event) => each(&mut rows, &event.lines, |change, line| {
            change.counted = Some(line.counted);
            change.since = Some(line.since);
            change.superseded = line.superseded.then_some(true);
        }),
        Event::Held(event) => each(&mut rows, &event.lines, |change, line| {
            change.requested = Some(line.requested);
        }),
        _ => {}
    }
    rows
}

fn each<'a, T>(rows: &mut [Row<'a>], lines: &'a [T], add: impl Fn(&mut LedgerChange<'a>, &'a T)) {
    debug_assert_eq!(rows.len(), lines.len(), "one movement a line");
    for ((_, change), line) in rows.iter_mut().zip(lines) {
        add(change, line);
    }
}

fn row<'a>(movement: &Movement, names: &'a dyn Names) -> Row<'a> {
    let mut change = named(movement.level, names);
    add_movement(&mut change, movement);
    (Some(movement.level), change)
}

fn named<'a>(level: LevelNo, names: &'a dyn Names) -> LedgerChange<'a> {
    let (location, sku) = names.of_level(level);
    LedgerChange {
        location: location.into(),
        sku: sku.into(),
        ..LedgerChange::default()
    }
}

fn add_movement(change: &mut LedgerChange<'_>, movement: &Movement) {
    let units = i64::from(movement.units);
    add_units(change, movement.from, -units);
    add_units(change, movement.to, units);
}

fn add_units(change: &mut LedgerChange<'_>, bucket: Bucket, units: i64) {
    if bucket.is_on_hand() {
        change.on_hand += units;
    }
    match bucket {
        Bucket::Outside => {}
        Bucket::Free => change.available += units,
        Bucket::Reserved => change.reserved += units,
        Bucket::Allocated => change.allocated += units,
        Bucket::Unavailable => change.unavailable += units,
        Bucket::InTransit => change.in_transit += units,
    }
}

fn policy_rows<'a>(event: &PolicySet, names: &'a dyn Names) -> Vec<Row<'a>> {
    let row = |line: &onhand_core::stock::set_policy::PolicySetLine| {
        let mut change = named(line.level, names);
        change.available = i64::from(line.before.safety_stock) - i64::from(line.after.safety_stock);
        change.policy_before = Some(line.before.into());
        change.policy_after = Some(line.after.into());
        (Some(line.level), change)
    };
    event.lines.iter().map(row).collect()
}

/// A sale moves twice a line: the surplus in, what was sold out.
fn sale_rows<'a>(event: &Sold, rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    let sum = |(line, pair): (&SoldLine, &[Row<'a>])| {
        let (level, mut change) = pair[0].clone();
        pair[1..]
            .iter()
            .for_each(|(_, more)| add_change(&mut change, more));
        change.sold = Some(line.units);
        change.surplus = (line.surplus > 0).then_some(line.surplus);
        (level, change)
    };
    event.lines.iter().zip(rows.chunks(2)).map(sum).collect()
}

fn look_rows<'a>(event: &Observed, names: &'a dyn Names) -> Vec<Row<'a>> {
    let row = |(at, seen): (Timestamp, Seen)| {
        let mut change = named(seen.level, names);
        change.found = Some(seen.found);
        change.at = Some(Time(at));
        (Some(seen.level), change)
    };
    event.seen().map(row).collect()
}

fn fact_rows<'a>(event: &'a Pushed, names: &'a dyn Names) -> Vec<Row<'a>> {
    let row = |(fact, told): (&'a Fact, &'a push::FactValue)| {
        let mut change = match told.level {
            Some(level) => named(level, names),
            None => LedgerChange {
                location: names.of_location(event.location).into(),
                ..LedgerChange::default()
            },
        };
        change.name = Some(fact.name.as_str().into());
        change.at = Some(Time(fact.at));
        change.value = Some(NumberOrText(told.value.clone()));
        (told.level, change)
    };
    event.values().map(row).collect()
}

/// A pick moves: every surplus, every line's picked units, every substitute, then two movements a line for what was
/// not found. The last are added to the rows of their lines.
fn pick_rows<'a>(event: &Fulfilled, mut rows: Vec<Row<'a>>, names: &'a dyn Names) -> Vec<Row<'a>> {
    let (surplus, lines) = (event.surplus.len(), event.lines.len());
    let not_found = rows.split_off(surplus + lines + event.substitutes.len());
    for ((_, change), one) in rows.iter_mut().zip(&event.surplus) {
        change.surplus = Some(one.units);
    }
    let pairs = not_found.chunks(2);
    for (((_, change), line), pair) in rows.iter_mut().skip(surplus).zip(&event.lines).zip(pairs) {
        pair.iter().for_each(|(_, more)| add_change(change, more));
        change.picked = Some(line.picked);
        change.not_found = Some(line.not_found);
        change.corrected = (line.corrected > 0).then_some(line.corrected);
    }
    for ((_, change), one) in rows
        .iter_mut()
        .skip(surplus + lines)
        .zip(&event.substitutes)
    {
        change.instead_of = Some(names.of_level(one.instead_of).1.into());
    }
    rows
}

pub(super) fn add_change(sum: &mut LedgerChange<'_>, more: &LedgerChange<'_>) {
    sum.on_hand += more.on_hand;
    sum.available += more.available;
    sum.reserved += more.reserved;
    sum.allocated += more.allocated;
    sum.unavailable += more.unavailable;
    sum.in_transit += more.in_transit;
}
