//! Reservations: units promised to one buyer. Held until confirmed, released, expired; confirmed until picked.
//!
//! One file a command; this one holds the records that they change.
//!
//! Reservations lie in a queue by their numbers. Most end soon and are forgotten in about the order they were made, but
//! some stay open for days, and one of them must not keep the place of all that came after it. So the queue holds what
//! was made within the retention of ended reservations, where nothing can be forgotten yet; what is kept for longer, the
//! *elders*, moves to a map when its time in the queue is over. Which of the two a reservation lies in shows nowhere,
//! and a snapshot does not say.

pub mod confirm;
pub mod expire;
pub mod extend;
pub mod fulfill;
pub mod hold;
pub mod promise;
pub mod release;

use crate::numbers::{LevelNo, LocationNo, ReservationNo, Seq};
use crate::pages::{Queue, fitting};
use crate::sorted::Sorted;
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

/// Reservations in the order they were made; `None` where one was forgotten before those made earlier.
pub(crate) type ReservationQueue = Queue<Option<Reservation>, { fitting::<Option<Reservation>>() }>;

/// Reservations that are kept for longer than the queue goes back.
pub(crate) type Elders = Sorted<ReservationNo, Reservation>;

/// Ended reservations in the order they ended.
pub(crate) type EndedQueue = Queue<ReservationNo, { fitting::<ReservationNo>() }>;

/// Open reservations, and ended ones within their retention.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    elders: Elders,
    queue: ReservationQueue,
    due: BTreeSet<(Timestamp, ReservationNo)>,
    ended: EndedQueue,
    open: usize,
}

impl Reservations {
    pub(crate) fn new(kept: Kept, ended: EndedQueue) -> Self {
        let mut reservations = Self {
            elders: kept.elders,
            queue: kept.queue,
            due: BTreeSet::new(),
            ended,
            open: 0,
        };
        let held = reservations
            .iter()
            .filter(|(_, one)| one.state == ReservationState::Held);
        reservations.due = held.map(|(no, one)| (one.expires_at, no)).collect();
        let open = reservations.iter().filter(|(_, one)| one.state.is_open());
        reservations.open = open.count();
        reservations
    }

    /// All that are kept, as a snapshot holds it, and the order in which they ended.
    pub(crate) fn freeze(&self) -> (Kept, EndedQueue) {
        let kept = Kept {
            elders: self.elders.clone(),
            queue: self.queue.clone(),
        };
        (kept, self.ended.clone())
    }

    /// The reservation with this number, open or ended within its retention.
    pub fn get(&self, no: ReservationNo) -> Option<&Reservation> {
        match no.0 < self.queue.front() {
            true => self.elders.get(no),
            false => self.queue.get(no.0)?.as_ref(),
        }
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
        in_order(&self.elders, &self.queue)
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
        match no.0 < self.queue.front() {
            true => self.elders.get_mut(no),
            false => self.queue.get_mut(no.0)?.as_mut(),
        }
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
            match self.queue.get_mut(no.0) {
                Some(slot) => *slot = None,
                None => drop(self.elders.remove(no)),
            }
        }
        self.close_ranks(retention, now, most);
    }

    /// Moves the front of the queue on, over up to `most` reservations that were forgotten or made longer than
    /// `retention` before `now`. What is made after them need not wait for them.
    fn close_ranks(&mut self, retention: Span, now: Timestamp, most: usize) {
        for _ in 0..most {
            let front = self.queue.front();
            match self.queue.get(front) {
                Some(Some(one)) if now.since(one.made_at) <= retention => return,
                Some(_) => {
                    let slot = self.queue.get_mut(front).and_then(Option::take);
                    if let Some(elder) = slot {
                        self.elders.insert(ReservationNo(front), elder);
                    }
                    self.queue.pop_front();
                }
                None => return,
            }
        }
    }
}

fn in_order<'a>(
    elders: &'a Elders,
    queue: &'a ReservationQueue,
) -> impl Iterator<Item = (ReservationNo, &'a Reservation)> {
    let queued = queue.iter();
    elders
        .iter()
        .chain(queued.filter_map(|(no, one)| Some((ReservationNo(no), one.as_ref()?))))
}

/// The reservations of a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    elders: Elders,
    queue: ReservationQueue,
}

impl Kept {
    /// Nothing yet. Snapshots of version 1 say the number of the first slot, and every slot follows; later ones say the
    /// number that the next reservation will get, and give those that are kept.
    pub(crate) fn starting_at(front: u64) -> Self {
        Self {
            elders: Elders::default(),
            queue: Queue::starting_at(front),
        }
    }

