//! The random steps of a run: made up without knowing what there is, then aimed at it.
//!
//! Shrinking takes steps away, so no step may speak of what an earlier one made by its number: reservations and
//! transfers are counted back from the newest, times from the clock, and picks by the lines of their reservation.

use crate::{Line, Millis, Pair, Parcel, RULES};
use onhand_sim::ask::{AdjustLine, Ask, Look, Pick, Rule, Rules, TransferName, Value};
use proptest::prelude::*;

pub(crate) const SHOPS: usize = 2;
const ITEMS: usize = 3;

/// The partition of the run, and another one that sends parcels.
const HERE: u16 = crate::ledger::Ledger::PARTITION;
const ELSEWHERE: u16 = 2;

/// From here on the number of a reservation or transfer is meant as it is, and mostly unknown.
const FAR: u64 = 3;
/// From here on a pick is of any item, not of one in the reservation.
const ANY_ITEM: usize = 12;
/// A pick of all that is left.
const ALL: i64 = 4;
/// The most units of one line.
pub(crate) const MOST: i64 = 1_000_000_000;

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// How far the clock moves, the key, and the request.
    New(Millis, Option<u64>, Ask),
    /// How far the clock moves, and which earlier request comes again, counted back from the newest.
    Again(Millis, usize),
    /// The core is rebuilt from a snapshot, or from its entries.
    Restart { from_snapshot: bool },
    /// Nothing: what a step that a failure does not need is shrunk to.
    Pass,
}

impl Step {
    /// The same step with quantities around the bounds.
    pub(crate) fn grown(&self, size: usize) -> Self {
        match self {
            Self::New(wait, key, ask) => Self::New(*wait, *key, grown(ask, size)),
            Self::Again(..) | Self::Restart { .. } | Self::Pass => self.clone(),
        }
    }
}

fn grown(ask: &Ask, size: usize) -> Ask {
    let grow = |units: &mut i64| match size {
        0 => {}
        1 => *units = MOST,
        2 => *units = MOST - *units,
        _ => *units += MOST / 2,
    };
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Receive { lines, .. }
        | Ask::Count { lines, .. }
        | Ask::Hold { lines, .. }
        | Ask::Dispatch { lines, .. }
        | Ask::Sell { lines, .. }
        | Ask::Announce(Parcel { lines, .. }) => {
            lines.iter_mut().for_each(|line| grow(&mut line.1))
        }
        Ask::Adjust { lines, .. } => lines.iter_mut().for_each(|line| {
            let mut units = line.by.abs();
            grow(&mut units);
            line.by = units * line.by.signum();
        }),
        Ask::Policy { rules, .. } => rules.iter_mut().for_each(|rule| {
            let numbers = rule.safety.iter_mut().chain(rule.oversell.iter_mut());
            numbers.for_each(|units| match size {
                3 => *units = u32::MAX.into(),
                _ => grow(units),
            });
        }),
        Ask::Fulfill { picks, .. } => picks.iter_mut().for_each(|pick| {
            pick.instead.iter_mut().for_each(|line| grow(&mut line.1));
        }),
        _ => {}
    }
    ask
}

impl Pair {
    /// The request that a made-up one stands for, if it stands for any. Both sides get it as it is.
    pub(crate) fn meant(&self, ask: &Ask, clock: Millis) -> Option<Ask> {
        let mut ask = ask.clone();
        let newest = |count: u64, back: u64| match back {
            FAR.. => back,
            _ => count.saturating_sub(1 + back),
        };
        let promise = |no: u64| newest(self.twin.promised(), no);
        let sent = self.parcels.len() as u64;
        match &mut ask {
            Ask::Count { as_of, .. } => *as_of = clock - *as_of,
            Ask::Receive { happened, .. }
            | Ask::Adjust { happened, .. }
            | Ask::Sell { happened, .. } => {
                *happened = happened.map(|ago| clock - ago);
            }
            Ask::Observe { looks, .. } => {
                looks.iter_mut().for_each(|look| look.at = clock - look.at);
            }
            Ask::Push { values, .. } => {
                values
                    .iter_mut()
                    .for_each(|value| value.at = clock - value.at);
            }
            Ask::Confirm(no) | Ask::Release(no) | Ask::Extend(no, _) => *no = promise(*no),
            Ask::Fulfill {
                no,
                picks,
                happened,
            } => {
                *no = promise(*no);
                *happened = happened.map(|ago| clock - ago);
                picks.iter_mut().for_each(|pick| self.aim(*no, pick));
            }
            Ask::Announce(parcel) if parcel.name.source == HERE => {
                let no = newest(sent, parcel.name.no);
                *parcel = self.parcels.get(no as usize)?.clone();
            }
            Ask::HandOver(name) => name.no = newest(sent, name.no),
            Ask::Arrive(name) if name.source == HERE => name.no = newest(sent, name.no),
            _ => {}
        }
        Some(ask)
    }

