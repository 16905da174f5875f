//! How a command ends when it fails: one message for people, exit code 1.

use std::fmt::{self, Display};

/// A failure, said.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure with this message.
    pub(crate) fn say(what: impl Display) -> Self {
        Self(what.to_string())
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
