//! Identifiers that say which partition they belong to, so that any server finds it without a lookup.

use super::schema::{described, text};
use onhand_core::{ReservationNo, TransferId, TransferNo};
use onhand_planted::Defect;
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A reservation's identifier: `r`, its partition, `-`, its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationId {
    /// Its partition.
    pub partition: u16,
    /// Its number there.
    pub no: ReservationNo,
}

/// A transfer's identifier: `t`, the partition of its source, `-`, that of its destination, `-`, its number at the
/// source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferName {
    /// The transfer.
    pub id: TransferId,
    /// The partition of its destination.
    pub destination: u16,
}

/// A text that is no such identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier that Onhand gave out")]
pub struct NotAnId;

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}-{}", self.partition, self.no)
    }
}

impl FromStr for ReservationId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (partition, no) = text
            .strip_prefix('r')
            .and_then(|rest| rest.split_once('-'))
            .ok_or(NotAnId)?;
        let id = Self {
            partition: number(partition)?,
            no: ReservationNo(number(no)?),
        };
        Ok(id)
    }
}

impl fmt::Display for TransferName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}-{}-{}", self.id.source, self.destination, self.id.no)
    }
}

impl FromStr for TransferName {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (source, rest) = text
            .strip_prefix('t')
            .and_then(|rest| rest.split_once('-'))
            .ok_or(NotAnId)?;
        let (destination, no) = rest.split_once('-').ok_or(NotAnId)?;
        let id = TransferId {
            source: number(source)?,
            no: TransferNo(number(no)?),
        };
        Ok(Self {
            id,
            destination: number(destination)?,
        })
    }
}

/// A number without sign or leading zeros: an identifier has one spelling only.
fn number<T: FromStr>(text: &str) -> Result<T, NotAnId> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !is_plain && !Defect::IdSpelledFreely.is_on() {
        return Err(NotAnId);
    }
    text.parse().map_err(|_| NotAnId)
}

described!(
    ReservationId,
    text("A reservation's identifier: give it back as it is.", "r0-7").into()
);
described!(
    TransferName,
    text("A transfer's identifier: give it back as it is.", "t0-1-5").into()
);

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(from)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

as_text!(ReservationId);
as_text!(TransferName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_one_spelling() {
        for text in ["r0-0", "r65535-18446744073709551615"] {
            assert_eq!(text.parse::<ReservationId>().unwrap().to_string(), text);
        }
        for text in ["t0-0-0", "t1-2-33"] {
            assert_eq!(text.parse::<TransferName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_none() {
        for text in [
            "", "r", "r0", "r0-", "r00-1", "r0-+1", "r65536-1", "R0-1", "r0-1 ", "t0-1",
        ] {
            assert_eq!(text.parse::<ReservationId>(), Err(NotAnId), "{text}");
        }
        for text in ["", "t0-1", "t0-1-2-3", "t0--1", "r0-1-2"] {
            assert_eq!(text.parse::<TransferName>(), Err(NotAnId), "{text}");
        }
    }
}
