//! Whether an entry fits the state: the invariants that one entry can break, checked before it changes anything.
//!
//! A leader never writes an entry that does not fit. A replay and a follower read what a disk or a network gave them,
//! so they check it too, and a wrong entry stops them with the number of the invariant instead of a wrong sum.

use crate::entry::{Entry, Event};
use crate::invariant::{Invariant, Violation};
use crate::lines::Few;
use crate::numbers::{LevelNo, ReservationNo, Seq};
use crate::reservation::fulfill::Fulfilled;
use crate::reservation::promise::{Units, holding};
use crate::reservation::{Reservation, ReservationState};
use crate::state::State;
use crate::transfer::TransferId;
use std::collections::BTreeMap;

impl State {
    /// Checks an entry before it is applied.
    pub(crate) fn admit(&self, entry: &Entry) -> Result<(), Violation> {
        let checks = [
            (Invariant::Order, self.follows(entry)),
            (Invariant::KeysNameOneEntry, self.answers_a_new_key(entry)),
            (Invariant::ExactExpiry, self.is_in_time(entry)),
            (Invariant::AllOrNothing, is_whole(entry)),
            (Invariant::PromisesMatch, self.keeps_promises(entry)),
            (Invariant::TransitMatches, self.keeps_transfers(entry)),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((invariant, _)) => {
                let what = format!(
                    "{} does not fit the state at entry {}",
                    entry.event.name(),
                    self.last.seq
                );
                Err(Violation::new(invariant, entry.stamp, what))
            }
            None => Ok(()),
        }
    }

    /// Checks an entry after its movements: a reservation may not have taken more than its level allows.
    pub(crate) fn check_never_oversold(&self, entry: &Entry) -> Result<(), Violation> {
        let Event::Held(held) = &entry.event else {
            return Ok(());
        };
        for line in held.lines.iter().filter(|line| line.reserved > 0) {
            let is_sound = self.directory.level(line.level).is_some_and(|level| {
                level.available() + i64::from(level.policy().oversell_limit) >= 0
            });
            if !is_sound {
                let name = self.name_of(line.level);
                return Err(Violation::new(Invariant::NeverOversold, entry.stamp, name));
            }
        }
        Ok(())
    }

    /// Checks that an entry speaks of what was opened, where applying it does not: to move units of a level that was
    /// not fails by itself.
    pub(crate) fn check_is_there(&self, entry: &Entry) -> Result<(), Violation> {
        let mut is_there = match &entry.event {
            Event::Observed(_) => true,
            Event::Pushed(event) => (event.location.0 as usize) < self.directory.locations(),
            Event::Dispatched(event) => (event.from.0 as usize) < self.directory.locations(),
            _ => return Ok(()),
        };
        let levels = &self.directory;
        entry
            .event
            .levels(&mut |no| is_there &= levels.level(no).is_some());
        if is_there {
            return Ok(());
        }
        let what = format!("{} of what was never opened", entry.event.name());
        Err(Violation::new(Invariant::Bounds, entry.stamp, what))
    }

    fn follows(&self, entry: &Entry) -> bool {
        let seq = entry.stamp.seq;
        seq == self.last.seq.next() && seq <= Seq::MOST && entry.stamp.at >= self.last.at
    }

    fn answers_a_new_key(&self, entry: &Entry) -> bool {
        let retention = self.settings.key_retention;
        entry
            .key
            .and_then(|key| self.keys.find(&key, retention, entry.stamp.at))
            .is_none()
    }

    fn is_in_time(&self, entry: &Entry) -> bool {
        match &entry.event {
            Event::Expired(expired) => {
                let reservation = self.reservations.get(expired.reservation);
                expired.expired_at <= entry.stamp.at
                    && reservation.is_some_and(|one| one.expires_at == expired.expired_at)
            }
            other => {
                let expires_at = match other {
                    Event::Held(event) => event.expires_at,
                    Event::Extended(event) => event.expires_at,
                    _ => entry.stamp.at,
                };
                expires_at >= entry.stamp.at
                    && self.reservations.first_due(entry.stamp.at).is_none()
            }
        }
    }

    fn keeps_promises(&self, entry: &Entry) -> bool {
        use ReservationState::{Confirmed, Held};
        match &entry.event {
            Event::Held(event) => event.reservation == self.reservations.next_no(),
            Event::Confirmed(event) => self.holds(event.reservation, Held, &event.lines),
            Event::Expired(event) => self.holds(event.reservation, Held, &event.lines),
            Event::Released(event) => {
                let state = if event.was_confirmed { Confirmed } else { Held };
                self.holds(event.reservation, state, &event.lines)
            }
            Event::Extended(event) => self.in_state(event.reservation, Held).is_some(),
            Event::Fulfilled(event) => self
                .in_state(event.reservation, Confirmed)
                .is_some_and(|reservation| is_within(reservation, event)),
            _ => true,
        }
    }

    fn in_state(&self, no: ReservationNo, state: ReservationState) -> Option<&Reservation> {
        self.reservations.get(no).filter(|one| one.state == state)
    }

    fn holds(&self, no: ReservationNo, state: ReservationState, lines: &Few<Units>) -> bool {
        self.in_state(no, state)
            .is_some_and(|one| holding(one).eq(lines.iter().copied()))
    }

    fn keeps_transfers(&self, entry: &Entry) -> bool {
        let transfers = &self.transfers;
        match &entry.event {
            Event::Dispatched(event) => {
                let (source, no) = (self.partition, transfers.next_no());
                event.transfer == TransferId { source, no }
            }
            Event::HandedOver(event) => transfers.outbox.get(event.transfer).is_some(),
            Event::Announced(event) => transfers.incoming(event.transfer).is_none(),
            Event::Arrived(event) => transfers
                .incoming(event.transfer)
                .is_some_and(|one| one.arrived_at.is_none() && one.lines == event.lines),
            _ => true,
        }
    }
}

fn is_whole(entry: &Entry) -> bool {
    let Event::Held(held) = &entry.event else {
        return true;
    };
    let mut lines = held.lines.iter();
    held.allow_partial || lines.all(|line| line.reserved == line.requested)
}

/// Whether a pick takes no more than is promised, and is complete exactly if it leaves nothing.
fn is_within(reservation: &Reservation, pick: &Fulfilled) -> bool {
    let mut left: BTreeMap<LevelNo, u32> = holding(reservation)
        .map(|line| (line.level, line.units))
        .collect();
    for line in &pick.lines {
        let promised = left.entry(line.level).or_default();
        let done = u64::from(line.picked) + u64::from(line.not_found);
        if done > u64::from(*promised) || line.corrected > line.not_found {
            return false;
        }
        *promised -= done as u32;
    }
    pick.is_complete == left.values().all(|units| *units == 0)
}
