//! Ledger entries: the outcomes of commands, in order. The ledger is nothing else.
//!
//! An entry says what moved from where to where and why, with the units spelled out, so that any reader can add up a
//! level without knowing a single rule. New kinds of events are added at the end of [`Event`]; what is there is never
//! changed, because every log ever written must replay.

use crate::draft::Opening;
use crate::facts::push::Pushed;
use crate::keys::Key;
use crate::level::{Bucket, Movement};
use crate::numbers::{LevelNo, Seq};
use crate::reservation::{
    confirm::Confirmed, expire::Expired, extend::Extended, fulfill::Fulfilled, hold::Held,
    release::Released,
};
use crate::settings::Settings;
use crate::stock::{
    adjust::Adjusted, count::Counted, observe::Observed, receive::Received, sell::Sold,
    set_policy::PolicySet,
};
use crate::time::Timestamp;
use crate::transfer::{
    announce::Announced, arrive::Arrived, dispatch::Dispatched, hand_over::HandedOver,
};
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Where an entry stands: position and time come from the record, never from the place where it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Its position.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Timestamp,
}

/// One outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub stamp: Stamp,
    /// The idempotency key that it answers, if a client asked for it.
    pub key: Option<Key>,
    /// Levels that it opens, in the order of their new numbers.
    pub openings: Vec<Opening>,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The settings changed.
    Configured(Settings),
    /// Goods came in.
    Received(Received),
    /// On hand or unavailable changed, with a reason.
    Adjusted(Adjusted),
    /// Stock was counted.
    Counted(Counted),
    /// The rules of levels changed.
    PolicySet(PolicySet),
    /// Units were reserved.
    Held(Held),
    /// A reservation was confirmed.
    Confirmed(Confirmed),
    /// A reservation was given another expiry.
    Extended(Extended),
    /// A reservation was given back.
    Released(Released),
    /// A reservation expired.
    Expired(Expired),
    /// A reservation was picked, in whole or in part.
    Fulfilled(Fulfilled),
    /// Units were sent to another location.
    Dispatched(Dispatched),
    /// Units are on their way here.
    Announced(Announced),
    /// The destination of a transfer knows of it.
    HandedOver(HandedOver),
    /// A transfer arrived.
    Arrived(Arrived),
    /// Goods left through the till.
    Sold(Sold),
    /// The shelf was looked at.
    Observed(Observed),
    /// Values that others know.
    Pushed(Pushed),
}

impl Event {
    /// How many lines it has, about. Values of a location itself name no level.
    pub fn lines(&self) -> usize {
        let mut lines = 0;
        match self {
            Self::Pushed(pushed) => lines = pushed.values().count(),
            other => other.levels(&mut |_| lines += 1),
        }
        lines
    }

    /// The movements it carries out, in order. Movements of zero units may be among them.
    pub fn movements(&self, each: &mut dyn FnMut(Movement)) {
        match self {
            Self::Received(event) => event.movements(each),
            Self::Adjusted(event) => event.movements(each),
            Self::Counted(event) => event.movements(each),
            Self::Held(event) => event.movements(each),
            Self::Confirmed(event) => event.movements(each),
            Self::Released(event) => event.movements(each),
            Self::Expired(event) => event.movements(each),
            Self::Fulfilled(event) => event.movements(each),
            Self::Dispatched(event) => event.movements(each),
            Self::Announced(event) => event.movements(each),
            Self::Arrived(event) => event.movements(each),
            Self::Sold(event) => event.movements(each),
            Self::Configured(_)
            | Self::PolicySet(_)
            | Self::Extended(_)
            | Self::HandedOver(_)
            | Self::Observed(_)
            | Self::Pushed(_) => {}
        }
    }

    /// The levels it changes or speaks of, in order; one may come more than once.
    pub fn levels(&self, each: &mut dyn FnMut(LevelNo)) {
        match self {
            Self::PolicySet(event) => event.lines.iter().for_each(|line| each(line.level)),
            Self::Observed(event) => event.levels(each),
            Self::Pushed(event) => event.levels(each),
            other => other.movements(&mut |movement| each(movement.level)),
        }
    }

    /// Whether a movement only mends the record: no goods came or went. What a count changes, and the surplus that
    /// a pick or a sale proves, were there (or not) all the time, so a count as of an earlier moment has seen them already.
    pub(crate) fn mends_the_record(&self, movement: &Movement) -> bool {
        match self {
            Self::Counted(_) => true,
            Self::Fulfilled(_) | Self::Sold(_) => {
                movement.from == Bucket::Outside && !Defect::SurplusTakenForGoods.is_on()
            }
            _ => false,
        }
    }

    /// When it happened, if that may be before it was recorded. Looks and facts have a time each.
    pub fn occurred_at(&self) -> Option<Timestamp> {
        match self {
            Self::Received(event) => Some(event.occurred_at),
            Self::Adjusted(event) => Some(event.occurred_at),
            Self::Counted(event) => Some(event.as_of),
            Self::Fulfilled(event) => Some(event.occurred_at),
            Self::Expired(event) => Some(event.expired_at),
            Self::Sold(event) => Some(event.sold_at),
            _ => None,
        }
    }

    /// Its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Configured(_) => "configured",
            Self::Received(_) => "received",
            Self::Adjusted(_) => "adjusted",
            Self::Counted(_) => "counted",
            Self::PolicySet(_) => "policy_set",
            Self::Held(_) => "held",
            Self::Confirmed(_) => "confirmed",
            Self::Extended(_) => "extended",
            Self::Released(_) => "released",
            Self::Expired(_) => "expired",
            Self::Fulfilled(_) => "fulfilled",
            Self::Dispatched(_) => "dispatched",
            Self::Announced(_) => "announced",
            Self::HandedOver(_) => "handed_over",
            Self::Arrived(_) => "arrived",
            Self::Sold(_) => "sold",
            Self::Observed(_) => "observed",
            Self::Pushed(_) => "pushed",
        }
    }
}
