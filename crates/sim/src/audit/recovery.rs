//! What must be there after a start.

use super::answers::{is_level, promise_of};
use super::{Book, Deed, Gone};
use crate::finding::{Check, Finding, Verdict, must};
use crate::translate::{self, Interpreter, location, sku};
use crate::twin::{Record, Shelf};
use onhand_core::{Entry, State, invariant};

impl Book {
    /// The partition was started and stands at a state. Who waited for an answer does not get one. Without a loss of power
    /// all is there that was shown.
    ///
    /// # Errors
    /// The state lacks what somebody was shown, or holds what was never decided.
    pub fn restarted(&mut self, state: &State, lost_power: bool) -> Verdict {
        let there = state.last().seq.0;
        let kept = if lost_power {
            self.kept()
        } else {
            self.shown()
        };
        must(there >= kept, Check::Recovery, || {
            format!("it starts at {there}, and {kept} may not be lost")
        })?;
        must(there <= self.twin.position(), Check::Recovery, || {
            let decided = self.twin.position();
            format!("it starts at {there}, and only {decided} were ever decided")
        })?;
        self.queued.clear();
        self.foretold.clear();
        self.gone = Gone::default();
        self.longest_wait = 0;
        self.go_back_to(there);
        self.kept.starts_at(there);
        self.lose_entries(there);
        self.answered = self.answered.min(there);
        self.told.retain(|position, _| *position <= there);
        self.decided_at.truncate(self.records.len());
        self.check_state(state)
    }

    /// Entries that were read and are lost: others will come in their place.
    fn lose_entries(&mut self, there: u64) {
        if (self.entries.len() as u64) <= there {
            return;
        }
        self.entries.truncate(there as usize);
        self.interpreter = Interpreter::new(self.twin.partition());
        for entry in &self.entries {
            self.interpreter.record(entry);
        }
    }

    /// Takes the twin back to a position, by doing the same once more from a checkpoint.
    fn go_back_to(&mut self, position: u64) {
        while self.checkpoints.len() > 1
            && self
                .checkpoints
                .back()
                .is_some_and(|(_, twin)| twin.position() > position)
        {
            self.checkpoints.pop_back();
        }
        let Some((done, twin)) = self.checkpoints.back().cloned() else {
            return;
        };
        self.twin = twin;
        self.records.truncate(self.twin.position() as usize);
        self.forget_parcels_after(self.twin.position());
        for then in self.shelves.values_mut() {
            let kept = then.partition_point(|(at, _)| *at <= self.twin.position());
            then.truncate(kept);
        }
        let again = self.deeds.split_off(done - self.dropped);
        for deed in again {
            if self.twin.position() < position {
                self.do_again(deed, position);
            }
        }
    }

    /// Does what was done before, as far as it survived.
    fn do_again(&mut self, deed: Deed, position: u64) {
        match deed {
            Deed::Expire(clock) => self.expire(clock, (self.twin.position() + 1).min(position)),
            Deed::Ask(clock, key, ask) => drop(self.decide(clock, key, &ask)),
        }
    }

    /// Compares every level, reservation and transfer.
    ///
    /// # Errors
    /// One differs.
    pub fn check_state(&self, state: &State) -> Verdict {
        let position = state.last().seq.0;
        must(position == self.twin.position(), Check::State, || {
            format!(
                "the state is at {position}, the twin at {}",
                self.twin.position()
            )
        })?;
        self.check_shelves(state)?;
        self.check_promises(state)?;
        self.check_transfers(state)?;
        let found = translate::rules(state.settings());
        must(&found == self.twin.rules(), Check::State, || {
            format!(
                "the settings are {found:?}; foretold: {:?}",
                self.twin.rules()
            )
        })?;
        match invariant::check(state).into_iter().next() {
            Some(violation) => Err(Finding::new(Check::Invariant, violation.to_string())),
            None => Ok(()),
        }
    }

