//! The numbered invariants: what is always true, in one place.
//!
//! `docs/invariants.md` says the same in prose, and a test keeps the two equal. Those that one entry can break are
//! checked when it is applied; [`check`] looks at the whole state.

use crate::entry::Stamp;
use crate::keys::Remembered;
use crate::level::Bucket;
use crate::numbers::{LevelNo, Seq};
use crate::quantity::Quantity;
use crate::reservation::ReservationState;
use crate::state::State;
use std::collections::BTreeMap;
use std::fmt;

/// What is always true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// INV-01.
    NeverOversold,
    /// INV-02.
    Conservation,
    /// INV-03.
    Bounds,
    /// INV-04.
    PromisesMatch,
    /// INV-05.
    AllOrNothing,
    /// INV-06.
    ExactExpiry,
    /// INV-07.
    Order,
    /// INV-08.
    KeysNameOneEntry,
    /// INV-09.
    TransitMatches,
    /// INV-10.
    ReplayAgrees,
    /// INV-11.
    OnlyDurableIsShown,
    /// INV-12.
    ChainUnbroken,
}

impl Invariant {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::NeverOversold,
        Self::Conservation,
        Self::Bounds,
        Self::PromisesMatch,
        Self::AllOrNothing,
        Self::ExactExpiry,
        Self::Order,
        Self::KeysNameOneEntry,
        Self::TransitMatches,
        Self::ReplayAgrees,
        Self::OnlyDurableIsShown,
        Self::ChainUnbroken,
    ];

    /// Its number, as in `INV-01`.
    pub fn code(self) -> &'static str {
        [
            "INV-01", "INV-02", "INV-03", "INV-04", "INV-05", "INV-06", "INV-07", "INV-08",
            "INV-09", "INV-10", "INV-11", "INV-12",
        ][self as usize]
    }

    /// What it says.
    pub fn statement(self) -> &'static str {
        match self {
            Self::NeverOversold => {
                "No reservation takes available + oversell limit of a level below zero."
            }
            Self::Conservation => {
                "The units in every bucket, summed over all levels, equal the sum of all movements."
            }
            Self::Bounds => {
                "On hand and every bucket but free are at least zero, and no level grows past its bound."
            }
            Self::PromisesMatch => {
                "Reserved and allocated of every level equal what its open reservations hold."
            }
            Self::AllOrNothing => {
                "A reservation that did not allow a partial one holds all it asked for."
            }
            Self::ExactExpiry => {
                "No reservation expires early, and while one is due (its expiry is now or before) only expiries are recorded."
            }
            Self::Order => "Positions have no gaps, and the ledger's time never goes back.",
            Self::KeysNameOneEntry => "Within its retention an idempotency key names one entry.",
            Self::TransitMatches => {
                "In transit of every level equals what the transfers on their way to it carry."
            }
            Self::ReplayAgrees => {
                "The state rebuilt from the log equals the state it was written from, by hash."
            }
            Self::OnlyDurableIsShown => {
                "No answer and no read shows an entry that is less durable than it says."
            }
            Self::ChainUnbroken => {
                "Every batch in the log carries the checksum of the batch before it, without a gap."
            }
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.statement())
    }
}

/// An invariant that does not hold, where, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// At which entry.
    pub at: Stamp,
    /// On what.
    pub what: String,
}

impl Violation {
    /// A violation of `invariant` at an entry.
    pub fn new(invariant: Invariant, at: Stamp, what: String) -> Self {
        Self {
            invariant,
            at,
            what,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            invariant,
            at,
            what,
        } = self;
        write!(f, "{invariant} Broken at entry {}: {what}", at.seq)
    }
}

impl std::error::Error for Violation {}

/// Every violation that the whole state shows. Reads all levels and reservations.
pub fn check(state: &State) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |invariant, what| found.push(Violation::new(invariant, state.last(), what));
    conservation(state, &mut say);
    bounds(state, &mut say);
    promises(state, &mut say);
    expiry(state, &mut say);
    transit(state, &mut say);
    keys(state, &mut say);
    found
}

/// The buckets that never fall below zero, which their type sees to.
const COUNTED: [Bucket; 4] = [
    Bucket::Reserved,
    Bucket::Allocated,
    Bucket::Unavailable,
    Bucket::InTransit,
];

