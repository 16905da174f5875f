//! An absolute count, as of a time.
//!
//! The problem: a count (or a merchant's file) says how much stood on the shelf at `as_of`, and comes in later. What
//! the ledger knows to have happened after `as_of` is applied on top: on hand becomes the counted units plus the net
//! change since. A count older than the level's newest one says nothing new: it is recorded as superseded and changes
//! nothing. If more is known to have left since than was counted, on hand becomes zero: a shelf cannot hold less.

use crate::draft::{Draft, Opening};
use crate::journal;
use crate::level::{Bucket, Level, Movement};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Sets on hand to what was counted, brought up to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Where.
    pub location: LocationId,
    /// The moment that the count speaks of.
    pub as_of: Timestamp,
    /// Who counted: a person, a feed.
    pub source: Label,
    /// Whether what is not in the lines was counted as zero.
    pub complete: bool,
    /// What was counted, each SKU once.
    pub lines: Lines<CountLine>,
}

/// One line of a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountLine {
    /// What.
    pub sku: Sku,
    /// Units that stood there, 0 to [`Quantity::MAX`].
    pub on_hand: u32,
}

/// A count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The moment that it speaks of.
    pub as_of: Timestamp,
    /// Who counted.
    pub source: Label,
    /// Whether what was not named counted as zero.
    pub complete: bool,
    /// What was counted.
    pub lines: Few<CountedLine>,
}

/// One line of a count, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedLine {
    /// Whose units.
    pub level: LevelNo,
    /// Units counted.
    pub counted: u32,
    /// Net units known to have come in since (went out, if below zero).
    pub since: i32,
    /// By how much on hand changes.
    pub change: i32,
    /// Whether a newer count was there already; then nothing changes.
    pub superseded: bool,
}

pub(crate) fn decide(
    state: &State,
    now: Timestamp,
    command: &Count,
) -> Result<(Vec<Opening>, Counted), Refusal> {
    check_time(state, now, command.as_of)?;
    let mut draft = Draft::of(&state.directory);
    let mut named = BTreeSet::new();
    let mut lines = Few::with_capacity(command.lines.len());
    for (at, line) in command.lines.iter().enumerate() {
        let sku = || line.sku.clone();
        let level = draft.open(&command.location, &line.sku);
        if !named.insert(level) {
            return Err(Refusal::SkuTwice {
                line: at,
                sku: sku(),
            });
        }
        let known = draft.level(level);
        let counted = count_level(state, &known, level, command.as_of, line.on_hand);
        lines.push(counted.ok_or_else(|| Refusal::TooMuch {
            line: at,
            sku: sku(),
        })?);
    }
    if command.complete {
        add_uncounted(state, command, &named, &mut lines)?;
    }
    state.check_room_for(&draft)?;
    let counted = Counted {
        as_of: command.as_of,
        source: command.source.clone(),
        complete: command.complete,
        lines,
    };
    Ok((draft.openings(), counted))
}

fn check_time(state: &State, now: Timestamp, as_of: Timestamp) -> Result<(), Refusal> {
    let window = now.minus(state.settings.count_window);
    let oldest = window.max(journal::complete_since(&state.journal));
    if as_of > now {
        return Err(Refusal::InFuture { line: None, now });
    }
    if as_of < oldest {
        return Err(Refusal::TooOld { oldest });
    }
    Ok(())
}

/// Adds lines for what a complete count did not name: counted as zero. Lines that change nothing are left out.
fn add_uncounted(
    state: &State,
    command: &Count,
    named: &BTreeSet<LevelNo>,
    lines: &mut Few<CountedLine>,
) -> Result<(), Refusal> {
    let location = state.directory.location(&command.location);
    let levels = location.map_or_else(Vec::new, |location| state.directory.levels_at(location));
    for no in levels.into_iter().filter(|no| !named.contains(no)) {
        let Some(level) = state.directory.level(no) else {
            continue;
        };
        let counted = count_level(state, level, no, command.as_of, 0);
        let line = counted.ok_or_else(|| Refusal::TooMuch {
            line: command.lines.len(),
            sku: state.sku_of(no),
        })?;
        if line.change != 0 {
            lines.push(line);
        }
    }
    Ok(())
}

/// What a count does to one level; `None` if the level would grow past a bound.
fn count_level(
    state: &State,
    level: &Level,
    no: LevelNo,
    as_of: Timestamp,
    counted: u32,
) -> Option<CountedLine> {
    let since = match Defect::CountForgetsSales.is_on() {
        true => 0,
        false => journal::net_since(&state.journal, no, level.last_change, as_of),
    };
    let superseded = as_of_secs(as_of) < level.counted_at_secs;
    let target = if superseded {
        level.on_hand()
    } else {
        (i64::from(counted) + since).max(0)
    };
    let line = CountedLine {
        level: no,
        counted,
        since: since.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        change: i32::try_from(target - level.on_hand()).ok()?,
        superseded,
    };
    let movement = line.movement();
    let mut after = *level;
    let fits = after.shift(movement.from, movement.to, movement.units);
    (fits.is_ok() && counted <= Quantity::MAX).then_some(line)
}

fn as_of_secs(as_of: Timestamp) -> u32 {
    u32::try_from(as_of.millis() / 1000).unwrap_or(u32::MAX)
}

impl CountedLine {
    fn movement(&self) -> Movement {
        let (from, to) = if self.change >= 0 {
            (Bucket::Outside, Bucket::Free)
        } else {
            (Bucket::Free, Bucket::Outside)
        };
        Movement {
            level: self.level,
            from,
            to,
            units: self.change.unsigned_abs(),
        }
    }
}

impl Counted {
    pub(crate) fn movements(&self, each: &mut dyn FnMut(Movement)) {
        self.lines.iter().for_each(|line| each(line.movement()));
    }

    /// Remembers how new the count is, for every level it speaks of: a complete one speaks of the whole location.
    pub(crate) fn settle(&self, state: &mut State) {
        let at = as_of_secs(self.as_of);
        let named = self.lines.iter().map(|line| line.level);
        let speaks_of: Vec<LevelNo> = if self.complete {
            let first = self.lines.first().map(|line| line.level);
            let names = first.and_then(|no| state.directory.names(no));
            names.map_or_else(Vec::new, |(location, _)| {
                state.directory.levels_at(location)
            })
        } else {
            named.collect()
        };
        for no in speaks_of {
            let level = state.directory.level(no);
            let is_newer = level.is_some_and(|level| level.counted_at_secs < at);
            if let Some(level) = state.directory.level_mut(no).filter(|_| is_newer) {
                level.counted_at_secs = at;
            }
        }
    }
}