    /// Aims a pick at a line of the reservation, and makes a large one all that is left of it.
    fn aim(&self, no: u64, pick: &mut Pick) {
        let lines = self
            .twin
            .promise(no)
            .map_or(&[][..], |promise| &promise.lines);
        let aimed = lines.get(pick.item % 4 % lines.len().max(1));
        match aimed.filter(|_| pick.item < ANY_ITEM) {
            Some(line) => {
                pick.item = line.item;
                pick.picked = match pick.picked {
                    ALL => (line.left - pick.missing).max(0),
                    units => units,
                };
            }
            None => (pick.item, pick.picked) = (pick.item % ITEMS, pick.picked % ALL),
        }
    }
}

fn units() -> impl Strategy<Value = i64> {
    1..7_i64
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((0..ITEMS, units()), 1..4)
}

fn ago() -> impl Strategy<Value = Millis> {
    // Whole seconds meet other moments exactly.
    let seconds = (0..20_i64).prop_map(|seconds| seconds * 1000);
    prop_oneof![6 => seconds, 2 => 0..40_000_i64, 1 => -500..0_i64, 1 => 85_000..95_000_i64]
}

fn happened() -> impl Strategy<Value = Option<Millis>> {
    prop_oneof![3 => Just(None), 1 => ago().prop_map(Some)]
}

fn shop() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(1_usize), 1 => Just(0_usize)]
}

fn reservation() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..FAR, 1 => FAR..12_u64]
}

/// A time to live: whole seconds, for most of the races that matter, or not.
fn ttl() -> impl Strategy<Value = Millis> {
    prop_oneof![4 => (0..40_i64).prop_map(|seconds| seconds * 1000), 1 => 0..2_500_i64]
}

fn settings() -> impl Strategy<Value = Ask> {
    let kept =
        |usual: Millis| prop_oneof![6 => Just(usual), 1 => Just(usual / 3), 1 => Just(usual * 2)];
    let retentions = (
        kept(RULES.key_retention),
        kept(RULES.ended_retention),
        kept(RULES.count_window),
    );
    (retentions, 2..9_u64, 3..7_u64).prop_map(|((keys, ended, counts), most_open, most_levels)| {
        Ask::Settings(Rules {
            key_retention: keys,
            ended_retention: ended,
            count_window: counts,
            most_open,
            most_levels,
        })
    })
}

