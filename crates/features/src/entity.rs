//! Entities: what a feature is kept for.

use std::fmt;

/// What a sum belongs to. A request is always about a SKU at a location; the other entities are those it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// One SKU at one location.
    SkuAtLocation,
    /// One SKU, wherever the partition has it.
    Sku,
    /// One location.
    Location,
    /// Everything in the partition.
    Everything,
    /// All SKUs of which the pushed text of this name is the same: a category, a brand.
    Group(&'static str),
    /// The same, at one location.
    GroupAtLocation(&'static str),
    /// All locations of which the pushed text of this name is the same: a city.
    Region(&'static str),
    /// One SKU at all locations of which the pushed text of this name is the same: in a city.
    SkuInRegion(&'static str),
}

impl Entity {
    /// Whether it is a location, or made of whole locations.
    pub(crate) fn is_of_location(self) -> bool {
        matches!(self, Self::Location | Self::Everything | Self::Region(_))
    }

    /// Whether it is made of SKUs at locations that all have the same SKU.
    pub(crate) fn is_of_one_sku(self) -> bool {
        matches!(self, Self::SkuAtLocation | Self::Sku | Self::SkuInRegion(_))
    }

    /// Whether a pushed text of a location, and not of a SKU there, says which one it belongs to.
    pub(crate) fn is_in_region(self) -> bool {
        matches!(self, Self::Region(_) | Self::SkuInRegion(_))
    }

    /// The pushed text that says which one a SKU or a location belongs to.
    pub(crate) fn grouped_by(self) -> Option<&'static str> {
        match self {
            Self::Group(name)
            | Self::GroupAtLocation(name)
            | Self::Region(name)
            | Self::SkuInRegion(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkuAtLocation => f.write_str("sku at location"),
            Self::Sku => f.write_str("sku"),
            Self::Location => f.write_str("location"),
            Self::Everything => f.write_str("everything"),
            Self::Group(name) => f.write_str(name),
            Self::Region(name) => write!(f, "region {name}"),
            Self::SkuInRegion(name) => write!(f, "sku in {name}"),
            Self::GroupAtLocation(name) => write!(f, "{name} at location"),
        }
    }
}