type Say<'a> = &'a mut dyn FnMut(Invariant, String);

fn conservation(state: &State, say: Say<'_>) {
    for bucket in Bucket::ALL
        .into_iter()
        .filter(|bucket| *bucket != Bucket::Outside)
    {
        let (levels, moved) = (state.sum_of(bucket), state.totals().units_in(bucket));
        if levels != i128::from(moved) {
            let what =
                format!("{bucket:?}: the levels hold {levels}, the movements add up to {moved}");
            say(Invariant::Conservation, what);
        }
    }
    let all: i128 = Bucket::ALL
        .iter()
        .map(|bucket| i128::from(state.totals().units_in(*bucket)))
        .sum();
    if all != 0 {
        say(
            Invariant::Conservation,
            format!("all buckets add up to {all}, not to 0"),
        );
    }
}

fn bounds(state: &State, say: Say<'_>) {
    for (no, level) in state.directory().iter() {
        let most = i64::from(Quantity::MAX);
        let is_sound = (0..=most).contains(&level.on_hand())
            && COUNTED
                .iter()
                .all(|bucket| level.units_in(*bucket) <= 2 * most);
        if !is_sound {
            say(Invariant::Bounds, state.name_of(no));
        }
    }
}

fn promises(state: &State, say: Say<'_>) {
    let mut held: BTreeMap<LevelNo, (u64, u64)> = BTreeMap::new();
    for (_, reservation) in state.reservations().iter() {
        for line in reservation.lines.iter().filter(|line| line.outstanding > 0) {
            let (reserved, allocated) = held.entry(line.level).or_default();
            match reservation.state {
                ReservationState::Held => *reserved += u64::from(line.outstanding),
                _ => *allocated += u64::from(line.outstanding),
            }
        }
    }
    for (no, level) in state.directory().iter() {
        let level_says = (u64::from(level.reserved()), u64::from(level.allocated()));
        let reservations_say = held.get(&no).copied().unwrap_or_default();
        if level_says != reservations_say {
            let name = state.name_of(no);
            let what = format!(
                "{name}: (reserved, allocated) is {level_says:?}, reservations hold {reservations_say:?}"
            );
            say(Invariant::PromisesMatch, what);
        }
    }
}

/// Several holds may be due at once, and each expires by an entry of its own: between two of them the rest are overdue.
fn expiry(state: &State, say: Say<'_>) {
    let now = state.last().at;
    if state.reservations().has_just_expired_one(now) {
        return;
    }
    let overdue = state
        .reservations()
        .iter()
        .filter(|(_, one)| one.state == ReservationState::Held && one.expires_at < now);
    for (no, one) in overdue {
        let (due, now) = (one.expires_at.millis(), now.millis());
        say(
            Invariant::ExactExpiry,
            format!("reservation {no} is held at {now}, due at {due}"),
        );
    }
}

fn transit(state: &State, say: Say<'_>) {
    let travelling = state.transfers().on_the_way();
    for (no, level) in state.directory().iter() {
        let carried = travelling.get(&no).copied().unwrap_or_default();
        if u64::from(level.in_transit()) != carried {
            let name = state.name_of(no);
            let what = format!(
                "{name}: in transit {}, transfers carry {carried}",
                level.in_transit()
            );
            say(Invariant::TransitMatches, what);
        }
    }
}

fn keys(state: &State, say: Say<'_>) {
    let mut newest: BTreeMap<[u64; 2], Seq> = BTreeMap::new();
    let keys = || {
        let all = state.keys.queue().iter();
        all.map(|(_, one)| Remembered::from(one))
    };
    for one in keys() {
        newest.insert(one.key.hash, one.seq);
        if one.seq > state.last().seq {
            let what = format!("a key names entry {}, which is not written yet", one.seq);
            say(Invariant::KeysNameOneEntry, what);
        }
    }
    for one in keys() {
        let named = state.keys.newest(&one.key).map(|found| found.seq);
        if named != newest.get(&one.key.hash).copied() {
            let what = format!("the key of entry {} names {named:?}", one.seq);
            say(Invariant::KeysNameOneEntry, what);
        }
    }
}
