//! Measures: what of a fact is added up.

use crate::fact::Fact;
use std::fmt;

/// A quantity that grows with facts. Every amount is a whole number, so sums are exact in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Units that left to customers, through the till or in a pick.
    UnitsSold,
    /// Sales: till lines and picked lines, whatever their units.
    Sales,
    /// Hours with a sale: an hour of a SKU at a location counts once, when its first sale is told.
    SellingHours,
    /// Looks that found the item: by a picker, a camera, a feed.
    Found,
    /// Looks that did not.
    NotFound,
    /// Units that a picker did not find.
    UnitsNotFound,
    /// Seconds that the shelf had the item, between one look and the next.
    SecondsIn,
    /// Seconds that it had not.
    SecondsOut,
    /// Times that a look did not find what the look before had found.
    WentOut,
    /// Times that a look found what the look before had not.
    CameBack,
    /// Units delivered, received from a transfer, or told by a receipt.
    UnitsDelivered,
    /// Deliveries.
    Deliveries,
    /// Counts.
    Counts,
    /// Units by which counts found the record wrong, up or down.
    UnitsOff,
    /// Units adjusted away.
    UnitsLost,
    /// Units that shoppers asked for.
    UnitsAsked,
    /// Units asked for and not held.
    UnitsShort,
    /// Units held for a while and given back.
    UnitsDropped,
}

impl Measure {
    /// Every measure, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::UnitsSold,
        Self::Sales,
        Self::SellingHours,
        Self::Found,
        Self::NotFound,
        Self::UnitsNotFound,
        Self::SecondsIn,
        Self::SecondsOut,
        Self::WentOut,
        Self::CameBack,
        Self::UnitsDelivered,
        Self::Deliveries,
        Self::Counts,
        Self::UnitsOff,
        Self::UnitsLost,
        Self::UnitsAsked,
        Self::UnitsShort,
        Self::UnitsDropped,
    ];

    /// Its name in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnitsSold => "units_sold",
            Self::Sales => "sales",
            Self::SellingHours => "selling_hours",
            Self::Found => "found",
            Self::NotFound => "not_found",
            Self::UnitsNotFound => "units_not_found",
            Self::SecondsIn => "seconds_in",
            Self::SecondsOut => "seconds_out",
            Self::WentOut => "went_out",
            Self::CameBack => "came_back",
            Self::UnitsDelivered => "units_delivered",
            Self::Deliveries => "deliveries",
            Self::Counts => "counts",
            Self::UnitsOff => "units_off",
            Self::UnitsLost => "units_lost",
            Self::UnitsAsked => "units_asked",
            Self::UnitsShort => "units_short",
            Self::UnitsDropped => "units_dropped",
        }
    }

    /// Whether an hour of one level never holds more than 16 bits: seconds and transitions of one shelf.
    pub(crate) fn is_small(self) -> bool {
        matches!(self, Self::SecondsIn | Self::SecondsOut)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Gives what a fact adds to each measure. What follows from two looks (seconds, transitions) is
/// in [`crate::looks`]; whether a sale is the first of its hour, the store knows.
pub(crate) fn amounts(fact: &Fact<'_>, each: &mut dyn FnMut(Measure, u32)) {
    match *fact {
        Fact::Sold { units, .. } => sold(units, each),
        Fact::Picked {
            found, not_found, ..
        } => {
            sold(found, each);
            each(Measure::UnitsNotFound, not_found);
        }
        Fact::Delivered { units, .. } => {
            each(Measure::UnitsDelivered, units);
            each(Measure::Deliveries, 1);
        }
        Fact::Counted { off, .. } => {
            each(Measure::Counts, 1);
            each(Measure::UnitsOff, off);
        }
        Fact::Lost { units, .. } => each(Measure::UnitsLost, units),
        Fact::Asked {
            requested, held, ..
        } => {
            each(Measure::UnitsAsked, requested);
            each(Measure::UnitsShort, requested - held.min(requested));
        }
        Fact::Dropped { units, .. } => each(Measure::UnitsDropped, units),
        Fact::Looked { .. } | Fact::Pushed { .. } => {}
    }
}

fn sold(units: u32, each: &mut dyn FnMut(Measure, u32)) {
    if units > 0 {
        each(Measure::UnitsSold, units);
        each(Measure::Sales, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_stand_at_their_numbers() {
        for (number, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, number);
        }
    }
}
