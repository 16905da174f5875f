//! Texts that come from outside: identifiers of 1 to 128 visible ASCII characters, and labels in any language.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAName;

impl NotAName {
    /// The rule of an identifier, for a message to the sender.
    pub const RULE: &'static str = "must be 1 to 128 visible ASCII characters (! to ~)";
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::RULE)
    }
}

impl std::error::Error for NotAName {}

/// The rule of an identifier: it goes into paths, logs and files of others.
fn identifier(text: &str) -> Result<(), NotAName> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=128).contains(&text.len()) && visible)
        .then_some(())
        .ok_or(NotAName)
}

/// The rule of a label: it is for people to read.
fn label(text: &str) -> Result<(), NotAName> {
    let is_plain = !text.chars().any(char::is_control) && text.trim() == text;
    ((1..=128).contains(&text.chars().count()) && is_plain)
        .then_some(())
        .ok_or(NotAName)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:ident, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// What a text must be.
            pub const RULE: &'static str = $rule;

            /// The name, if `text` is one.
            pub fn new(text: &str) -> Result<Self, NotAName> {
                $check(text)?;
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
                $check(&text)?;
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
    LocationId, identifier, "a string of 1 to 128 visible ASCII characters (! to ~)"
}
name! {
    /// A stock keeping unit: what is counted, promised and picked.
    Sku, identifier, "a string of 1 to 128 visible ASCII characters (! to ~)"
}
name! {
    /// What a fact is called: `discount`, `weather.rain`, `category`.
    FactName, identifier, "a string of 1 to 128 visible ASCII characters (! to ~)"
}
name! {
    /// Any other text that a caller gives us to keep: a reference, a reason, a source, a lot.
    Label, label, "a string of 1 to 128 characters, none of them a control character, with no space at its ends"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_visible_ascii_and_a_label_is_for_people() {
        for good in ["milk-1l", "!~"] {
            assert!(Sku::new(good).is_ok() && Label::new(good).is_ok());
        }
        for only_label in ["broken bottle", "zerstört"] {
            assert!(Sku::new(only_label).is_err() && Label::new(only_label).is_ok());
        }
        for bad in ["", " ", " x", "a\nb", &"x".repeat(129)] {
            assert!(
                Sku::new(bad).is_err() && Label::new(bad).is_err(),
                "{bad:?}"
            );
        }
    }
}
