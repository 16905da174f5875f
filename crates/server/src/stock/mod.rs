//! Calls on stock itself, one file each.

pub(crate) mod adjustments;
pub(crate) mod availability;
pub(crate) mod counts;
pub(crate) mod explain;
pub(crate) mod level;
pub(crate) mod observations;
pub(crate) mod policies;
pub(crate) mod receipts;
pub(crate) mod sales;
pub(crate) mod transfers;
