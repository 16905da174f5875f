//! The JSON shapes of the contract: one file for each group of calls.
//!
//! A request is read straight into validated types: a field's type carries its rule, and what does not fit is refused
//! with the JSON pointer of the field, the value and the rule ([`read`]). Every request refuses unknown fields: a
//! misspelled `ttl_second` must not become a reservation with another expiry.
//!
//! The answer to a write is a pure function of its ledger entry ([`answer`]), so a repeated answer is made from the
//! same bytes as the first one and cannot differ from it. All that an entry does not carry are names for its numbers
//! ([`Names`]), and a number's name never changes.

pub mod adjustments;
pub mod answer;
pub mod availability;
pub mod batch;
pub mod counts;
pub mod date;
pub mod explain;
pub mod facts;
pub mod features;
pub mod frame;
pub mod fulfill;
pub mod id;
pub mod ledger;
pub mod levels;
pub mod lines;
pub mod number;
pub mod object;
pub mod observations;
pub mod policies;
pub mod predictions;
pub mod problem;
pub mod read;
pub mod receipts;
pub mod reservations;
pub mod sales;
mod schema;
mod sentence;
pub mod text;
pub mod time;
pub mod transfers;
pub mod value;
mod write;

use onhand_core::{LevelNo, LocationNo};

/// Turns the numbers of one partition's ledger into names.
pub trait Names {
    /// Location and SKU of a level.
    fn of_level(&self, level: LevelNo) -> (&str, &str);

    /// A location.
    fn of_location(&self, location: LocationNo) -> &str;

    /// The partition that keeps the stock of a location.
    fn partition_of(&self, location: &str) -> u16;

    /// The partition whose numbers these are.
    fn partition(&self) -> u16;
}
