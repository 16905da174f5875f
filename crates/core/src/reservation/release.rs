//! Release: gives back what is still held or allocated.

use super::promise::{Units, in_state, outstanding};
use super::{Reservation, ReservationState};
use crate::entry::Stamp;
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::numbers::ReservationNo;
use crate::refusal::Refusal;
use crate::state::State;
use onhand_planted::Defect;
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
    let is_ended = |state| state == ReservationState::Released && Defect::ReleaseTwice.is_on();
    let allows = |state: ReservationState| state.is_open() || is_ended(state);
    let reservation = in_state(state, no, "held or confirmed", allows)?;
    let lines = match is_ended(reservation.state) {
        true => once_more(reservation),
        false => outstanding(reservation),
    };
    Ok(Released {
        reservation: no,
        was_confirmed: reservation.state == ReservationState::Confirmed,
        lines,
    })
}

/// A planted defect: what was given back already.
fn once_more(reservation: &Reservation) -> Few<Units> {
    let lines = reservation.lines.iter();
    lines
        .map(|line| Units {
            level: line.level,
            units: line.reserved,
        })
        .collect()
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