    fn check_shelves(&self, state: &State) -> Verdict {
        let (found, foretold) = (state.directory().len(), self.twin.shelves().count());
        must(found == foretold, Check::State, || {
            format!("there are {found} levels; foretold: {foretold}")
        })?;
        self.twin.shelves().try_for_each(|shelf| {
            let found = find(state, shelf);
            let is_it = found.is_some_and(|level| is_level(level, shelf));
            must(is_it, Check::State, || {
                format!("a level is {found:?}; foretold: {shelf:?}")
            })
        })
    }

    /// Compares the levels of a state that was replayed with what they were at its position.
    ///
    /// # Errors
    /// One differs, is missing, or was not there yet.
    pub fn check_shelves_then(&self, state: &State) -> Verdict {
        let position = state.last().seq.0;
        let mut there = 0;
        for place in self.known_places() {
            let Some((_, shelf)) = self.shelf_at(place, position) else {
                continue;
            };
            there += 1;
            let found = find(state, shelf);
            let is_it = found.is_some_and(|level| is_level(level, shelf));
            must(is_it, Check::State, || {
                format!("at {position} a level is {found:?}; foretold: {shelf:?}")
            })?;
        }
        let found = state.directory().len();
        must(found == there, Check::State, || {
            format!("at {position} there are {found} levels; foretold: {there}")
        })
    }

    fn check_promises(&self, state: &State) -> Verdict {
        for (no, found) in state.reservations().iter() {
            let skus: Vec<_> = found
                .lines
                .iter()
                .map(|line| state.sku_of(line.level))
                .collect();
            let found = promise_of(found, &state.location_of(found.location), &skus);
            let foretold = self.twin.promise(no.0);
            must(found.as_ref() == foretold, Check::State, || {
                format!("reservation {no} is {found:?}; foretold: {foretold:?}")
            })?;
        }
        let is_there = |no: u64| {
            let no = onhand_core::ReservationNo(no);
            state.reservations().get(no).is_some()
        };
        let mut kept = self.twin.promises();
        match kept.find(|(no, _)| self.twin.is_promise_kept(*no) && !is_there(*no)) {
            Some((no, promise)) => {
                let what = format!("reservation {no} is gone; foretold: {promise:?}");
                Err(Finding::new(Check::State, what))
            }
            None => Ok(()),
        }
    }

    fn check_transfers(&self, state: &State) -> Verdict {
        let outbox = state.transfers().outbox();
        let source = self.twin.partition();
        let found: Vec<_> = outbox
            .map(|(no, outgoing)| {
                translate::parcel(onhand_core::TransferId { source, no }, outgoing)
            })
            .collect();
        let foretold: Vec<_> = self.twin.outbox().cloned().map(Some).collect();
        must(found == foretold, Check::State, || {
            format!("the outbox is {found:?}; foretold: {foretold:?}")
        })?;
        for incoming in self.twin.all_incoming() {
            let name = incoming.parcel.name;
            let found = state.transfers().incoming(translate::transfer_id(name));
            let found = found.map(|found| found.arrived_at.map(translate::millis));
            let is_it = match found {
                Some(arrived) => arrived == incoming.arrived,
                None => !self.twin.is_transfer_kept(name),
            };
            must(is_it, Check::State, || {
                format!("transfer {name:?} is {found:?}; foretold: {incoming:?}")
            })?;
        }
        Ok(())
    }

    /// An old entry is read once more, maybe from a damaged file: it must be the same.
    ///
    /// # Errors
    /// It is another one.
    pub fn read_again(&self, position: u64, found: &Entry) -> Verdict {
        let is_it = match self.entry(position) {
            Some(entry) => entry == found,
            // Durable, and not read before: told by the twin alone.
            None => self
                .record(position)
                .is_some_and(|record| is_like(record, found)),
        };
        must(is_it, Check::Entry, || {
            format!(
                "entry {position} is {found:?}; it was {:?}",
                self.entry(position)
            )
        })
    }
}

fn is_like(record: &Record, entry: &Entry) -> bool {
    (record.at, record.event) == (translate::millis(entry.stamp.at), entry.event.name())
}

fn find<'a>(state: &'a State, shelf: &Shelf) -> Option<&'a onhand_core::Level> {
    let found = state
        .directory()
        .find(&location(shelf.shop), &sku(shelf.item))?;
    Some(found.1)
}
