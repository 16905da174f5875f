//! Reservations: units promised to one buyer. Held until confirmed, released, expired; confirmed until picked.
//!
//! One file a command; this one holds the record that they change.

pub mod confirm;
pub mod expire;
pub mod extend;
pub mod fulfill;
pub mod hold;
pub mod promise;
pub mod release;

use crate::numbers::{LevelNo, LocationNo, ReservationNo, Seq};
use crate::pages::{Queue, fitting};
use crate::time::{Span, Timestamp};
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReservationState {
    /// Its units are reserved until it expires.
    #[default]
    Held,
    /// Its units are allocated; it does not expire any more.
    Confirmed,
    /// Every unit was picked, substituted or not found.
    Fulfilled,
    /// What was held or allocated was given back on request.
    Released,
    /// What was held was given back because its time was up.
    Expired,
}

impl ReservationState {
    /// Whether it still holds units.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }

    /// The state's name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Fulfilled => "fulfilled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// One SKU of a reservation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationLine {
    /// Whose units.
    pub level: LevelNo,
    /// Units asked for.
    pub requested: u32,
    /// Units promised at first.
    pub reserved: u32,
    /// Units promised and neither picked, not found nor given back yet.
    pub outstanding: u32,
    /// Units picked.
    pub picked: u32,
    /// Units not found.
    pub not_found: u32,
}

/// A promise of units at one location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Where it stands.
    pub state: ReservationState,
    /// Where its units are.
    pub location: LocationNo,
    /// The entry that made it.
    pub made_by: Seq,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it expires, while it is held.
    pub expires_at: Timestamp,
    /// When it ended; meaningless while it is open.
    pub ended_at: Timestamp,
    /// Its lines, one a SKU.
    pub lines: Arc<[ReservationLine]>,
}

/// Reservations in the order they were made; `None` where one was forgotten before its elders.
pub(crate) type ReservationQueue = Queue<Option<Reservation>, { fitting::<Option<Reservation>>() }>;

/// Ended reservations in the order they ended.
pub(crate) type EndedQueue = Queue<ReservationNo, { fitting::<ReservationNo>() }>;

/// Open reservations, and ended ones within their retention.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    queue: ReservationQueue,
    due: BTreeSet<(Timestamp, ReservationNo)>,
    ended: EndedQueue,
    open: usize,
}

impl Reservations {
    pub(crate) fn from_queues(queue: ReservationQueue, ended: EndedQueue) -> Self {
        let kept = || {
            let slots = queue.iter();
            slots.filter_map(|(no, slot)| Some((ReservationNo(no), slot.as_ref()?)))
        };
        let due = kept()
            .filter(|(_, one)| one.state == ReservationState::Held)
            .map(|(no, one)| (one.expires_at, no))
            .collect();
        let open = kept().filter(|(_, one)| one.state.is_open()).count();
        Self {
            due,
            open,
            ended,
            queue,
        }
    }

    pub(crate) fn queues(&self) -> (ReservationQueue, EndedQueue) {
        (self.queue.clone(), self.ended.clone())
    }

    /// The reservation with this number, open or ended within its retention.
    pub fn get(&self, no: ReservationNo) -> Option<&Reservation> {
        self.queue.get(no.0)?.as_ref()
    }

    /// The number that the next reservation gets.
    pub fn next_no(&self) -> ReservationNo {
        ReservationNo(self.queue.back())
    }

    /// How many reservations hold units.
    pub fn open(&self) -> usize {
        self.open
    }

    /// All reservations that are kept, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (ReservationNo, &Reservation)> {
        self.queue
            .iter()
            .filter_map(|(no, one)| Some((ReservationNo(no), one.as_ref()?)))
    }

    /// When the next held reservation expires.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The first held reservation whose time is up at `now`, by expiry and then by number.
    pub fn first_due(&self, now: Timestamp) -> Option<ReservationNo> {
        let late = Span::from_millis(Defect::ExpiryOffByOne.is_on().into());
        self.due
            .first()
            .filter(|(at, _)| at.plus(late) <= now)
            .map(|(_, no)| *no)
    }

    /// Whether the last one that ended did so by its expiry, at `now`.
    pub(crate) fn has_just_expired_one(&self, now: Timestamp) -> bool {
        let last = self.ended.back().checked_sub(1);
        let last = last
            .and_then(|last| self.ended.get(last))
            .and_then(|no| self.get(*no));
        last.is_some_and(|one| (one.state, one.ended_at) == (ReservationState::Expired, now))
    }

    pub(crate) fn add(&mut self, reservation: Reservation) {
        let due = reservation.expires_at;
        let no = ReservationNo(self.queue.push(Some(reservation)));
        self.due.insert((due, no));
        self.open += 1;
    }

    fn get_mut(&mut self, no: ReservationNo) -> Option<&mut Reservation> {
        self.queue.get_mut(no.0)?.as_mut()
    }

    /// Gives a held reservation another expiry.
    pub(crate) fn reschedule(&mut self, no: ReservationNo, expires_at: Timestamp) {
        if let Some(one) = self.get_mut(no) {
            let old = std::mem::replace(&mut one.expires_at, expires_at);
            self.due.remove(&(old, no));
            self.due.insert((expires_at, no));
        }
    }

    /// Makes a held reservation a confirmed one.
    pub(crate) fn confirm(&mut self, no: ReservationNo) {
        if let Some(one) = self.get_mut(no) {
            one.state = ReservationState::Confirmed;
            let due = one.expires_at;
            self.due.remove(&(due, no));
        }
    }

    /// Changes the lines of an open reservation.
    pub(crate) fn change_lines(
        &mut self,
        no: ReservationNo,
        change: impl FnMut(&mut ReservationLine),
    ) {
        if let Some(one) = self.get_mut(no) {
            Arc::make_mut(&mut one.lines).iter_mut().for_each(change);
        }
    }

    /// Ends an open reservation: it holds nothing any more.
    pub(crate) fn end(&mut self, no: ReservationNo, state: ReservationState, at: Timestamp) {
        let Some(one) = self.get_mut(no) else { return };
        one.state = state;
        one.ended_at = at;
        if one.lines.iter().any(|line| line.outstanding > 0) {
            Arc::make_mut(&mut one.lines)
                .iter_mut()
                .for_each(|line| line.outstanding = 0);
        }
        let due = one.expires_at;
        self.due.remove(&(due, no));
        self.ended.push(no);
        self.open -= 1;
    }

    /// Forgets up to `most` reservations that ended longer than `retention` before `now`.
    pub(crate) fn forget(&mut self, retention: Span, now: Timestamp, most: usize) {
        for _ in 0..most {
            let Some(&no) = self.ended.get(self.ended.front()) else {
                break;
            };
            let is_kept = self
                .get(no)
                .is_some_and(|one| now.since(one.ended_at) <= retention);
            if is_kept {
                break;
            }
            self.ended.pop_front();
            if let Some(slot) = self.queue.get_mut(no.0) {
                *slot = None;
            }
        }
        self.close_ranks(most);
    }

    /// Drops up to `most` forgotten reservations that have no elder any more.
    fn close_ranks(&mut self, most: usize) {
        for _ in 0..most {
            match self.queue.get(self.queue.front()) {
                Some(None) => self.queue.pop_front(),
                _ => return,
            }
        }
    }
}
