//! The `Idempotency-Key` header.

use crate::problem::Denied;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use onhand_core::name::NotAName;
use onhand_core::{Command, Key};
use onhand_planted::Defect;
use onhand_wire::json::problem::Kind;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whose keys these are: everybody's, until there are tenants.
///
/// A partition keeps its keys for itself. An identifier and a location lead to one partition, so a repeat always meets
/// the key it repeats; the same key used for two requests to two partitions is two keys.
const SCOPE: &str = "";

/// The key of a write: 1 to 128 visible ASCII characters.
pub(crate) struct IdempotencyKey(HeaderValue);

impl IdempotencyKey {
    /// The key in the headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Denied> {
        let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(missing());
        };
        let is_key = is_identifier(value) || Defect::KeyUnchecked.is_on();
        is_key.then(|| Self(value.clone())).ok_or_else(|| {
            let detail = format!("The Idempotency-Key {}.", NotAName::RULE);
            Denied::new(Kind::BadIdempotencyKey, detail)
        })
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("it is visible ASCII")
    }
}

/// Whether a header is 1 to 128 visible ASCII characters.
pub(crate) fn is_identifier(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn missing() -> Denied {
    let detail = "A write needs one Idempotency-Key header, so that it can be repeated safely: send a new random text \
                  (such as a UUID) with every new request, and the same one with every repeat of it.";
    Denied::new(Kind::MissingIdempotencyKey, detail)
}

/// The key as the ledger keeps it.
pub(crate) fn key(text: &str, command: &Command) -> Key {
    onhand_wire::key::key(SCOPE, text, command)
}
