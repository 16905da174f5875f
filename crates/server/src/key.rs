//! The `Idempotency-Key` header.

use crate::problem::Denied;
use axum::http::{HeaderMap, HeaderName};
use onhand_core::name::NotAName;
use onhand_core::{Command, Key, Label};
use onhand_wire::json::problem::Kind;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whose keys these are: everybody's, until there are tenants.
///
/// A partition keeps its keys for itself. An identifier and a location lead to one partition, so a repeat always meets
/// the key it repeats; the same key used for two requests to two partitions is two keys.
const SCOPE: &str = "";

/// The key of a write.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let detail = "A write needs one Idempotency-Key header, so that it can be repeated safely: send a new random \
                      text (such as a UUID) with every new request, and the same one with every repeat of it.";
        return Err(Denied::new(Kind::MissingIdempotencyKey, detail));
    };
    let text = value.to_str().ok();
    text.filter(|text| is_key(text)).ok_or_else(|| {
        let detail = format!("The Idempotency-Key {}.", NotAName::RULE);
        Denied::new(Kind::BadIdempotencyKey, detail)
    })
}

fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The key as the ledger keeps it.
pub(crate) fn key(text: &str, command: &Command) -> Key {
    onhand_wire::key::key(SCOPE, text, command)
}

/// The key of a request in a batch, as the ledger keeps it.
pub(crate) fn batch_key(text: &Label, command: &Command) -> Key {
    key(text.as_str(), command)
}
