//! Fulfil: the pick. What was picked leaves the shelf; what was not found is a label, and a correction if the policy
//! says so; substitutes leave the shelf in place of what was not found.
//!
//! A picker holds the goods in hand, so a pick is never refused because the record says there are none: if on hand
//! would fall below zero, the missing units are first recorded as a surplus that the record did not know of.

use super::promise::{Units, in_state};
use super::{Reservation, ReservationState};
use crate::draft::Draft;
use crate::entry::Stamp;
use crate::level::{Bucket, Movement, OnNotFound};
use crate::lines::{Few, Lines};
use crate::name::Sku;
use crate::numbers::{LevelNo, ReservationNo};
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::stock::occurred;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tells what was picked for a confirmed reservation, all of it or a part.
///
/// Units of a line that are neither picked nor not found stay allocated; the reservation is fulfilled when none are
/// left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fulfill {
    /// Which.
    pub reservation: ReservationNo,
    /// What happened, each SKU once.
    pub lines: Lines<PickLine>,
    /// When it happened; now if not said.
    pub occurred_at: Option<Timestamp>,
}

/// What happened to one SKU of the reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PickLine {
    /// What.
    pub sku: Sku,
    /// Units picked, at most [`Quantity::MAX`].
    pub picked: u32,
    /// Units not found, at most [`Quantity::MAX`].
    pub not_found: u32,
    /// What was picked in place of what was not found.
    pub substitutions: Vec<Substitution>,
}

/// Units of another SKU picked instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Substitution {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// A pick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilled {
    /// For which reservation.
    pub reservation: ReservationNo,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether nothing is left to pick.
    pub is_complete: bool,
    /// What happened to the lines.
    pub lines: Few<PickedLine>,
    /// What was picked in place of something else.
    pub substitutes: Vec<Substituted>,
    /// Units that were there though the record said they were not.
    pub surplus: Vec<Units>,
}

/// What happened to one line, as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickedLine {
    /// Whose units.
    pub level: LevelNo,
    /// Units picked.
    pub picked: u32,
    /// Units not found.
    pub not_found: u32,
    /// Of those, units by which on hand is corrected.
    pub corrected: u32,
}

/// Units picked in place of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substituted {
    /// In place of what.
    pub instead_of: LevelNo,
    /// What was picked.
    pub picked: Units,
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Fulfill,
) -> Result<Fulfilled, Refusal> {
    let no = command.reservation;
    let is_confirmed = |state| state == ReservationState::Confirmed;
    let reservation = in_state(state, no, "confirmed", is_confirmed)?;
    let occurred_at = occurred(command.occurred_at, now)?;
    let lines = picked_lines(state, reservation, command)?;
    let substitutes = substituted(state, reservation, command, &lines)?;
    let promised: u64 = reservation
        .lines
        .iter()
        .map(|line| u64::from(line.outstanding))
        .sum();
    let done: u64 = lines
        .iter()
        .map(|line| u64::from(line.picked) + u64::from(line.not_found))
        .sum();
    let mut fulfilled = Fulfilled {
        reservation: no,
        occurred_at,
        is_complete: done == promised,
        lines,
        substitutes,
        surplus: Vec::new(),
    };
    fulfilled.reconcile(state)?;
    Ok(fulfilled)
}

fn picked_lines(
    state: &State,
    reservation: &Reservation,
    command: &Fulfill,
) -> Result<Few<PickedLine>, Refusal> {
    let promised: BTreeMap<LevelNo, u32> = reservation
        .lines
        .iter()
        .map(|line| (line.level, line.outstanding))
        .collect();
    let mut seen = BTreeSet::new();
    let mut lines = Few::with_capacity(command.lines.len());
    for (at, line) in command.lines.iter().enumerate() {
        let sku = || line.sku.clone();
        let level = state.level(reservation.location, at, &line.sku).ok();
        let Some((level, outstanding)) = level.and_then(|no| Some((no, *promised.get(&no)?)))
        else {
            return Err(Refusal::NotInReservation {
                line: at,
                sku: sku(),
            });
        };
        if !seen.insert(level) {
            return Err(Refusal::SkuTwice {
                line: at,
                sku: sku(),
            });
        }
        if u64::from(line.picked) + u64::from(line.not_found) > u64::from(outstanding) {
            return Err(Refusal::MoreThanPromised {
                line: at,
                sku: sku(),
                outstanding,
            });
        }
        lines.push(PickedLine {
            level,
            picked: line.picked,
            not_found: line.not_found,
            corrected: 0,
        });
    }
    Ok(lines)
}

