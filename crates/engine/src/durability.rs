//! How durable an answer is when it leaves.
//!
//! *Before the answer*: what is answered is on disk, and nothing can take it back. *Within N ms*: what is answered is in
//! the log's file, so it outlives the process, and is on disk within N ms. If the machine stops before that (power, the
//! system, a disk that fails to sync), the newest answers are lost: never more than were given in N ms, always the end
//! of the ledger and never something in between. What is lost was never there: its positions and numbers are given
//! again, and its keys are free.
//!
//! The engine's own requests are answered when they are durable in either case: a snapshot must not run ahead of the
//! log, nor a transfer ahead of the ledger that it left.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// When the sync begins, of the time that it has: the other half is for the sync itself.
const BEGINS_AFTER: u32 = 2;

/// When an answer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on disk.
    #[default]
    BeforeAnswer,
    /// When it is written, and on disk within so many milliseconds: 1 to [`Durability::MOST_MILLIS`].
    Within(u32),
}

impl Durability {
    /// The longest that an answer may wait to be on disk, in milliseconds.
    pub const MOST_MILLIS: u32 = 10_000;

    /// How long what is written may wait for the sync to begin; `None` if an answer waits for the sync.
    pub(crate) fn patience(self) -> Option<Duration> {
        match self {
            Self::BeforeAnswer => None,
            Self::Within(millis) => Some(Duration::from_millis(millis.into()) / BEGINS_AFTER),
        }
    }
}

/// As it is said to clients.
impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeAnswer => f.write_str("before-answer"),
            Self::Within(millis) => write!(f, "within-{millis}ms"),
        }
    }
}

/// Why a durability cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is `before-answer`, or `within:Nms` with N from 1 to {}, such as `within:50ms`",
    Durability::MOST_MILLIS
)]
pub struct UnknownDurability;

/// As it is said by an operator.
impl FromStr for Durability {
    type Err = UnknownDurability;

    fn from_str(text: &str) -> Result<Self, UnknownDurability> {
        if text == "before-answer" {
            return Ok(Self::BeforeAnswer);
        }
        text.strip_prefix("within:")
            .and_then(|rest| rest.strip_suffix("ms"))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|millis| (1..=Self::MOST_MILLIS).contains(millis))
            .map(Self::Within)
            .ok_or(UnknownDurability)
    }
}

#[cfg(test)]
mod tests {
    use super::{Durability, UnknownDurability};
    use std::time::Duration;

    #[test]
    fn it_is_read_and_said() {
        assert_eq!("before-answer".parse(), Ok(Durability::BeforeAnswer));
        assert_eq!("within:50ms".parse(), Ok(Durability::Within(50)));
        assert_eq!(Durability::BeforeAnswer.to_string(), "before-answer");
        assert_eq!(Durability::Within(50).to_string(), "within-50ms");
        let nonsense = [
            "",
            "within",
            "within:",
            "within:ms",
            "within:0ms",
            "within:10001ms",
            "within:50",
            "within:+5ms",
            "within:5s",
            "within-50ms",
            "Before-Answer",
        ];
        for text in nonsense {
            assert_eq!(text.parse::<Durability>(), Err(UnknownDurability), "{text}");
        }
    }

    #[test]
    fn half_of_the_time_is_for_the_sync() {
        assert_eq!(Durability::BeforeAnswer.patience(), None);
        let patience = Durability::Within(5).patience();
        assert_eq!(patience, Some(Duration::from_micros(2_500)));
    }
}
