//! Announce: the destination learns of a transfer; its units are in transit there.

use super::{Incoming, Outgoing, TransferId};
use crate::draft::{Draft, Opening};
use crate::level::{Bucket, Movement};
use crate::lines::Few;
use crate::name::LocationId;
use crate::numbers::TransferNo;
use crate::refusal::Refusal;
use crate::reservation::promise::Units;
use crate::state::State;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Tells the destination of a transfer. Given by the engine, never by a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Announce {
    /// The transfer.
    pub transfer: TransferId,
    /// What is on its way.
    pub outgoing: Outgoing,
}

/// A transfer is on its way here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The transfer.
    pub transfer: TransferId,
    /// From where.
    pub from: LocationId,
    /// To where.
    pub to: LocationId,
    /// Every transfer of its source with a lower number has been handed over.
    pub settled: TransferNo,
    /// What is on its way.
    pub lines: Few<Units>,
}

/// What the destination records; `Ok(None)` if it knows of the transfer already. It did know of one that its source says
/// was handed over, though that may have arrived and been forgotten since: whoever tells of it now stood still meanwhile.
pub(crate) fn decide(
    state: &State,
    command: &Announce,
) -> Result<Option<(Vec<Opening>, Announced)>, Refusal> {
    let is_known = state.transfers.was_announced(command.transfer);
    if is_known && !Defect::AnnouncedTwice.is_on() {
        return Ok(None);
    }
    let Outgoing {
        from,
        to,
        settled,
        lines,
    } = &command.outgoing;
    let mut draft = Draft::of(&state.directory);
    let mut known = Few::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let level = draft.open(to, &line.sku);
        let sku = line.sku.clone();
        draft
            .shift(level, Bucket::Outside, Bucket::InTransit, line.units)
            .map_err(|_| Refusal::TooMuch { line: at, sku })?;
        known.push(Units {
            level,
            units: line.units,
        });
    }
    state.check_room_for(&draft)?;
    let announced = Announced {
        transfer: command.transfer,
        from: from.clone(),
        to: to.clone(),
        settled: *settled,
        lines: known,
    };
    Ok(Some((draft.openings(), announced)))
}

impl Announced {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(line.moved(Bucket::Outside, Bucket::InTransit));
        }
    }

    pub(crate) fn settle(&self, state: &mut State) {
        let settled = &mut state.transfers.settled;
        let below = settled.entry(self.transfer.source).or_default();
        *below = self.settled.max(*below);
        let to = state.directory.location(&self.to).unwrap_or_default();
        state.transfers.incoming.insert(
            self.transfer,
            Incoming {
                from: self.from.clone(),
                to,
                arrived_at: None,
                lines: self.lines.clone(),
            },
        );
    }
}
