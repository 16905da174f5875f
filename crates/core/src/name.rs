//! Names that come from outside: 1 to 128 visible ASCII characters each.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAName;

impl NotAName {
    /// The rule, for a message to the sender.
    pub const RULE: &'static str = "must be 1 to 128 visible ASCII characters (! to ~)";
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::RULE)
    }
}

impl std::error::Error for NotAName {}

fn check(text: &str) -> Result<(), NotAName> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=128).contains(&text.len()) && visible)
        .then_some(())
        .ok_or(NotAName)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// The name, if `text` is one.
            pub fn new(text: &str) -> Result<Self, NotAName> {
                check(text)?;
                Ok(Self(CompactString::new(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = NotAName;
            fn try_from(text: CompactString) -> Result<Self, NotAName> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A place that keeps stock: a store, a dark store, a warehouse.
    LocationId
}
name! {
    /// A stock keeping unit: what is counted, promised and picked.
    Sku
}
name! {
    /// Any other word that a caller gives us to keep: a reference, a reason, a source, a lot.
    Label
}
