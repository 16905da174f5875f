//! Reserve: hold units for a buyer until a time.

use super::{Reservation, ReservationLine, ReservationState};
use crate::ahead::Ahead;
use crate::entry::Stamp;
use crate::level::{Bucket, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, ReservationNo};
use crate::quantity::Quantity;
use crate::refusal::{Refusal, Shortage};
use crate::state::State;
use crate::time::{Span, Timestamp};
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Holds units of every line, or of none; with `allow_partial` as much of each as there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Where.
    pub location: LocationId,
    /// What; the same SKU in two lines counts as the sum.
    pub lines: Lines<HoldLine>,
    /// For how long.
    pub ttl: Span,
    /// Whether less than asked for will do, as long as it is something.
    pub allow_partial: bool,
    /// The caller's own word for it, such as a cart.
    pub reference: Option<Label>,
}

/// One line of a request to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldLine {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Units are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The reservation.
    pub reservation: ReservationNo,
    /// Where its units are.
    pub location: LocationNo,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether less than asked for was allowed.
    pub allow_partial: bool,
    /// The caller's word for it.
    pub reference: Option<Label>,
    /// Its lines, one a SKU, in the order the SKUs first came.
    pub lines: Few<HeldLine>,
}

/// One line of a reservation, as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLine {
    /// Whose units.
    pub level: LevelNo,
    /// Units asked for.
    pub requested: u32,
    /// Units held.
    pub reserved: u32,
}

impl Hold {
    pub(crate) fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.lines.iter().map(|line| &line.sku)
    }
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Hold,
    ahead: &Ahead,
) -> Result<Held, Refusal> {
    let (location, levels) = named(state, command, ahead)?;
    let mut lines = summed(command, &levels)?;
    if state.reservations.open() as u64 >= state.settings.most_open_reservations {
        return Err(Refusal::Full("open reservations"));
    }
    for line in &mut lines {
        line.reserved = line.requested.min(promisable(state, line.level));
    }
    let is_enough = if command.allow_partial {
        lines.iter().any(|line| line.reserved > 0)
    } else {
        lines.iter().all(|line| line.reserved == line.requested)
    };
    if !is_enough {
        return Err(shortages(state, &lines));
    }
    Ok(Held {
        reservation: state.reservations.next_no(),
        location,
        expires_at: now.plus(command.ttl),
        allow_partial: command.allow_partial,
        reference: command.reference.clone(),
        lines,
    })
}

fn named(
    state: &State,
    command: &Hold,
    ahead: &Ahead,
) -> Result<(LocationNo, Few<LevelNo>), Refusal> {
    let look = || {
        let location = state.location(&command.location)?;
        let levels = state.levels(location, command.skus())?;
        Ok((location, levels))
    };
    match ahead.all() {
        Some(found) => {
            debug_assert_eq!(Ok(found), look().as_ref(), "found for another request");
            Ok(found.clone())
        }
        None => look(),
    }
}

fn promisable(state: &State, level: LevelNo) -> u32 {
    state
        .directory
        .level(level)
        .map_or(0, |level| level.promisable())
}

/// The lines by level, each level once, with the sum of what is asked of it.
fn summed(command: &Hold, levels: &[LevelNo]) -> Result<Few<HeldLine>, Refusal> {
    let mut lines: Few<HeldLine> = Few::with_capacity(command.lines.len());
    let mut place: BTreeMap<LevelNo, usize> = BTreeMap::new();
    let has_one_line = command.lines.len() == 1;
    for ((at, line), &level) in command.lines.iter().enumerate().zip(levels) {
        let units = line.quantity.units();
        let first = if has_one_line {
            0
        } else if Defect::SameSkuLineByLine.is_on() {
            lines.len()
        } else {
            *place.entry(level).or_insert(lines.len())
        };
        match lines.get_mut(first) {
            Some(same) => {
                let sum = same.requested + units;
                same.requested = Quantity::new(sum)
                    .ok_or_else(|| Refusal::TooMuch {
                        line: at,
                        sku: line.sku.clone(),
                    })?
                    .units();
            }
            None => lines.push(HeldLine {
                level,
                requested: units,
                reserved: 0,
            }),
        }
    }
    Ok(lines)
}

fn shortages(state: &State, lines: &[HeldLine]) -> Refusal {
    let short = lines.iter().filter(|line| line.reserved < line.requested);
    Refusal::InsufficientStock(
        short
            .map(|line| Shortage {
                sku: state.sku_of(line.level),
                requested: line.requested,
                available: line.reserved,
            })
            .collect(),
    )
}

impl Held {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        for line in &self.lines {
            each(Movement {
                level: line.level,
                from: Bucket::Free,
                to: Bucket::Reserved,
                units: line.reserved,
            });
        }
    }

    pub(crate) fn settle(&self, state: &mut State, stamp: &Stamp) {
        let lines = self.lines.iter().map(|line| ReservationLine {
            level: line.level,
            requested: line.requested,
            reserved: line.reserved,
            outstanding: line.reserved,
            ..ReservationLine::default()
        });
        state.reservations.add(Reservation {
            state: ReservationState::Held,
            location: self.location,
            made_by: stamp.seq,
            made_at: stamp.at,
            expires_at: self.expires_at,
            ended_at: Timestamp::default(),
            lines: lines.collect(),
        });
    }
}
