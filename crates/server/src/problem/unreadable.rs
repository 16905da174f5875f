//! What is wrong with a request before the engine is asked.

use super::Denied;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::{Fault, Unreadable};

/// The problem of a body that is not a request.
pub(crate) fn unreadable(why: Unreadable) -> Denied {
    match why {
        Unreadable::NotJson(error) => Denied::new(
            Kind::MalformedJson,
            format!("The body is not JSON: {error}. Nothing was changed."),
        ),
        Unreadable::Unfit(fault) => unfit(fault),
    }
}

/// The problem of a field that does not follow its rule.
pub(crate) fn unfit(Fault { pointer, message }: Fault) -> Denied {
    let place = if pointer.is_empty() {
        "The body".into()
    } else {
        format!("The field {pointer}")
    };
    let detail = format!("{place} does not follow its rule: {message}. Nothing was changed.");
    Denied::new(Kind::InvalidRequest, detail).at(pointer, message)
}

/// The problem of a parameter that does not follow its rule.
pub(crate) fn bad_parameter(name: &str, message: String) -> Denied {
    let detail = format!("The parameter {name} does not follow its rule: {message}.");
    Denied::new(Kind::InvalidRequest, detail).parameter(name, message)
}
