//! The entries of a ledger in the twin's words.

use super::labels::labels;
use super::remarks::{when, yes};
use super::{millis, promise, refused, transfer_name};
use crate::ask::{Parcel, TransferName, item_of, shop_of};
use crate::twin::{Change, Outcome, Promise, Record, Told};
use onhand_core::reservation::{Reservation, promise::Units};
use onhand_core::{Bucket, Decision, Entry, Event, LevelNo, Movement};
use std::collections::BTreeMap;

/// Tells the entries of one partition in the twin's words. It learns the shelves behind the numbers of levels from
/// nothing but the entries, from the first on.
#[derive(Clone, Debug)]
pub struct Interpreter {
    partition: u16,
    pub(super) shops: Vec<usize>,
    places: Vec<(usize, usize)>,
}

impl Interpreter {
    /// For a partition without entries.
    pub fn new(partition: u16) -> Self {
        Self {
            partition,
            shops: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The shop and item of a level.
    pub fn place(&self, level: LevelNo) -> Option<(usize, usize)> {
        self.places.get(level.0 as usize).copied()
    }

    /// Learns the levels that the next entry opens, and tells it in the twin's words; `None` if it names a shop, an
    /// item or a level that there is not.
    pub fn record(&mut self, entry: &Entry) -> Option<Record> {
        for opening in &entry.openings {
            let shop = shop_of(opening.location.as_str())?;
            if !self.shops.contains(&shop) {
                self.shops.push(shop);
            }
            self.places.push((shop, item_of(opening.sku.as_str())?));
        }
        Some(Record {
            position: entry.stamp.seq.0,
            at: millis(entry.stamp.at),
            event: entry.event.name(),
            reservation: reservation_of(&entry.event),
            transfer: self.transfer_of(&entry.event),
            when: when(&entry.event),
            yes: yes(&entry.event),
            parcel: self.parcels(&entry.event)?.pop(),
            changes: self.changes(&entry.event)?,
            remarks: self.remarks(entry)?,
            labels: labels(&entry.event),
        })
    }

    /// What was recorded at a request, expiries first, and what came of it.
    pub fn told(&mut self, expired: &[Entry], decision: &Decision) -> Option<Told> {
        let expired = expired.iter().map(|entry| self.record(entry));
        let mut entries: Vec<Record> = expired.collect::<Option<_>>()?;
        let outcome = match decision {
            Decision::Record(entry) => {
                entries.push(self.record(entry)?);
                Outcome::Recorded(entries.len() - 1)
            }
            Decision::Repeat(position) => Outcome::Repeated(position.0),
            Decision::Nothing => Outcome::Nothing,
            Decision::Refuse(refusal) => Outcome::Refused(refused(refusal)),
        };
        Some(Told { entries, outcome })
    }

    fn transfer_of(&self, event: &Event) -> Option<TransferName> {
        match event {
            Event::Dispatched(event) => Some(transfer_name(event.transfer)),
            Event::Announced(event) => Some(transfer_name(event.transfer)),
            Event::Arrived(event) => Some(transfer_name(event.transfer)),
            Event::HandedOver(event) => {
                let (source, no) = (self.partition, event.transfer.0);
                Some(TransferName { source, no })
            }
            _ => None,
        }
    }

    /// The parcel that an entry tells of, in a list; `None` if it names what there is not.
    fn parcels(&self, event: &Event) -> Option<Vec<Parcel>> {
        let (transfer, from, to, settled, lines) = match event {
            Event::Dispatched(event) => {
                let from = self.shops.get(event.from.0 as usize).copied();
                (event.transfer, from, &event.to, event.settled, &event.lines)
            }
            Event::Announced(event) => {
                let from = shop_of(event.from.as_str());
                (event.transfer, from, &event.to, event.settled, &event.lines)
            }
            _ => return Some(Vec::new()),
        };
        let line = |line: &Units| Some((self.place(line.level)?.1, i64::from(line.units)));
        Some(vec![Parcel {
            name: transfer_name(transfer),
            from: from?,
            to: shop_of(to.as_str())?,
            lines: lines.iter().map(line).collect::<Option<_>>()?,
            settled: settled.0,
        }])
    }

    fn changes(&self, event: &Event) -> Option<Vec<Change>> {
        let mut movements = Vec::new();
        event.movements(&mut |movement| movements.push(movement));
        let mut changes: BTreeMap<(usize, usize), Change> = BTreeMap::new();
        for movement in &movements {
            let (shop, item) = self.place(movement.level)?;
            let empty = Change {
                shop,
                item,
                ..Change::default()
            };
            add(changes.entry((shop, item)).or_insert(empty), movement);
        }
        Some(
            changes
                .into_values()
                .filter(|change| !change.is_none())
                .collect(),
        )
    }

    /// A reservation in the twin's words.
    pub fn promise(&self, found: &Reservation) -> Option<Promise> {
        let shop = self.place(found.lines.first()?.level)?.0;
        let items = found
            .lines
            .iter()
            .map(|line| Some(self.place(line.level)?.1));
        promise(found, Some(shop), items)
    }
}

fn add(change: &mut Change, movement: &Movement) {
    let units = i64::from(movement.units);
    change.on_hand += movement.on_hand_change();
    for (bucket, units) in [(movement.from, -units), (movement.to, units)] {
        match bucket {
            Bucket::Outside | Bucket::Free => {}
            Bucket::Reserved => change.reserved += units,
            Bucket::Allocated => change.allocated += units,
            Bucket::Unavailable => change.unavailable += units,
            Bucket::InTransit => change.in_transit += units,
        }
    }
}

fn reservation_of(event: &Event) -> Option<u64> {
    match event {
        Event::Held(event) => Some(event.reservation.0),
        Event::Confirmed(event) => Some(event.reservation.0),
        Event::Extended(event) => Some(event.reservation.0),
        Event::Released(event) => Some(event.reservation.0),
        Event::Expired(event) => Some(event.reservation.0),
        Event::Fulfilled(event) => Some(event.reservation.0),
        _ => None,
    }
}