    /// The number that the next reservation gets.
    pub(crate) fn next(&self) -> u64 {
        self.queue.back()
    }

    /// How many there are at most.
    pub(crate) fn len(&self) -> usize {
        self.elders.len() + (self.queue.back() - self.queue.front()) as usize
    }

    /// All in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ReservationNo, &Reservation)> {
        in_order(&self.elders, &self.queue)
    }

    /// Takes the next slot of a snapshot of version 1.
    pub(crate) fn push_slot(&mut self, slot: Option<Reservation>) {
        self.queue.push(slot);
    }

    /// Takes the next one that is kept. The queue goes back to the last gap between two numbers.
    pub(crate) fn push(&mut self, no: ReservationNo, one: Reservation) {
        if no.0 != self.queue.back() {
            self.begin_queue(no.0);
        }
        self.queue.push(Some(one));
    }

    /// Ends the queue, if it did not come to `next` yet.
    pub(crate) fn close(&mut self, next: u64) {
        if self.queue.back() < next {
            self.begin_queue(next);
        }
    }

    /// Begins another queue; what is in the one there was are elders.
    fn begin_queue(&mut self, front: u64) {
        let queue = std::mem::replace(&mut self.queue, Queue::starting_at(front));
        for (no, slot) in queue.iter() {
            if let Some(one) = slot {
                self.elders.insert(ReservationNo(no), one.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETENTION: Span = Span::from_secs(100);

    fn second(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// One made each second; each but every tenth is released two seconds later.
    fn a_shop_that_leaves_some_open(seconds: u64) -> Reservations {
        let mut reservations = Reservations::default();
        for at in 0..seconds {
            reservations.add(Reservation {
                made_at: second(at),
                expires_at: Timestamp::MAX,
                ..Reservation::default()
            });
            if let Some(done) = at.checked_sub(2).filter(|no| no % 10 != 0) {
                reservations.end(ReservationNo(done), ReservationState::Released, second(at));
            }
            reservations.forget(RETENTION, second(at), 4);
        }
        reservations
    }

    #[test]
    fn one_that_stays_open_does_not_keep_the_place_of_later_ones() {
        let reservations = a_shop_that_leaves_some_open(10_000);
        let queue = &reservations.queue;
        assert!(queue.back() - queue.front() <= 102, "{}", queue.front());
        // The open ones, and two that ended a little after they were made.
        assert_eq!(reservations.elders.len(), 990 + 2);
        assert_eq!(reservations.iter().count(), 992 + 101);
        let tenth = reservations.get(ReservationNo(10)).unwrap();
        assert_eq!(tenth.made_at, second(10));
        assert_eq!(reservations.get(ReservationNo(11)), None);
    }

    #[test]
    fn an_elder_is_changed_and_forgotten_as_any_other() {
        let mut reservations = a_shop_that_leaves_some_open(1000);
        let no = ReservationNo(10);
        reservations.confirm(no);
        assert_eq!(
            reservations.get(no).unwrap().state,
            ReservationState::Confirmed
        );
        let open = reservations.open();
        reservations.end(no, ReservationState::Fulfilled, second(1000));
        assert_eq!(reservations.open(), open - 1);
        reservations.forget(RETENTION, second(1100), 1000);
        assert!(reservations.get(no).is_some(), "within its retention");
        reservations.forget(RETENTION, second(1101), 1000);
        assert_eq!(reservations.get(no), None);
    }

    #[test]
    fn a_snapshot_gives_back_what_was_kept() {
        let reservations = a_shop_that_leaves_some_open(1000);
        let (kept, ended) = reservations.freeze();
        let mut again = Kept::starting_at(kept.next());
        kept.iter()
            .for_each(|(no, one)| again.push(no, one.clone()));
        again.close(kept.next());
        let again = Reservations::new(again, ended);
        assert!(again.iter().eq(reservations.iter()));
        assert_eq!(again.next_no(), reservations.next_no());
        assert_eq!(again.open(), reservations.open());
        assert_eq!(again.due, reservations.due);
        assert!(again.queue.back() - again.queue.front() >= 101);
    }

    #[test]
    fn a_snapshot_whose_last_ones_are_forgotten_goes_on_with_the_next_number() {
        let mut kept = Kept::starting_at(1000);
        kept.push(ReservationNo(7), Reservation::default());
        kept.close(1000);
        let mut reservations = Reservations::new(kept, EndedQueue::starting_at(0));
        assert_eq!(reservations.next_no(), ReservationNo(1000));
        reservations.add(Reservation::default());
        let kept: Vec<_> = reservations.iter().map(|(no, _)| no.0).collect();
        assert_eq!(kept, [7, 1000]);
    }
}
