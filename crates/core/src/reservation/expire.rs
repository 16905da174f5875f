//! Expiry: what was held goes back when its time is up.
//!
//! Nobody asks for it: before a command is decided at a time, every hold whose time is up by then is expired, first
//! by expiry and then by number, each as an entry of its own. So no command ever sees a hold that should be gone, and
//! no sweeper has to be in time for that.

use super::ReservationState;
use super::promise::{Units, outstanding};
use crate::entry::Stamp;
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::numbers::ReservationNo;
use crate::state::State;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A reservation expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// Which.
    pub reservation: ReservationNo,
    /// When its time was up; the entry may be recorded later, if nothing looked before.
    pub expired_at: Timestamp,
    /// What was given back.
    pub lines: Few<Units>,
}

/// The next expiry that is due at `now`, if any.
pub(crate) fn decide(state: &State, now: Timestamp) -> Option<Expired> {
    let no = state.reservations.first_due(now)?;
    let reservation = state.reservations.get(no)?;
    Some(Expired {
        reservation: no,
        expired_at: reservation.expires_at,
        lines: outstanding(reservation),
    })
}

impl Expired {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(line.moved(Bucket::Reserved, Bucket::Free));
        }
    }

    pub(crate) fn settle(&self, state: &mut State, stamp: &Stamp) {
        let ended = ReservationState::Expired;
        state.reservations.end(self.reservation, ended, stamp.at);
    }
}
