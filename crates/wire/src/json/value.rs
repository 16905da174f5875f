//! The value of a fact: a JSON number or a string.

use super::schema::described;
use onhand_core::{Label, Millionths, Value};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A number, kept with six decimals, or a short text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberOrText(pub Value);

const RULE: &str =
    "a number from -1,000,000,000 to 1,000,000,000, or a text of 1 to 128 characters";

described!(NumberOrText, schema());

fn schema() -> RefOr<Schema> {
    let number = ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some("A number, rounded to six decimals. A flag is 0 or 1."))
        .minimum(Some(-1_000_000_000))
        .maximum(Some(1_000_000_000));
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A code: a category, a city."))
        .min_length(Some(1))
        .max_length(Some(128));
    let either = OneOfBuilder::new().item(number).item(text);
    let description = "A number or a short text.";
    either.description(Some(description)).into()
}

impl Serialize for NumberOrText {
    /// Every number of a fact is exact as a float, and is written with as few digits as tell it.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Text(text) => to.serialize_str(text.as_str()),
            Value::Number(number) if number.get() % Millionths::ONE == 0 => {
                to.serialize_i64(number.get() / Millionths::ONE)
            }
            Value::Number(number) => to.serialize_f64(number.get() as f64 / Millionths::ONE as f64),
        }
    }
}

impl<'de> Deserialize<'de> for NumberOrText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Either).map(Self)
    }
}

/// Reads one of the two.
struct Either;

impl Visitor<'_> for Either {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RULE)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        let whole = i64::try_from(number).ok();
        whole
            .and_then(whole_number)
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        whole_number(number).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        // What is no number at all becomes one that is past the bound; JSON has none, but protobuf has.
        let number_or_past = if number.is_nan() {
            f64::INFINITY
        } else {
            number
        };
        let millionths = (number_or_past * Millionths::ONE as f64).round();
        // What is past 64 bits becomes the largest of them, which is past the bound too.
        Millionths::new(millionths as i64)
            .map(Value::Number)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let shown = &text[..text.floor_char_boundary(60)];
        Label::new(text)
            .map(Value::Text)
            .map_err(|_| E::invalid_value(Unexpected::Str(shown), &self))
    }
}

fn whole_number(number: i64) -> Option<Value> {
    let millionths = number.checked_mul(Millionths::ONE)?;
    Millionths::new(millionths).map(Value::Number)
}

impl fmt::Display for NumberOrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Text(text) => text.fmt(f),
            Value::Number(number) => (number.get() as f64 / Millionths::ONE as f64).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NumberOrText, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_number_is_kept_with_six_decimals() {
        for (text, written) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("0.1", "0.1"),
            ("1e-6", "1e-6"),
            ("0.0000004", "0"),
            ("-2.7182818", "-2.718282"),
            ("999999999.999999", "999999999.999999"),
            ("-1e9", "-1000000000"),
        ] {
            let value = read(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), written, "{text}");
            assert_eq!(read(written).unwrap(), value, "{text}");
        }
        assert_eq!(read("0.1").unwrap().to_string(), "0.1");
    }

    #[test]
    fn what_is_neither_a_number_within_bounds_nor_a_text_is_refused() {
        for text in [
            "1000000000.000001",
            "-1000000001",
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "true",
            "null",
            "\"\"",
            "\" dairy\"",
            "[1]",
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.contains(RULE), "{text}: {told}");
        }
    }
}
