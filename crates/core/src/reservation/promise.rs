//! What a reservation still holds, as lines that an entry carries.

use super::{Reservation, ReservationState};
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::numbers::{LevelNo, ReservationNo};
use crate::refusal::Refusal;
use crate::state::State;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Units of a level that change hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Whose.
    pub level: LevelNo,
    /// How many.
    pub units: u32,
}

impl Units {
    pub(crate) fn moved(&self, from: Bucket, to: Bucket) -> Movement {
        Movement {
            level: self.level,
            from,
            to,
            units: self.units,
        }
    }
}

/// What the reservation still holds, line by line; lines that hold nothing are left out.
pub(crate) fn holding(reservation: &Reservation) -> impl Iterator<Item = Units> {
    let lines = reservation.lines.iter().filter(|line| line.outstanding > 0);
    lines.map(|line| Units {
        level: line.level,
        units: line.outstanding,
    })
}

/// What the reservation still holds, to be recorded.
pub(crate) fn outstanding(reservation: &Reservation) -> Few<Units> {
    let mut lines: Few<Units> = holding(reservation).collect();
    let is_short = |line: &super::ReservationLine| line.reserved < line.requested;
    if Defect::PartialLeaksALine.is_on() && reservation.lines.iter().any(is_short) {
        lines.pop();
    }
    lines
}

/// The reservation, whatever its state.
pub(crate) fn in_any_state(state: &State, no: ReservationNo) -> Result<&Reservation, Refusal> {
    state
        .reservations
        .get(no)
        .ok_or(Refusal::UnknownReservation)
}

/// The reservation, if it is in a state that `allows` says will do.
pub(crate) fn in_state<'a>(
    state: &'a State,
    no: ReservationNo,
    needs: &'static str,
    allows: impl Fn(ReservationState) -> bool,
) -> Result<&'a Reservation, Refusal> {
    let reservation = in_any_state(state, no)?;
    if !allows(reservation.state) {
        return Err(Refusal::WrongState {
            state: reservation.state,
            needs,
        });
    }
    Ok(reservation)
}
