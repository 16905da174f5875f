//! Transfers.

use super::field::{field, listed, optional, timestamp};
use super::{
    Consistency, GetTransferResponse, ReceiveTransferResponse, SendTransferRequest,
    SendTransferResponse, TransferLine, TransferState,
};
use crate::json::read::Fault;
use crate::json::transfers::{
    ArrivalAnswer, TransferAnswer, TransferLineAnswer, TransferLineRequest, TransferRequest,
    TransferState as State, TransferView,
};

impl TryFrom<SendTransferRequest> for TransferRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: SendTransferRequest) -> Result<Self, Fault> {
        Ok(Self {
            from: field("/from", &*message.from)?,
            to: field("/to", &*message.to)?,
            lines: listed("/lines", message.lines)?,
            reference: optional("/reference", message.reference)?,
        })
    }
}

impl TryFrom<TransferLine> for TransferLineRequest {
    type Error = Fault;

    fn try_from(message: TransferLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
        })
    }
}

impl From<State> for TransferState {
    fn from(state: State) -> Self {
        match state {
            State::InTransit => Self::InTransit,
            State::Received => Self::Received,
        }
    }
}

fn lines(lines: &[TransferLineAnswer<'_>]) -> Vec<TransferLine> {
    let line = |line: &TransferLineAnswer<'_>| TransferLine {
        sku: line.sku.as_ref().into(),
        quantity: line.quantity,
    };
    lines.iter().map(line).collect()
}

impl From<TransferAnswer<'_>> for SendTransferResponse {
    fn from(answer: TransferAnswer<'_>) -> Self {
        Self {
            id: answer.id.to_string(),
            state: TransferState::from(answer.state).into(),
            lines: lines(&answer.lines),
            from: answer.from.into_owned(),
            to: answer.to.into_owned(),
            reference: answer.reference.map(Into::into),
            sent_at: Some(timestamp(answer.sent_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<ArrivalAnswer<'_>> for ReceiveTransferResponse {
    fn from(answer: ArrivalAnswer<'_>) -> Self {
        Self {
            id: answer.id.to_string(),
            state: TransferState::from(answer.state).into(),
            lines: lines(&answer.lines),
            to: answer.to.into_owned(),
            received_at: Some(timestamp(answer.received_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<&TransferView<'_>> for GetTransferResponse {
    fn from(view: &TransferView<'_>) -> Self {
        Self {
            id: view.id.to_string(),
            state: TransferState::from(view.state).into(),
            from: view.from.as_ref().into(),
            to: view.to.as_ref().into(),
            lines: lines(&view.lines),
            received_at: view.received_at.map(timestamp),
            consistency: Consistency::from(view.consistency).into(),
            sequence: view.sequence,
            age_ms: view.age_ms,
        }
    }
}
