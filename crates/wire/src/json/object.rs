//! What a request is made of, read strictly.
//!
//! Serde takes an array for a struct, field by field in their order. A request must not: its fields would be taken by
//! place, and a swap of two would not be noticed. So every object of a request is read through [`FromJson`], which
//! takes an object only.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A part of a request.
pub trait FromJson<'de>: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// It has another shape.
    fn from_json<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// Reads a part of a request where Serde asks for a seed.
pub(super) struct Part<T>(pub(super) PhantomData<T>);

impl<'de, T: FromJson<'de>> DeserializeSeed<'de> for Part<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        T::from_json(from)
    }
}

/// Reads an object, and nothing else.
pub(super) struct Object<T>(pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, from: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(from))
    }
}

/// Says of types that they are read from objects only.
macro_rules! objects {
    ($($name:ty),+ $(,)?) => {$(
        impl<'de> crate::json::object::FromJson<'de> for $name {
            fn from_json<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_map(crate::json::object::Object(std::marker::PhantomData))
            }
        }
    )+};
}

pub(super) use objects;
