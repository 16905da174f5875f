//! What commands print. Results go to standard output, everything else to standard error.

use serde::Serialize;
use std::fmt::Display;
use std::io::{Write, stdout};

/// Prints a line or more. A reader that has gone away (`| head`) is no failure.
pub(crate) fn text(what: impl Display) {
    drop(writeln!(stdout().lock(), "{what}"));
}

/// Prints a value as JSON.
pub(crate) fn json(what: &impl Serialize) {
    let text = serde_json::to_string_pretty(what).expect("summaries are plain data");
    drop(writeln!(stdout().lock(), "{text}"));
}
