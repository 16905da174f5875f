//! Parameters of the path and the query.

use crate::problem::Denied;
use crate::problem::refused::{unknown_reservation, unknown_transfer};
use crate::problem::unreadable::bad_parameter;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;
use onhand_core::name::NotAName;
use onhand_core::{LocationId, Sku};
use onhand_engine::Engine;
use onhand_wire::json::id::{ReservationId, TransferName};
use onhand_wire::json::problem::Kind;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// Reads the query.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Denied> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let from = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(from).map_err(|error| {
        let message = error.inner().to_string();
        let path = error.path().to_string();
        let name = if path == "." { quoted(&message) } else { path };
        bad_parameter(&name, message)
    })
}

/// The name between backticks in a message such as "unknown field `x`".
fn quoted(message: &str) -> String {
    message.split('`').nth(1).unwrap_or_default().into()
}

/// A path that can be read.
pub(crate) fn path<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Denied> {
    let Path(path) = path.map_err(|error| {
        Denied::new(
            Kind::MalformedRequest,
            format!("The path cannot be read: {}.", error.body_text()),
        )
    })?;
    Ok(path)
}

/// Location and SKU in a path.
pub(crate) fn level(
    found: Result<Path<(String, String)>, PathRejection>,
) -> Result<(LocationId, Sku), Denied> {
    let (location, sku) = path(found)?;
    let wrong = |name, text: &str| {
        let shown: String = text.chars().take(60).collect();
        bad_parameter(name, format!("`{shown}` {}", NotAName::RULE))
    };
    let location_id = LocationId::new(&location).map_err(|_| wrong("location", &location))?;
    let sku_id = Sku::new(&sku).map_err(|_| wrong("sku", &sku))?;
    Ok((location_id, sku_id))
}

/// A reservation in a path; a text that is none names none.
pub(crate) fn reservation(
    found: Result<Path<String>, PathRejection>,
    engine: &Engine,
) -> Result<ReservationId, Denied> {
    reservation_named(&path(found)?, engine)
}

/// A reservation by its identifier.
pub(crate) fn reservation_named(text: &str, engine: &Engine) -> Result<ReservationId, Denied> {
    let id: Option<ReservationId> = text.parse().ok();
    id.filter(|id| id.partition < engine.partitions())
        .ok_or_else(unknown_reservation)
}

/// A transfer in a path; a text that is none names none.
pub(crate) fn transfer(
    found: Result<Path<String>, PathRejection>,
    engine: &Engine,
) -> Result<TransferName, Denied> {
    transfer_named(&path(found)?, engine)
}

/// A transfer by its identifier.
pub(crate) fn transfer_named(text: &str, engine: &Engine) -> Result<TransferName, Denied> {
    let name: Option<TransferName> = text.parse().ok();
    let is_here = |name: &TransferName| name.id.source.max(name.destination) < engine.partitions();
    name.filter(is_here).ok_or_else(unknown_transfer)
}

/// A number of items in a query, from 1 to `MOST`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit<const MOST: usize>(pub(crate) usize);

impl<'de, const MOST: usize> Deserialize<'de> for Limit<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(LimitText::<MOST>)
    }
}

struct LimitText<const MOST: usize>;

impl<const MOST: usize> Visitor<'_> for LimitText<MOST> {
    type Value = Limit<MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from 1 to {MOST}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Limit<MOST>, E> {
        let refused = || E::invalid_value(Unexpected::Unsigned(number), &self);
        let number = usize::try_from(number).ok();
        let number = number.filter(|number| (1..=MOST).contains(number));
        number.map(Limit).ok_or_else(refused)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit<MOST>, E> {
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=MOST).contains(number));
        let shown: String = text.chars().take(60).collect();
        number
            .map(Limit)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(&shown), &self))
    }
}
