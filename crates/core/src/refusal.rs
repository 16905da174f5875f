//! Why a command was refused. A refusal changes nothing and is not remembered.

use crate::name::{LocationId, Sku};
use crate::reservation::ReservationState;
use crate::time::Timestamp;

/// A line that asks for more than there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What.
    pub sku: Sku,
    /// Units asked for, all lines of the SKU together.
    pub requested: u32,
    /// Units that could have been promised.
    pub available: u32,
}

/// The closed list of refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The idempotency key was used for another request.
    KeyReused,
    /// No stock was ever kept there.
    UnknownLocation(LocationId),
    /// The SKU was never stocked at the location.
    UnknownSku {
        /// Which line of the request, from 0.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// No such reservation, or one that ended longer ago than its retention.
    UnknownReservation,
    /// No such transfer, or one that arrived longer ago than its retention.
    UnknownTransfer,
    /// The reservation is not in the state that the command needs.
    WrongState {
        /// The state it is in.
        state: ReservationState,
        /// The states that would do.
        needs: &'static str,
    },
    /// The transfer has arrived already.
    AlreadyReceived,
    /// A transfer from a location to itself.
    SameLocation,
    /// Not enough stock, by line.
    InsufficientStock(Vec<Shortage>),
    /// On hand would fall below zero, or more would be unavailable than is on hand.
    BelowZero {
        /// Which line.
        line: usize,
        /// The SKU.
        sku: Sku,
        /// Units on hand before the line.
        on_hand: i64,
    },
    /// A quantity would grow past its bound.
    TooMuch {
        /// Which line.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// More units were picked or not found than are still promised.
    MoreThanPromised {
        /// Which line.
        line: usize,
        /// The SKU.
        sku: Sku,
        /// Units still promised.
        outstanding: u32,
    },
    /// The SKU is not part of the reservation.
    NotInReservation {
        /// Which line.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// The SKU stands in two lines of a request that takes each once.
    SkuTwice {
        /// The second of the two lines.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// A time in the future.
    InFuture {
        /// Which line, if the time stands in one.
        line: Option<usize>,
        /// The time of the ledger.
        now: Timestamp,
    },
    /// A count or a sale of a time before the count window.
    TooOld {
        /// The oldest time that it may speak of.
        oldest: Timestamp,
    },
    /// Something that the configuration bounds is full.
    Full(
        /// What.
        &'static str,
    ),
}
