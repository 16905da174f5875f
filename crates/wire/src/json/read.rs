//! Reading a request, and saying what is wrong with it.
//!
//! The good path parses once into validated types. Only what was refused is parsed again, slower, to find the pointer
//! of the field at fault.

use super::object::{FromJson, Part};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_path_to_error::{Path, Segment, Track};
use std::fmt::Write;
use std::marker::PhantomData;

/// A field that does not follow its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The value and the rule.
    pub message: String,
}

/// Why a request could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not JSON; what the parser says, with line and column.
    NotJson(String),
    /// It is JSON of another shape.
    Unfit(Fault),
}

impl Fault {
    /// What is wrong with the whole of what is being read.
    pub(crate) fn of_all(message: String) -> Self {
        Self {
            pointer: String::new(),
            message,
        }
    }

    /// The same, seen from outside of the field that holds it.
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Self::Unfit(fault)
    }
}

/// Reads a request.
///
/// # Errors
/// It is not JSON, or a field does not follow its rule.
pub fn read<T: for<'de> FromJson<'de>>(bytes: &[u8]) -> Result<T, Unreadable> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let read = T::from_json(&mut from).and_then(|read| from.end().map(|()| read));
    read.map_err(|_| unreadable::<T>(bytes))
}

/// What is wrong with bytes that were refused before their end was seen: if they are no JSON, that comes first. The
/// parser's own word is not enough: it calls a number in the place of a name a syntax error, too.
fn unreadable<T: for<'de> FromJson<'de>>(bytes: &[u8]) -> Unreadable {
    match not_json(bytes) {
        None => Unreadable::Unfit(fault::<T>(bytes)),
        Some(why) => Unreadable::NotJson(why),
    }
}

/// Why bytes are no JSON. The parser does not look into texts that it ignores, so their encoding is checked first.
fn not_json(bytes: &[u8]) -> Option<String> {
    match str::from_utf8(bytes) {
        Err(error) => Some(error.to_string()),
        Ok(text) => serde_json::from_str::<IgnoredAny>(text)
            .err()
            .map(|error| error.to_string()),
    }
}

fn fault<T: for<'de> FromJson<'de>>(bytes: &[u8]) -> Fault {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    match Part::<T>(PhantomData).deserialize(serde_path_to_error::Deserializer::new(
        &mut from, &mut track,
    )) {
        Err(error) => {
            let message = without_place(&error);
            let mut pointer = pointer(&track.path());
            if let Some(missing) = missing_field(&message) {
                write_token(&mut pointer, missing);
            }
            Fault { pointer, message }
        }
        // Unreachable as far as we know: the same bytes were refused just before.
        Ok(_) => Fault {
            pointer: String::new(),
            message: "does not have the shape of this request".into(),
        },
    }
}

/// The parser's message without its line and column: the pointer says it better.
fn without_place(error: &serde_json::Error) -> String {
    let message = match error.to_string() {
        // What it says of a number in the place of a name.
        bare if bare.starts_with("expected value") => "expected a string".into(),
        message => message,
    };
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    message[..message.floor_char_boundary(400)].into()
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => write_token(&mut pointer, &index.to_string()),
            Segment::Map { key } => write_token(&mut pointer, key),
            Segment::Enum { variant } => write_token(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

fn write_token(pointer: &mut String, token: &str) {
    let token = token.replace('~', "~0").replace('/', "~1");
    let shown = &token[..token.floor_char_boundary(200)];
    write!(pointer, "/{shown}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::adjustments::AdjustmentRequest;
    use crate::json::reservations::ReservationRequest;

    /// Found by fuzzing: a number in the place of a name was told as malformed JSON.
    #[test]
    fn json_of_another_shape_is_no_malformed_json() {
        for (value, says) in [
            ("5", "expected a string"),
            ("-5", "expected a string"),
            ("\"shelf\"", "unknown variant"),
        ] {
            let text = format!(
                r#"{{"location": "a", "lines": [{{"sku": "b", "quantity": 1, "reason": "c", "of": {value}}}]}}"#
            );
            let Err(Unreadable::Unfit(fault)) = read::<AdjustmentRequest>(text.as_bytes()) else {
                panic!("{value} is told as another thing");
            };
            assert_eq!(fault.pointer, "/lines/0/of");
            assert!(fault.message.contains(says), "{fault:?}");
        }
    }

    /// Found by fuzzing: what is ignored was not looked into.
    #[test]
    fn a_text_that_is_not_utf_8_is_no_json_wherever_it_stands() {
        for bytes in [
            &b"{\"location\": \"\xff\"}"[..],
            b"{\"location\": 5, \"lines\": \"\xff\"}",
            b"{\"\xff\": 5}",
        ] {
            let told = read::<ReservationRequest>(bytes).unwrap_err();
            assert!(matches!(told, Unreadable::NotJson(_)), "{told:?}");
        }
    }
}
