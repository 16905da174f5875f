//! Fulfil: the pick. What was picked leaves the shelf; what was not found is a label, and a correction if the policy
//! says so; substitutes leave the shelf in place of what was not found.
//!
//! A picker holds the goods in hand, so a pick is never refused because the record says there are none: if on hand
//! would fall below zero, the missing units are first recorded as a surplus that the record did not know of.

use super::promise::{Units, in_any_state, in_state};
use super::{Reservation, ReservationState};
use crate::draft::Draft;
use crate::entry::Stamp;
use crate::level::{Bucket, Movement, OnNotFound, OutOfBounds};
use crate::lines::{Few, Lines};
use crate::name::Sku;
use crate::numbers::{LevelNo, ReservationNo};
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::stock::occurred;
use crate::time::Timestamp;
use onhand_planted::Defect;
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
    let reservation = in_any_state(state, no)?;
    let levels = line_levels(state, reservation, command)?;
    let substitutes = substituted(state, reservation, command, &levels)?;
    let is_confirmed = |state| state == ReservationState::Confirmed;
    in_state(state, no, "confirmed", is_confirmed)?;
    let occurred_at = occurred(command.occurred_at, now)?;
    let (lines, left) = picked_lines(reservation, command, &levels)?;
    let mut fulfilled = Fulfilled {
        reservation: no,
        occurred_at,
        is_complete: left == 0,
        lines,
        substitutes,
        surplus: Vec::new(),
    };
    fulfilled.reconcile(state, command)?;
    Ok(fulfilled)
}

/// The levels of the lines, all of which must be part of the reservation.
fn line_levels(
    state: &State,
    reservation: &Reservation,
    command: &Fulfill,
) -> Result<Few<LevelNo>, Refusal> {
    let reserved: BTreeSet<LevelNo> = reservation.lines.iter().map(|line| line.level).collect();
    let level = |(at, line): (usize, &PickLine)| {
        let level = state.level(reservation.location, at, &line.sku).ok();
        let sku = line.sku.clone();
        level
            .filter(|no| reserved.contains(no))
            .ok_or(Refusal::NotInReservation { line: at, sku })
    };
    command.lines.iter().enumerate().map(level).collect()
}

fn substituted(
    state: &State,
    reservation: &Reservation,
    command: &Fulfill,
    levels: &[LevelNo],
) -> Result<Vec<Substituted>, Refusal> {
    let mut found = Vec::new();
    for ((at, line), &instead_of) in command.lines.iter().enumerate().zip(levels) {
        for substitution in &line.substitutions {
            let level = state.level(reservation.location, at, &substitution.sku)?;
            let units = substitution.quantity.units();
            found.push(Substituted {
                instead_of,
                picked: Units { level, units },
            });
        }
    }
    Ok(found)
}

/// What was picked, line by line, and how many units the reservation holds after it.
fn picked_lines(
    reservation: &Reservation,
    command: &Fulfill,
    levels: &[LevelNo],
) -> Result<(Few<PickedLine>, u64), Refusal> {
    let lines = reservation.lines.iter();
    let promised: BTreeMap<LevelNo, u32> =
        lines.map(|line| (line.level, line.outstanding)).collect();
    let mut left: u64 = promised.values().map(|units| u64::from(*units)).sum();
    let mut seen = BTreeSet::new();
    let mut picked = Few::with_capacity(command.lines.len());
    for ((at, line), &level) in command.lines.iter().enumerate().zip(levels) {
        let sku = || line.sku.clone();
        if !seen.insert(level) {
            return Err(Refusal::SkuTwice {
                line: at,
                sku: sku(),
            });
        }
        let outstanding = promised.get(&level).copied().unwrap_or(0);
        let done = u64::from(line.picked) + u64::from(line.not_found);
        if done > u64::from(outstanding) {
            return Err(Refusal::MoreThanPromised {
                line: at,
                sku: sku(),
                outstanding,
            });
        }
        left -= done;
        picked.push(PickedLine {
            level,
            picked: line.picked,
            not_found: line.not_found,
            corrected: 0,
        });
    }
    Ok((picked, left))
}

impl Fulfilled {
    /// Finds the surplus that the picks prove, then how far a not-found may correct on hand.
    fn reconcile(&mut self, state: &State, command: &Fulfill) -> Result<(), Refusal> {
        let taken = self.taken();
        let on_hand = |no| state.directory.level(no).map_or(0, |level| level.on_hand());
        for (&level, &units) in &taken {
            let missing = (units as i64 - on_hand(level)).max(0);
            if missing > 0 {
                let units = u32::try_from(missing).map_err(|_| too_much(command))?;
                self.surplus.push(Units { level, units });
            }
        }
        for line in &mut self.lines {
            let level = state.directory.level(line.level);
            if level.is_some_and(|level| level.policy().on_not_found == OnNotFound::Correct) {
                let taken = taken.get(&line.level).map_or(0, |units| *units as i64);
                let there = u32::try_from(on_hand(line.level) - taken).unwrap_or(0);
                line.corrected = line.not_found.min(there);
            }
        }
        self.try_movements(state).map_err(|_| too_much(command))
    }

    /// The units that leave each level, as lines or as substitutes.
    fn taken(&self) -> BTreeMap<LevelNo, u64> {
        let mut taken = BTreeMap::new();
        let lines = self.lines.iter().map(|line| (line.level, line.picked));
        let substitutes = self.substitutes.iter().map(|one| one.picked);
        for (level, units) in lines.chain(substitutes.map(|one| (one.level, one.units))) {
            *taken.entry(level).or_default() += u64::from(units);
        }
        taken
    }

    fn try_movements(&self, state: &State) -> Result<(), OutOfBounds> {
        let mut draft = Draft::of(&state.directory);
        let mut outcome = Ok(());
        self.movements(&mut |one| {
            if outcome.is_ok() {
                outcome = draft.shift(one.level, one.from, one.to, one.units);
            }
        });
        outcome
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
            if Defect::ShortPickKeepsThePromise.is_on() {
                continue;
            }
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

/// A pick of more units than a level can ever hold.
fn too_much(command: &Fulfill) -> Refusal {
    let units = |line: &PickLine| {
        let substitutes = line.substitutions.iter();
        u64::from(line.picked)
            + substitutes
                .map(|one| u64::from(one.quantity.units()))
                .sum::<u64>()
    };
    let lines = command.lines.iter().enumerate();
    let largest = lines.max_by_key(|(_, line)| units(line));
    let (line, largest) = largest.expect("a request has at least one line");
    Refusal::TooMuch {
        line,
        sku: largest.sku.clone(),
    }
}
