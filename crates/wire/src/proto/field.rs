//! Reading the fields of a message by the rules of the JSON interface.
//!
//! A field's rule lives in its type, as a Serde visitor that takes a JSON value and refuses it in words. Here the same
//! visitor is given the value of a protobuf field, so a rule and its words exist once.

use crate::json::lines::Listed;
use crate::json::read::Fault;
use crate::json::time::Time;
use onhand_planted::Defect;
use prost_types::Timestamp;
use serde::de::value::Error;
use serde::de::{Deserialize, IntoDeserializer};

/// Reads the field at a pointer such as `/sku`.
///
/// # Errors
/// It does not follow its rule.
pub fn field<'de, T: Deserialize<'de>>(
    pointer: &str,
    value: impl IntoDeserializer<'de, Error>,
) -> Result<T, Fault> {
    T::deserialize(value.into_deserializer()).map_err(|error| Fault {
        pointer: pointer.into(),
        message: error.to_string(),
    })
}

/// Reads a field that may be left out.
///
/// # Errors
/// It is there and does not follow its rule.
pub fn optional<'de, T: Deserialize<'de>>(
    pointer: &str,
    value: Option<impl IntoDeserializer<'de, Error>>,
) -> Result<Option<T>, Fault> {
    value.map(|value| field(pointer, value)).transpose()
}

/// Reads a time that may be left out.
///
/// # Errors
/// It is there and out of range.
pub fn time(pointer: &str, value: Option<Timestamp>) -> Result<Option<Time>, Fault> {
    let read = |Timestamp { seconds, nanos }| {
        Time::of_unix(seconds, nanos).ok_or_else(|| Fault {
            pointer: pointer.into(),
            message: format!(
                "invalid value: {seconds} seconds and {nanos} nanoseconds, expected a time from 1970 to 9999"
            ),
        })
    };
    value.map(read).transpose()
}

/// Reads a time that must be there.
pub(super) fn some_time(pointer: &str, value: Option<Timestamp>) -> Result<Time, Fault> {
    time(pointer, value)?.ok_or_else(|| missing(pointer))
}

/// What is wrong with a field that must be there and is not.
pub(super) fn missing(pointer: &str) -> Fault {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    Fault {
        pointer: pointer.into(),
        message: format!("missing field `{name}`"),
    }
}

/// Reads a list of messages: 1 to `MOST`.
pub(super) fn listed<T, M, const MOST: usize>(
    pointer: &str,
    messages: Vec<M>,
) -> Result<Listed<T, MOST>, Fault>
where
    T: TryFrom<M, Error = Fault>,
{
    let each =
        |at, message| T::try_from(message).map_err(|fault: Fault| fault.within(&format!("/{at}")));
    Listed::of_messages(messages, each).map_err(|fault| fault.within(pointer))
}

/// Reads the name of one of several: `None` for the unspecified one.
pub(super) fn one_of<M: TryFrom<i32> + Default + PartialEq>(
    pointer: &str,
    number: i32,
) -> Result<Option<M>, Fault> {
    match M::try_from(number) {
        Ok(name) if name == M::default() => Ok(None),
        Ok(name) => Ok(Some(name)),
        Err(_) if Defect::VariantBelieved.is_on() => panic!("no variant has the number {number}"),
        Err(_) => Err(Fault {
            pointer: pointer.into(),
            message: format!("unknown variant {number}"),
        }),
    }
}

/// A time, as a message says it.
pub(super) fn timestamp(Time(time): Time) -> Timestamp {
    let millis = time.millis();
    Timestamp {
        seconds: (millis / 1_000) as i64,
        nanos: (millis % 1_000) as i32 * 1_000_000,
    }
}
