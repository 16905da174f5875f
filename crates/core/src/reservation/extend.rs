//! Extend: a held reservation expires later (or sooner).

use super::ReservationState;
use super::promise::in_state;
use crate::numbers::ReservationNo;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Gives a held reservation a new time to live, from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extend {
    /// Which.
    pub reservation: ReservationNo,
    /// For how long from now.
    pub ttl: Span,
}

/// A reservation expires at another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// Which.
    pub reservation: ReservationNo,
    /// When it expires now.
    pub expires_at: Timestamp,
}

pub(crate) fn decide(state: &State, now: Timestamp, command: &Extend) -> Result<Extended, Refusal> {
    let is_held = |state| state == ReservationState::Held;
    in_state(state, command.reservation, "held", is_held)?;
    Ok(Extended {
        reservation: command.reservation,
        expires_at: now.plus(command.ttl),
    })
}

impl Extended {
    pub(crate) fn settle(&self, state: &mut State) {
        state
            .reservations
            .reschedule(self.reservation, self.expires_at);
    }
}
