//! What commands print. Results go to standard output, everything else to standard error.

use serde::Serialize;
use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// Prints a line or more. A reader that has gone away (`| head`) is no failure.
pub(crate) fn text(what: impl Display) {
    drop(writeln!(stdout().lock(), "{what}"));
}

/// Prints a value as JSON.
pub(crate) fn json(what: &impl Serialize) {
    let text = serde_json::to_string_pretty(what).expect("reports are plain data");
    drop(writeln!(stdout().lock(), "{text}"));
}

/// Says what the user should know of a result, on standard error.
pub(crate) fn warn(what: &impl Display) {
    drop(writeln!(stderr().lock(), "onhand: warning: {what}"));
}
