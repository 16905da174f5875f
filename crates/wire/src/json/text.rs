//! Names as JSON strings.

use compact_str::CompactString;
use onhand_core::name::NotAName;
use onhand_core::{Label, LocationId, Sku};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;
use utoipa::ToSchema;

/// So much of a wrong text is told back.
const SHOWN: usize = 60;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
        pub struct $name(
            #[schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
            pub $inner,
        );

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text(PhantomData)).map(Self)
            }
        }
    };
}

text! {
    /// A location: 1 to 128 visible ASCII characters.
    #[schema(example = "store-17")]
    LocationText, LocationId
}
text! {
    /// A SKU: 1 to 128 visible ASCII characters.
    #[schema(example = "milk-1l")]
    SkuText, Sku
}
text! {
    /// A word of the caller's own: 1 to 128 visible ASCII characters.
    #[schema(example = "PO-2031")]
    LabelText, Label
}

/// Reads a string into a name.
struct Text<T>(PhantomData<T>);

impl<T: TryFrom<CompactString, Error = NotAName>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of 1 to 128 visible ASCII characters (! to ~)")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::try_from(CompactString::new(text)).map_err(|NotAName| {
            let shown = &text[..text.floor_char_boundary(SHOWN)];
            E::invalid_value(Unexpected::Str(shown), &self)
        })
    }
}