fn substituted(
    state: &State,
    reservation: &Reservation,
    command: &Fulfill,
    lines: &[PickedLine],
) -> Result<Vec<Substituted>, Refusal> {
    let mut found = Vec::new();
    for (at, (line, picked)) in command.lines.iter().zip(lines).enumerate() {
        for substitution in &line.substitutions {
            let level = state.level(reservation.location, at, &substitution.sku)?;
            found.push(Substituted {
                instead_of: picked.level,
                picked: Units {
                    level,
                    units: substitution.quantity.units(),
                },
            });
        }
    }
    Ok(found)
}

impl Fulfilled {
    /// Finds the surplus that the picks prove, then how far a not-found may correct on hand.
    fn reconcile(&mut self, state: &State) -> Result<(), Refusal> {
        let mut draft = Draft::of(&state.directory);
        let full = |_| Refusal::Full("the level of a picked SKU");
        let picks = self
            .lines
            .iter()
            .map(|line| (line.level, line.picked, Bucket::Allocated));
        let substitutes = self.substitutes.iter();
        let substitutes = substitutes.map(|one| (one.picked.level, one.picked.units, Bucket::Free));
        for (level, units, from) in picks.chain(substitutes) {
            let missing = (i64::from(units) - draft.level(level).on_hand()).max(0);
            let missing = u32::try_from(missing).unwrap_or(u32::MAX);
            if missing > 0 {
                draft
                    .shift(level, Bucket::Outside, Bucket::Free, missing)
                    .map_err(full)?;
                self.surplus.push(Units {
                    level,
                    units: missing,
                });
            }
            draft
                .shift(level, from, Bucket::Outside, units)
                .map_err(full)?;
        }
        for line in &mut self.lines {
            let level = draft.level(line.level);
            if level.policy.on_not_found == OnNotFound::Correct {
                let there = u32::try_from(level.on_hand()).unwrap_or(0);
                line.corrected = line.not_found.min(there);
            }
        }
        Ok(())
    }

    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for one in &self.surplus {
            each(one.moved(Bucket::Outside, Bucket::Free));
        }
        for line in &self.lines {
            let units = |units| Units {
                level: line.level,
                units,
            };
            each(units(line.picked).moved(Bucket::Allocated, Bucket::Outside));
        }
        for one in &self.substitutes {
            each(one.picked.moved(Bucket::Free, Bucket::Outside));
        }
        for line in &self.lines {
            let units = |units| Units {
                level: line.level,
                units,
            };
            each(units(line.corrected).moved(Bucket::Allocated, Bucket::Outside));
            each(units(line.not_found - line.corrected).moved(Bucket::Allocated, Bucket::Free));
        }
    }

    pub(crate) fn settle(&self, state: &mut State, stamp: &Stamp) {
        let no = self.reservation;
        let picks: BTreeMap<LevelNo, &PickedLine> =
            self.lines.iter().map(|line| (line.level, line)).collect();
        state.reservations.change_lines(no, |line| {
            if let Some(pick) = picks.get(&line.level) {
                line.outstanding -= pick.picked + pick.not_found;
                line.picked += pick.picked;
                line.not_found += pick.not_found;
            }
        });
        if self.is_complete {
            state
                .reservations
                .end(no, ReservationState::Fulfilled, stamp.at);
        }
    }
}
