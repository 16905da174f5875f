//! Arrive: what was in transit is on hand.

use super::TransferId;
use crate::draft::Draft;
use crate::entry::Stamp;
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::refusal::Refusal;
use crate::reservation::promise::Units;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Receives a transfer at its destination, all of it. What is missing is adjusted afterwards, with a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arrive {
    /// Which.
    pub transfer: TransferId,
}

/// A transfer arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Which.
    pub transfer: TransferId,
    /// What came in.
    pub lines: Few<Units>,
}

pub(crate) fn decide(state: &State, command: &Arrive) -> Result<Arrived, Refusal> {
    let transfer = command.transfer;
    let incoming = state
        .transfers
        .incoming(transfer)
        .ok_or(Refusal::UnknownTransfer)?;
    if incoming.arrived_at.is_some() {
        return Err(Refusal::AlreadyReceived);
    }
    let mut draft = Draft::of(&state.directory);
    for (at, line) in incoming.lines.iter().enumerate() {
        draft
            .shift(line.level, Bucket::InTransit, Bucket::Free, line.units)
            .map_err(|_| Refusal::TooMuch {
                line: at,
                sku: state.sku_of(line.level),
            })?;
    }
    Ok(Arrived {
        transfer,
        lines: incoming.lines.clone(),
    })
}

impl Arrived {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(line.moved(Bucket::InTransit, Bucket::Free));
        }
    }

    pub(crate) fn settle(&self, state: &mut State, stamp: &Stamp) {
        if let Some(incoming) = state.transfers.incoming.get_mut(self.transfer) {
            incoming.arrived_at = Some(stamp.at);
            state.transfers.arrived.push(self.transfer);
        }
    }
}
