//! Calls on reservations, one file each.

pub(crate) mod batch;
pub(crate) mod confirm;
pub(crate) mod extend;
pub(crate) mod fulfill;
pub(crate) mod release;
pub(crate) mod reserve;
pub(crate) mod view;
