//! What can be asked of a partition.
//!
//! Every command is decided in the same order of precedence, so that a client can rely on which refusal it gets when
//! several would fit:
//!
//! 1. the idempotency key (reused),
//! 2. names (unknown location, SKU, reservation or transfer; a SKU that is not in the reservation),
//! 3. the state of what is named (wrong state, received already),
//! 4. times (in the future, too old),
//! 5. lines (from a location to itself, a SKU twice, too much, more than promised),
//! 6. room (full),
//! 7. stock (insufficient, below zero).
//!
//! Within a step the first line at fault is named, except for [`crate::refusal::Refusal::InsufficientStock`], which
//! names all. An adjustment adds up its lines in order, so its steps 5 and 7 are one.

use crate::facts::push::Push;
use crate::reservation::{
    confirm::Confirm, extend::Extend, fulfill::Fulfill, hold::Hold, release::Release,
};
use crate::settings::Settings;
use crate::stock::{
    adjust::Adjust, count::Count, observe::Observe, receive::Receive, sell::Sell,
    set_policy::SetPolicy,
};
use crate::transfer::{
    announce::Announce, arrive::Arrive, dispatch::Dispatch, hand_over::HandOver,
};
use serde::Serialize;

/// A command. Its serialized form is what an idempotency key's fingerprint is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Command {
    /// Change the settings. Given by the engine when it starts.
    Configure(Settings),
    /// Goods came in.
    Receive(Receive),
    /// Change on hand or unavailable, with a reason.
    Adjust(Adjust),
    /// Stock was counted.
    Count(Count),
    /// Change the rules of levels.
    SetPolicy(SetPolicy),
    /// Reserve units.
    Hold(Hold),
    /// The order is placed.
    Confirm(Confirm),
    /// Expire later.
    Extend(Extend),
    /// Give back.
    Release(Release),
    /// The pick.
    Fulfill(Fulfill),
    /// Send units to another location.
    Dispatch(Dispatch),
    /// Units are on their way here. Given by the engine.
    Announce(Announce),
    /// The destination of a transfer knows of it. Given by the engine.
    HandOver(HandOver),
    /// A transfer arrived.
    Arrive(Arrive),
    /// Goods left through the till.
    Sell(Sell),
    /// The shelf was looked at.
    Observe(Observe),
    /// Values that others know.
    Push(Push),
}