fn pick() -> impl Strategy<Value = Pick> {
    let instead = prop::collection::vec((0..ITEMS, units()), 0..2);
    let missing = prop_oneof![3 => Just(0_i64), 1 => 1..3_i64];
    (0..ANY_ITEM + 1, 0..ALL + 3, missing, instead).prop_map(|(item, picked, missing, instead)| {
        let picked = picked.min(ALL);
        Pick {
            item,
            picked,
            missing,
            instead,
        }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let limit = || prop::option::of(0..4_i64);
    (0..ITEMS, limit(), limit(), any::<Option<bool>>()).prop_map(
        |(item, safety, oversell, correct)| Rule {
            item,
            safety,
            oversell,
            correct,
        },
    )
}

fn adjust_line() -> impl Strategy<Value = AdjustLine> {
    let by = prop_oneof![-5..0_i64, 1..5_i64];
    (0..ITEMS, by, prop::bool::weighted(0.3)).prop_map(|(item, by, unavailable)| AdjustLine {
        item,
        by,
        unavailable,
    })
}

fn look() -> impl Strategy<Value = Look> {
    (0..ITEMS, any::<bool>(), ago()).prop_map(|(item, found, at)| Look { item, found, at })
}

fn value() -> impl Strategy<Value = Value> {
    let item = prop::option::weighted(0.7, 0..ITEMS);
    let millionths = prop_oneof![-2_000_000..2_000_000_i64, Just(MOST * 1_000_000)];
    (item, 0..3_usize, -20_000..20_000_i64, millionths).prop_map(|(item, fact, at, millionths)| {
        Value {
            item,
            fact,
            at,
            millionths,
        }
    })
}

fn stock() -> impl Strategy<Value = Ask> {
    let counted = prop::collection::vec((0..ITEMS, 0..9_i64), 1..3);
    prop_oneof![
        4 => (shop(), lines(), happened())
            .prop_map(|(shop, lines, happened)| Ask::Receive { shop, lines, happened }),
        2 => (shop(), prop::collection::vec(adjust_line(), 1..3), happened())
            .prop_map(|(shop, lines, happened)| Ask::Adjust { shop, lines, happened }),
        3 => (shop(), ago(), prop::bool::weighted(0.3), counted)
            .prop_map(|(shop, as_of, complete, lines)| Ask::Count { shop, as_of, complete, lines }),
        2 => (shop(), prop::collection::vec(rule(), 1..3))
            .prop_map(|(shop, rules)| Ask::Policy { shop, rules }),
        2 => (shop(), lines(), happened())
            .prop_map(|(shop, lines, happened)| Ask::Sell { shop, lines, happened }),
        1 => (shop(), prop::collection::vec(look(), 1..4))
            .prop_map(|(shop, looks)| Ask::Observe { shop, looks }),
        1 => (shop(), prop::collection::vec(value(), 1..4))
            .prop_map(|(shop, values)| Ask::Push { shop, values }),
        1 => settings(),
    ]
}

fn promises() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => (shop(), lines(), ttl(), prop::bool::weighted(0.3))
            .prop_map(|(shop, lines, ttl, partial)| Ask::Hold { shop, lines, ttl, partial }),
        6 => reservation().prop_map(Ask::Confirm),
        1 => (reservation(), ttl()).prop_map(|(no, ttl)| Ask::Extend(no, ttl)),
        1 => reservation().prop_map(Ask::Release),
        7 => (reservation(), prop::collection::vec(pick(), 1..3), happened())
            .prop_map(|(no, picks, happened)| Ask::Fulfill { no, picks, happened }),
    ]
}

fn transfer() -> impl Strategy<Value = TransferName> {
    let source = prop_oneof![3 => Just(HERE), 1 => Just(ELSEWHERE)];
    (source, 0..FAR + 1).prop_map(|(source, no)| TransferName { source, no })
}

/// A parcel; of one from here only the number is looked at.
fn parcel() -> impl Strategy<Value = Parcel> {
    (transfer(), shop(), lines(), 0..FAR + 2).prop_map(|(name, to, lines, settled)| {
        let from = SHOPS + 5;
        Parcel {
            name,
            from,
            to,
            lines,
            settled,
        }
    })
}

fn transfers() -> impl Strategy<Value = Ask> {
    let here = (0..FAR + 1).prop_map(|no| TransferName { source: HERE, no });
    prop_oneof![
        (shop(), shop(), lines()).prop_map(|(from, to, lines)| Ask::Dispatch { from, to, lines }),
        parcel().prop_map(Ask::Announce),
        here.prop_map(Ask::HandOver),
        transfer().prop_map(Ask::Arrive),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    // Most expiries and retentions are whole seconds, so whole seconds make the races that matter.
    let seconds = || (0..8_i64).prop_map(|seconds| seconds * 1000);
    let wait = || prop_oneof![3 => Just(0_i64), 4 => seconds(), 1 => -3_000..20_000_i64];
    let ask = prop_oneof![4 => stock(), 6 => promises(), 3 => transfers()];
    prop_oneof![
        1 => Just(Step::Pass),
        18 => (wait(), prop::option::weighted(0.3, 0..6_u64), ask)
            .prop_map(|(wait, key, ask)| Step::New(wait, key, ask)),
        2 => (wait(), 0..20_usize).prop_map(|(wait, back)| Step::Again(wait, back)),
        1 => any::<bool>().prop_map(|from_snapshot| Step::Restart { from_snapshot }),
    ]
}
