//! Hand over: the destination knows of the transfer, so it leaves the source's outbox.

use crate::numbers::TransferNo;
use crate::refusal::Refusal;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Takes a transfer out of the outbox. Given by the engine, never by a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandOver {
    /// Which.
    pub transfer: TransferNo,
}

/// The destination knows of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// Which.
    pub transfer: TransferNo,
}

pub(crate) fn decide(state: &State, command: &HandOver) -> Result<HandedOver, Refusal> {
    let is_waiting = state.transfers.outbox.get(command.transfer).is_some();
    let transfer = command.transfer;
    is_waiting
        .then_some(HandedOver { transfer })
        .ok_or(Refusal::UnknownTransfer)
}

impl HandedOver {
    pub(crate) fn settle(&self, state: &mut State) {
        state.transfers.outbox.remove(self.transfer);
    }
}
