//! The courier: carries dispatched transfers to their destination's partition.
//!
//! A transfer is three entries in two ledgers (see [`onhand_core::transfer`]). The courier asks an outbox, announces
//! what lies there, and hands it over. Every step may be repeated, so the courier keeps nothing: after a crash it
//! looks into the outboxes again.

use crate::engine::{Engine, call};
use crate::machine::{Answer, Request, Unavailable};
use crate::query::{Found, Query, What};
use onhand_core::transfer::{Outgoing, announce::Announce, hand_over::HandOver};
use onhand_core::{Command, TransferId, TransferNo};

/// Delivers what lies in the outboxes.
pub(crate) fn round(engine: &Engine) {
    for partition in 0..engine.partitions() {
        if let Err(error) = empty_outbox(engine, partition) {
            tracing::debug!(partition, %error, "transfers wait in the outbox");
        }
    }
}

fn empty_outbox(engine: &Engine, partition: u16) -> Result<(), Unavailable> {
    let answer = engine.call_blocking(partition, Request::Query(Query::Outbox));
    let Answer::Found(Found {
        what: What::Outbox(outbox),
        ..
    }) = answer
    else {
        return Err(unavailable(answer));
    };
    // What cannot be delivered does not hold up what comes after it.
    for (no, outgoing) in outbox {
        if let Err(error) = carry(engine, partition, no, outgoing) {
            tracing::warn!(partition, transfer = no.0, %error, "a transfer waits in the outbox");
        }
    }
    Ok(())
}

fn carry(
    engine: &Engine,
    partition: u16,
    no: TransferNo,
    outgoing: Outgoing,
) -> Result<(), Unavailable> {
    let to = engine.partition_of(&outgoing.to);
    is_done(engine.call_blocking(to, announce(partition, no, outgoing)))?;
    is_done(engine.call_blocking(partition, hand_over(no)))
}

/// Delivers one transfer now, so that a client that dispatched it can receive it at once. What fails here is done by
/// the courier's next round.
///
/// # Errors
/// A partition cannot answer, or the destination refused.
pub(crate) async fn deliver(
    engine: &Engine,
    id: TransferId,
    outgoing: Outgoing,
) -> Result<(), Unavailable> {
    let to = engine.partition_of(&outgoing.to);
    is_done(call(engine, to, announce(id.source, id.no, outgoing)).await)?;
    is_done(call(engine, id.source, hand_over(id.no)).await)
}

fn announce(source: u16, no: TransferNo, outgoing: Outgoing) -> Request {
    let transfer = TransferId { source, no };
    internal(Command::Announce(Announce { transfer, outgoing }))
}

fn hand_over(transfer: TransferNo) -> Request {
    internal(Command::HandOver(HandOver { transfer }))
}

fn internal(command: Command) -> Request {
    Request::Command {
        key: None,
        command,
        at: None,
    }
}

/// A hand-over refused as unknown was done before; that is as good.
fn is_done(answer: Answer) -> Result<(), Unavailable> {
    match answer {
        Answer::Recorded(_) | Answer::Nothing | Answer::Repeated(_) => Ok(()),
        Answer::Refused(onhand_core::Refusal::UnknownTransfer) => Ok(()),
        other => Err(unavailable(other)),
    }
}

fn unavailable(answer: Answer) -> Unavailable {
    match answer {
        Answer::Unavailable(why) => why,
        other => Unavailable::LogUnavailable(format!("unexpected answer {other:?}")),
    }
}
