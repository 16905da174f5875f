//! Confirm: the order is placed; what was reserved becomes allocated and does not expire any more.

use super::ReservationState;
use super::promise::{Units, in_state, outstanding};
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::numbers::ReservationNo;
use crate::refusal::Refusal;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Confirms a held reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirm {
    /// Which.
    pub reservation: ReservationNo,
}

/// A reservation was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Which.
    pub reservation: ReservationNo,
    /// What it holds.
    pub lines: Few<Units>,
}

pub(crate) fn decide(state: &State, command: &Confirm) -> Result<Confirmed, Refusal> {
    let is_held = |state| state == ReservationState::Held;
    let reservation = in_state(state, command.reservation, "held", is_held)?;
    Ok(Confirmed {
        reservation: command.reservation,
        lines: outstanding(reservation),
    })
}

impl Confirmed {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(line.moved(Bucket::Reserved, Bucket::Allocated));
        }
    }

    pub(crate) fn settle(&self, state: &mut State) {
        state.reservations.confirm(self.reservation);
    }
}
