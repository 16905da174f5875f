//! Goods left through the till, without a reservation.
//!
//! The till is believed, as a picker is: the goods are gone. If more was sold than is on hand, the missing units are
//! first recorded as a surplus that the record did not know of, so on hand never falls below zero. What was sold may
//! have been promised to somebody else: available then falls below zero and shows the shortage, as after a count.

use super::occurred;
use crate::draft::{Draft, Opening};
use crate::level::{Bucket, Movement, OutOfBounds};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Takes what was sold off on hand. Opens levels that are new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sell {
    /// Where.
    pub location: LocationId,
    /// What was sold; the same SKU may stand in several lines.
    pub lines: Lines<SellLine>,
    /// The caller's own word for it, such as a till receipt.
    pub reference: Option<Label>,
    /// When it was sold, within the count window; now if not said.
    pub sold_at: Option<Timestamp>,
}

/// One line of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SellLine {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Goods were sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// When it happened; the entry's stamp says when it was known.
    pub sold_at: Timestamp,
    /// The caller's word for it.
    pub reference: Option<Label>,
    /// What was sold.
    pub lines: Few<SoldLine>,
}

/// One line of a sale, as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLine {
    /// Whose units.
    pub level: LevelNo,
    /// How many.
    pub units: u32,
    /// Of those, units that were there though the record said they were not.
    pub surplus: u32,
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Sell,
) -> Result<(Vec<Opening>, Sold), Refusal> {
    let sold_at = occurred(command.sold_at, now)?;
    let oldest = now.minus(state.settings.count_window);
    if sold_at < oldest {
        return Err(Refusal::TooOld { oldest });
    }
    let mut draft = Draft::of(&state.directory);
    let mut lines = Few::with_capacity(command.lines.len());
    for (at, line) in command.lines.iter().enumerate() {
        let level = draft.open(&command.location, &line.sku);
        let sold = sell(&mut draft, level, line.quantity.units());
        lines.push(sold.map_err(|OutOfBounds| Refusal::TooMuch {
            line: at,
            sku: line.sku.clone(),
        })?);
    }
    state.check_room_for(&draft)?;
    let reference = command.reference.clone();
    let sold = Sold {
        sold_at,
        reference,
        lines,
    };
    Ok((draft.openings(), sold))
}

fn sell(draft: &mut Draft<'_>, level: LevelNo, units: u32) -> Result<SoldLine, OutOfBounds> {
    let missing = (i64::from(units) - draft.level(level).on_hand()).max(0);
    let sold = SoldLine {
        level,
        units,
        surplus: u32::try_from(missing).map_err(|_| OutOfBounds)?,
    };
    for movement in sold.movements() {
        draft.shift(level, movement.from, movement.to, movement.units)?;
    }
    Ok(sold)
}

impl SoldLine {
    fn movements(&self) -> [Movement; 2] {
        let moved = |from, to, units| Movement {
            level: self.level,
            from,
            to,
            units,
        };
        [
            moved(Bucket::Outside, Bucket::Free, self.surplus),
            moved(Bucket::Free, Bucket::Outside, self.units),
        ]
    }
}

impl Sold {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        self.lines
            .iter()
            .flat_map(SoldLine::movements)
            .for_each(each);
    }
}
