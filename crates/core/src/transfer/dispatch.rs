//! Dispatch: units leave the source.

use super::{Outgoing, TransferId, TransferLine};
use crate::draft::Draft;
use crate::level::{Bucket, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo};
use crate::quantity::Quantity;
use crate::refusal::{Refusal, Shortage};
use crate::reservation::promise::Units;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Sends units to another location. Only what is promised to nobody can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    /// From where.
    pub from: LocationId,
    /// To where; it need not be known yet.
    pub to: LocationId,
    /// What; the same SKU in two lines is sent twice.
    pub lines: Lines<DispatchLine>,
    /// The caller's own word for it.
    pub reference: Option<Label>,
}

/// One line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DispatchLine {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Units were sent to another location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatched {
    /// The transfer.
    pub transfer: TransferId,
    /// From where.
    pub from: LocationNo,
    /// To where.
    pub to: LocationId,
    /// The caller's word for it.
    pub reference: Option<Label>,
    /// What was sent.
    pub lines: Few<Units>,
}

pub(crate) fn decide(state: &State, command: &Dispatch) -> Result<Dispatched, Refusal> {
    let from = state.location(&command.from)?;
    let skus = command.lines.iter().map(|line| &line.sku);
    let levels = state.levels(from, skus)?;
    if command.from == command.to {
        return Err(Refusal::SameLocation);
    }
    let mut draft = Draft::of(&state.directory);
    let mut lines = Few::new();
    let mut short = Vec::new();
    for (line, level) in command.lines.iter().zip(levels) {
        let units = line.quantity.units();
        let free = draft.level(level).free().max(0);
        let is_enough = free >= i64::from(units)
            && draft
                .shift(level, Bucket::Free, Bucket::Outside, units)
                .is_ok();
        if !is_enough {
            short.push(Shortage {
                sku: line.sku.clone(),
                requested: units,
                available: u32::try_from(free).unwrap_or(u32::MAX),
            });
        }
        lines.push(Units { level, units });
    }
    if !short.is_empty() {
        return Err(Refusal::InsufficientStock(short));
    }
    Ok(Dispatched {
        transfer: TransferId {
            source: state.partition,
            no: state.transfers.next_no(),
        },
        from,
        to: command.to.clone(),
        reference: command.reference.clone(),
        lines,
    })
}

impl Dispatched {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(line.moved(Bucket::Free, Bucket::Outside));
        }
    }

    pub(crate) fn settle(&self, state: &mut State) {
        let name = |level: LevelNo, units| TransferLine {
            sku: state.sku_of(level),
            units,
        };
        let outgoing = Outgoing {
            from: state.location_of(self.from),
            to: self.to.clone(),
            lines: self
                .lines
                .iter()
                .map(|line| name(line.level, line.units))
                .collect(),
        };
        state.transfers.outbox.insert(self.transfer.no, outgoing);
        state.transfers.next = self.transfer.no.0 + 1;
    }
}
