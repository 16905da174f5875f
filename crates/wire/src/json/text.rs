//! Names as JSON strings.

use super::object::FromJson;
use super::schema::{described, label, name};
use compact_str::CompactString;
use onhand_core::name::NotAName;
use onhand_core::{FactName, Label, LocationId, Sku};
use onhand_planted::Defect;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// So much of a wrong text is told back.
const SHOWN: usize = 60;

macro_rules! text {
    ($name:ident, $inner:ty, $schema:ident, $doc:literal, $example:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        described!($name, $schema($doc, $example));

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text(<$inner>::RULE, PhantomData))
                    .map(Self)
            }
        }

        impl<'de> FromJson<'de> for $name {
            fn from_json<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::deserialize(from)
            }
        }
    };
}

text!(
    LocationText,
    LocationId,
    name,
    "A location: 1 to 128 visible ASCII characters.",
    "store-17"
);
text!(
    SkuText,
    Sku,
    name,
    "A SKU: 1 to 128 visible ASCII characters.",
    "milk-1l"
);
text!(
    FactNameText,
    FactName,
    name,
    "The name of a fact: 1 to 128 visible ASCII characters.",
    "discount"
);
text!(
    LabelText,
    Label,
    label,
    "A text of the caller's own, in any language: 1 to 128 characters.",
    "PO 2031"
);

/// Reads a string into a name that follows a rule.
struct Text<T>(&'static str, PhantomData<T>);

impl<T: TryFrom<CompactString, Error = NotAName>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::try_from(CompactString::new(text)).map_err(|NotAName| {
            let shown = match Defect::ExcerptCutsACharacter.is_on() {
                true => &text[..SHOWN.min(text.len())],
                false => &text[..text.floor_char_boundary(SHOWN)],
            };
            E::invalid_value(Unexpected::Str(shown), &self)
        })
    }
}
