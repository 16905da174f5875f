//! Transfers: dispatched and handed over at the source, announced and received at the destination.

use super::shelf::{Tray, insufficient, items, summed, too_much};
use super::{Plan, Then, Twin};
use crate::ask::{Line, Millis, Parcel, TransferName};

/// A transfer that the destination knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What is in it.
    pub parcel: Parcel,
    /// When it arrived, if it did.
    pub arrived: Option<Millis>,
}

/// What happens to a transfer.
pub(super) enum Step {
    Dispatch(Parcel),
    HandOver,
    Announce(Parcel),
    Arrive,
}

impl Twin {
    /// What was dispatched from here and not handed over yet, by number.
    pub fn outbox(&self) -> impl Iterator<Item = &Parcel> {
        self.outbox.values()
    }

    /// What was dispatched from here under a number and not handed over yet.
    pub fn parcel(&self, no: u64) -> Option<&Parcel> {
        self.outbox.get(&no)
    }

    /// A transfer to here, whether it may be forgotten or not.
    pub fn incoming(&self, name: TransferName) -> Option<&Incoming> {
        self.incoming.get(&name)
    }

    /// All transfers ever announced here.
    pub fn all_incoming(&self) -> impl Iterator<Item = &Incoming> {
        self.incoming.values()
    }

    /// Whether the ledger surely knows of a transfer to here, if it was ever announced: one that arrived, and that its
    /// source had handed over, may be forgotten.
    pub fn is_transfer_kept(&self, name: TransferName) -> bool {
        let arrived = self.incoming(name).and_then(|incoming| incoming.arrived);
        !self.is_settled(name) || arrived.is_none_or(|arrived| arrived >= self.gone.ended)
    }

    /// Whether a transfer was announced here, or its source says that whoever must know of it does.
    pub(super) fn was_announced(&self, name: TransferName) -> bool {
        self.incoming.contains_key(&name) || self.is_settled(name)
    }

    /// Whether its source said that a transfer was handed over, and all before it.
    pub fn is_settled(&self, name: TransferName) -> bool {
        let below = self.settled.get(&name.source);
        below.is_some_and(|below| name.no < *below)
    }

    pub(super) fn dispatch(
        &self,
        now: Millis,
        from: usize,
        to: usize,
        lines: &[Line],
    ) -> Result<Plan, String> {
        self.shelves.know(from, &items(lines))?;
        if from == to {
            return Err("same location".to_owned());
        }
        let mut tray = Tray::default();
        let mut short = Vec::new();
        for (item, units) in summed(lines)? {
            let free = tray.touch(&self.shelves, from, item).free().max(0);
            if free < units {
                short.push((item, units, free));
            }
            tray.goods(&self.shelves, from, (item, -units), now);
        }
        if !short.is_empty() {
            return Err(insufficient(&short));
        }
        let name = TransferName {
            source: self.partition,
            no: self.dispatched,
        };
        let settled = self.outbox.keys().next().copied().unwrap_or(name.no);
        let parcel = Parcel {
            name,
            from,
            to,
            lines: lines.to_vec(),
            settled,
        };
        Ok(Plan::then(
            "dispatched",
            tray,
            Then::Transfer(name, Step::Dispatch(parcel)),
        ))
    }

    pub(super) fn announce(&self, parcel: &Parcel) -> Result<Plan, String> {
        let mut tray = Tray::default();
        for (line, (item, units)) in parcel.lines.iter().enumerate() {
            let shelf = tray.touch(&self.shelves, parcel.to, *item);
            shelf.in_transit += units;
            if !shelf.is_sound() {
                return Err(too_much(*item, line));
            }
        }
        self.has_room(&tray)?;
        Ok(Plan::then(
            "announced",
            tray,
            Then::Transfer(parcel.name, Step::Announce(parcel.clone())),
        ))
    }

    pub(super) fn hand_over(&self, no: u64) -> Result<Plan, String> {
        let name = TransferName {
            source: self.partition,
            no,
        };
        match self.outbox.contains_key(&no) {
            true => Ok(Plan::then(
                "handed_over",
                Tray::default(),
                Then::Transfer(name, Step::HandOver),
            )),
            false => Err("unknown transfer".to_owned()),
        }
    }

    pub(super) fn arrive(&self, now: Millis, name: TransferName) -> Result<Plan, String> {
        let incoming = self.incoming(name).ok_or("unknown transfer")?;
        if incoming.arrived.is_some() {
            return Err("already received".to_owned());
        }
        let Parcel { to, lines, .. } = &incoming.parcel;
        let mut tray = Tray::default();
        for (line, (item, units)) in lines.iter().enumerate() {
            tray.goods(&self.shelves, *to, (*item, *units), now);
            let shelf = tray.touch(&self.shelves, *to, *item);
            shelf.in_transit -= units;
            if !shelf.is_sound() {
                return Err(too_much(*item, line));
            }
        }
        Ok(Plan::then(
            "arrived",
            tray,
            Then::Transfer(name, Step::Arrive),
        ))
    }

    /// Carries out a step of a transfer.
    pub(super) fn take_step(&mut self, name: TransferName, step: Step) {
        match step {
            Step::Dispatch(parcel) => {
                self.dispatched = name.no + 1;
                self.outbox.insert(name.no, parcel);
            }
            Step::HandOver => {
                self.outbox.remove(&name.no);
            }
            Step::Announce(parcel) => {
                let settled = self.settled.entry(name.source).or_default();
                *settled = parcel.settled.max(*settled);
                let incoming = Incoming {
                    parcel,
                    arrived: None,
                };
                self.incoming.insert(name, incoming);
            }
            Step::Arrive => {
                if let Some(incoming) = self.incoming.get_mut(&name) {
                    incoming.arrived = Some(self.now);
                }
            }
        }
    }
}
