//! Goods came in.

use super::occurred;
use crate::draft::{Draft, Opening};
use crate::level::{Bucket, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Adds units to on hand. Opens levels that are new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receive {
    /// Where.
    pub location: LocationId,
    /// What came in; the same SKU may stand in several lines, with other lots.
    pub lines: Lines<ReceiveLine>,
    /// The caller's own word for it, such as a delivery note.
    pub reference: Option<Label>,
    /// When it happened; now if not said.
    pub occurred_at: Option<Timestamp>,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiveLine {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
    /// Of which lot.
    pub lot: Option<Label>,
    /// Until when it keeps, as days since 1970-01-01.
    pub expires_on: Option<u32>,
}

/// Goods came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The caller's word for it.
    pub reference: Option<Label>,
    /// What came in.
    pub lines: Few<ReceivedLine>,
}

/// One line of a receipt, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedLine {
    /// Whose units.
    pub level: LevelNo,
    /// How many.
    pub units: u32,
    /// Of which lot.
    pub lot: Option<Label>,
    /// Until when it keeps, as days since 1970-01-01.
    pub expires_on: Option<u32>,
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Receive,
) -> Result<(Vec<Opening>, Received), Refusal> {
    let occurred_at = occurred(command.occurred_at, now)?;
    let mut draft = Draft::of(&state.directory);
    let mut lines = Few::with_capacity(command.lines.len());
    for (at, line) in command.lines.iter().enumerate() {
        let level = draft.open(&command.location, &line.sku);
        let units = line.quantity.units();
        draft
            .shift(level, Bucket::Outside, Bucket::Free, units)
            .map_err(|_| Refusal::TooMuch {
                line: at,
                sku: line.sku.clone(),
            })?;
        lines.push(ReceivedLine {
            level,
            units,
            lot: line.lot.clone().filter(|_| !Defect::LabelDropped.is_on()),
            expires_on: line.expires_on,
        });
    }
    state.check_room_for(&draft)?;
    let reference = command.reference.clone();
    let received = Received {
        occurred_at,
        reference,
        lines,
    };
    Ok((draft.openings(), received))
}

impl Received {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(Movement {
                level: line.level,
                from: Bucket::Outside,
                to: Bucket::Free,
                units: line.units,
            });
        }
    }
}
