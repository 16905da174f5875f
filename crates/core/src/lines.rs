//! The lines of a request: at least one, at most [`Lines::MOST`].

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::ops::Deref;

/// A few items, the first one without an allocation: most requests have one line.
pub type Few<T> = SmallVec<[T; 1]>;

/// 1 to 10,000 lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lines<T>(Few<T>);

/// Why lines were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLines {
    /// There were none.
    Empty,
    /// There were more than [`Lines::MOST`].
    TooMany(usize),
}

impl<T> Lines<T> {
    /// The most lines of one request.
    pub const MOST: usize = 10_000;

    /// Lines, if there are neither too few nor too many.
    pub fn new(items: impl Into<Few<T>>) -> Result<Self, BadLines> {
        let items = items.into();
        match items.len() {
            0 => Err(BadLines::Empty),
            many if many > Self::MOST => Err(BadLines::TooMany(many)),
            _ => Ok(Self(items)),
        }
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lines<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(Few::<T>::deserialize(from)?)
            .map_err(|_| serde::de::Error::custom("a request has 1 to 10,000 lines"))
    }
}
