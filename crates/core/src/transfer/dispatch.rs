//! Dispatch: units leave the source.

use super::{Outgoing, TransferId, TransferLine};
use crate::level::{Bucket, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, TransferNo};
use crate::quantity::Quantity;
use crate::refusal::{Refusal, Shortage};
use crate::reservation::promise::Units;
use crate::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sends units to another location. Only what is promised to nobody can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    /// From where.
    pub from: LocationId,
    /// To where; it need not be known yet.
    pub to: LocationId,
    /// What; the same SKU in two lines counts as the sum.
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
    /// Every transfer from here with a lower number has been handed over.
    pub settled: TransferNo,
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
    let asked = summed(command, &levels)?;
    let short = shortages(state, &asked);
    if !short.is_empty() {
        return Err(Refusal::InsufficientStock(short));
    }
    let units = command.lines.iter().map(|line| line.quantity.units());
    let lines = levels.iter().zip(units);
    Ok(Dispatched {
        transfer: TransferId {
            source: state.partition,
            no: state.transfers.next_no(),
        },
        settled: state.transfers.oldest_waiting(),
        from,
        to: command.to.clone(),
        reference: command.reference.clone(),
        lines: lines
            .map(|(&level, units)| Units { level, units })
            .collect(),
    })
}

/// What is asked of each level, all lines together, in the order the SKUs first came.
fn summed(command: &Dispatch, levels: &[LevelNo]) -> Result<Vec<Units>, Refusal> {
    let mut place: BTreeMap<LevelNo, usize> = BTreeMap::new();
    let mut asked: Vec<Units> = Vec::new();
    for ((at, line), &level) in command.lines.iter().enumerate().zip(levels) {
        let first = *place.entry(level).or_insert(asked.len());
        match asked.get_mut(first) {
            Some(same) => {
                let sum = Quantity::new(same.units + line.quantity.units());
                let sku = line.sku.clone();
                same.units = sum.ok_or(Refusal::TooMuch { line: at, sku })?.units();
            }
            None => asked.push(Units {
                level,
                units: line.quantity.units(),
            }),
        }
    }
    Ok(asked)
}

fn shortages(state: &State, asked: &[Units]) -> Vec<Shortage> {
    let free = |no| state.directory.level(no).map_or(0, |level| level.free());
    let short = asked
        .iter()
        .filter(|one| free(one.level) < i64::from(one.units));
    short
        .map(|one| Shortage {
            sku: state.sku_of(one.level),
            requested: one.units,
            available: u32::try_from(free(one.level)).unwrap_or(0),
        })
        .collect()
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
            settled: self.settled,
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
