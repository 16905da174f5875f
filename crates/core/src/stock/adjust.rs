//! A relative change with a reason.

use super::occurred;
use crate::draft::Draft;
use crate::level::{Bucket, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Changes on hand or unavailable by so many units, up or down.
///
/// An adjustment tells what happened to the goods, so it may cut into what is promised: available then falls below
/// zero and shows the shortage. It may not take on hand below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adjust {
    /// Where.
    pub location: LocationId,
    /// What changes.
    pub lines: Lines<AdjustLine>,
    /// The caller's own word for it.
    pub reference: Option<Label>,
    /// When it happened; now if not said.
    pub occurred_at: Option<Timestamp>,
}

/// One line of an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdjustLine {
    /// What.
    pub sku: Sku,
    /// Which way.
    pub direction: Direction,
    /// How many units.
    pub quantity: Quantity,
    /// Why: damaged, stolen, found, expired, ...
    pub reason: Label,
    /// Which number changes.
    pub of: Adjusts,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// More.
    Up,
    /// Less.
    Down,
}

/// The number that an adjustment changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjusts {
    /// On hand.
    #[default]
    OnHand,
    /// Unavailable; on hand stays.
    Unavailable,
}

/// A relative change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The caller's word for it.
    pub reference: Option<Label>,
    /// What changed.
    pub lines: Few<AdjustedLine>,
}

/// One line of an adjustment, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustedLine {
    /// Whose units.
    pub level: LevelNo,
    /// Which number.
    pub of: Adjusts,
    /// Which way.
    pub direction: Direction,
    /// How many.
    pub units: u32,
    /// Why.
    pub reason: Label,
}

pub(crate) fn decide(state: &State, now: Timestamp, command: &Adjust) -> Result<Adjusted, Refusal> {
    let location = state.location(&command.location)?;
    let skus = command.lines.iter().map(|line| &line.sku);
    let levels = state.levels(location, skus)?;
    let occurred_at = occurred(command.occurred_at, now)?;
    let mut draft = Draft::of(&state.directory);
    let mut lines = Few::with_capacity(command.lines.len());
    for ((at, line), level) in command.lines.iter().enumerate().zip(levels) {
        let recorded = AdjustedLine {
            level,
            of: line.of,
            direction: line.direction,
            units: line.quantity.units(),
            reason: line.reason.clone(),
        };
        try_line(&mut draft, at, line, &recorded)?;
        lines.push(recorded);
    }
    Ok(Adjusted {
        occurred_at,
        reference: command.reference.clone(),
        lines,
    })
}

fn try_line(
    draft: &mut Draft<'_>,
    at: usize,
    line: &AdjustLine,
    recorded: &AdjustedLine,
) -> Result<(), Refusal> {
    let movement = recorded.movement();
    let before = draft.level(movement.level);
    let shifted = draft.shift(movement.level, movement.from, movement.to, movement.units);
    let after = draft.level(movement.level);
    let too_much_unavailable = line.of == Adjusts::Unavailable
        && line.direction == Direction::Up
        && i64::from(after.unavailable()) > after.on_hand();
    if shifted.is_ok() && !too_much_unavailable {
        return Ok(());
    }
    let sku = line.sku.clone();
    let grows_on_hand = (line.of, line.direction) == (Adjusts::OnHand, Direction::Up);
    Err(if grows_on_hand {
        Refusal::TooMuch { line: at, sku }
    } else {
        Refusal::BelowZero {
            line: at,
            sku,
            on_hand: before.on_hand(),
        }
    })
}

impl AdjustedLine {
    fn movement(&self) -> Movement {
        let (from, to) = match (self.of, self.direction) {
            (Adjusts::OnHand, Direction::Up) => (Bucket::Outside, Bucket::Free),
            (Adjusts::OnHand, Direction::Down) => (Bucket::Free, Bucket::Outside),
            (Adjusts::Unavailable, Direction::Up) => (Bucket::Free, Bucket::Unavailable),
            (Adjusts::Unavailable, Direction::Down) => (Bucket::Unavailable, Bucket::Free),
        };
        Movement {
            level: self.level,
            from,
            to,
            units: self.units,
        }
    }
}

impl Adjusted {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        self.lines.iter().for_each(|line| each(line.movement()));
    }
}
