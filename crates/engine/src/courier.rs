//! The courier: carries dispatched transfers to their destination's partition.
//!
//! A transfer is three entries in two ledgers (see [`onhand_core::transfer`]). The courier asks an outbox, announces
//! what lies there, and hands it over. Every step may be repeated, so the courier keeps nothing: after a crash it
//! looks into the outboxes again.

use crate::engine::Engine;
use crate::machine::{Answer, Request, Unavailable};
use crate::origin::Origin;
use crate::query::{Found, Query, What};
use onhand_core::transfer::{Outgoing, announce::Announce, hand_over::HandOver};
use onhand_core::{Command, TransferId, TransferNo};
use onhand_log::disk::Disk;
use onhand_planted::Defect;

/// Delivers what lies in the outboxes.
pub(crate) async fn round<D: Disk + Clone>(engine: &Engine<D>) {
    for partition in 0..engine.partitions() {
        if Defect::CourierAsleep.is_on() {
            return;
        }
        if let Err(error) = empty_outbox(engine, partition).await {
            tracing::debug!(partition, %error, "transfers wait in the outbox");
        }
    }
}

async fn empty_outbox<D: Disk + Clone>(
    engine: &Engine<D>,
    partition: u16,
) -> Result<(), Unavailable> {
    let outbox = Request::Query(Query::Outbox);
    let answer = engine.call_own(partition, outbox).await;
    let Answer::Found(Found {
        what: What::Outbox(outbox),
        ..
    }) = answer
    else {
        return Err(unavailable(answer));
    };
    let mut undelivered = 0;
    // What cannot be delivered does not hold up what comes after it.
    for (no, outgoing) in outbox {
        let id = TransferId {
            source: partition,
            no,
        };
        if let Err(error) = deliver(engine, None, id, outgoing).await {
            tracing::warn!(partition, transfer = no.0, %error, "a transfer waits in the outbox");
            undelivered += 1;
        }
    }
    engine.metrics(partition).undelivered(undelivered);
    Ok(())
}

/// Waits until all that a partition answered is durable. What was dispatched must not be announced before: if it were
/// lost and the announcement kept, its units would be in two places.
///
/// # Errors
/// The partition cannot answer.
pub(crate) async fn make_durable<D: Disk + Clone>(
    engine: &Engine<D>,
    origin: Origin,
    partition: u16,
) -> Result<(), Unavailable> {
    let asked = Request::Query(Query::Durable);
    match engine.call_from(origin, partition, asked).await {
        Answer::Found(_) => Ok(()),
        other => Err(unavailable(other)),
    }
}

/// Delivers one transfer now: in the courier's turn, or in that of a client that waits for it.
/// What fails here is done by the courier's next round.
///
/// # Errors
/// A partition cannot answer, or the destination refused.
pub(crate) async fn deliver<D: Disk + Clone>(
    engine: &Engine<D>,
    client: Option<Origin>,
    id: TransferId,
    outgoing: Outgoing,
) -> Result<(), Unavailable> {
    let to = engine.partition_of(&outgoing.to);
    let announcement = announce(id, outgoing);
    let announced = is_done(engine.call_for(client, to, announcement).await);
    if !Defect::HandOverUnannounced.is_on() {
        announced?;
    }
    is_done(engine.call_for(client, id.source, hand_over(id.no)).await)
}

fn announce(transfer: TransferId, outgoing: Outgoing) -> Request {
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
