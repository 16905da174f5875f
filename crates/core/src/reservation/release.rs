//! Release: gives back what is still held or allocated.

use super::ReservationState;
use super::promise::{Units, in_state, outstanding};
use crate::entry::Stamp;
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::numbers::ReservationNo;
use crate::refusal::Refusal;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Ends a held or confirmed reservation and gives its units back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Which.
    pub reservation: ReservationNo,
}

/// A reservation was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Which.
    pub reservation: ReservationNo,
    /// Whether its units were allocated; else they were reserved.
    pub was_confirmed: bool,
    /// What was given back.
    pub lines: Few<Units>,
}

pub(crate) fn decide(state: &State, command: &Release) -> Result<Released, Refusal> {
    let no = command.reservation;
    let reservation = in_state(state, no, "held or confirmed", ReservationState::is_open)?;
    Ok(Released {
        reservation: no,
        was_confirmed: reservation.state == ReservationState::Confirmed,
        lines: outstanding(reservation),
    })
}

impl Released {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        let from = if self.was_confirmed {
            Bucket::Allocated
        } else {
            Bucket::Reserved
        };
        for line in &self.lines {
            each(line.moved(from, Bucket::Free));
        }
    }

    pub(crate) fn settle(&self, state: &mut State, stamp: &Stamp) {
        let ended = ReservationState::Released;
        state.reservations.end(self.reservation, ended, stamp.at);
    }
}
