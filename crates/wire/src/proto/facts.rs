//! Values that others know.

use super::fact_value::Kind;
use super::field::{field, listed, missing, optional, some_time, timestamp};
use super::{Fact, FactValue, PushFactsRequest, PushFactsResponse};
use crate::json::facts::{FactAnswer, FactLine, FactRequest};
use crate::json::read::Fault;
use crate::json::value::NumberOrText;
use onhand_core::{Millionths, Value};

impl TryFrom<PushFactsRequest> for FactRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: PushFactsRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            source: field("/source", &*message.source)?,
            values: listed("/values", message.values)?,
        })
    }
}

impl TryFrom<Fact> for FactLine {
    type Error = Fault;

    fn try_from(message: Fact) -> Result<Self, Fault> {
        let value = match message.value.and_then(|value| value.kind) {
            Some(Kind::Number(number)) => field("/value", number)?,
            Some(Kind::Text(text)) => field("/value", text)?,
            None => return Err(missing("/value")),
        };
        Ok(Self {
            sku: optional("/sku", message.sku)?,
            name: field("/name", &*message.name)?,
            at: some_time("/at", message.at)?,
            value,
        })
    }
}

impl From<&NumberOrText> for FactValue {
    /// Every number of a fact is exact as a float.
    fn from(NumberOrText(value): &NumberOrText) -> Self {
        let kind = match value {
            Value::Number(number) => Kind::Number(number.get() as f64 / Millionths::ONE as f64),
            Value::Text(text) => Kind::Text(text.as_str().into()),
        };
        Self { kind: Some(kind) }
    }
}

impl From<FactAnswer<'_>> for PushFactsResponse {
    fn from(answer: FactAnswer<'_>) -> Self {
        Self {
            location: answer.location.into_owned(),
            source: answer.source.into_owned(),
            values: answer.values as u32,
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
