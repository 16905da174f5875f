//! The lines of a request: 1 to a bound, and reading stops at the bound.

use super::object::{FromJson, Part};
use super::read::Fault;
use onhand_core::{Few, Lines};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// 1 to `MOST` items; 10,000 unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T, const MOST: usize = { Lines::<()>::MOST }>(Few<T>);

impl<T, const MOST: usize> Listed<T, MOST> {
    /// The items.
    pub fn into_inner(self) -> Few<T> {
        self.0
    }

    /// Items that come as messages, each read in its place.
    ///
    /// # Errors
    /// There are none or too many, or the first one of an item.
    pub(crate) fn of_messages<M>(
        messages: Vec<M>,
        mut each: impl FnMut(usize, M) -> Result<T, Fault>,
    ) -> Result<Self, Fault> {
        let bound = Bound(MOST);
        match messages.len() {
            0 => Err(Fault::of_all(bound.none())),
            many if many > MOST => Err(Fault::of_all(bound.too_many())),
            _ => {
                let items = messages.into_iter().enumerate();
                let items = items.map(|(at, message)| each(at, message));
                items.collect::<Result<_, Fault>>().map(Self)
            }
        }
    }

    /// Turns every item into another, with its place for what may be wrong with it.
    ///
    /// # Errors
    /// The first one of an item.
    pub fn try_map<U, E>(
        self,
        mut each: impl FnMut(usize, T) -> Result<U, E>,
    ) -> Result<Lines<U>, E> {
        let items = self.0.into_iter().enumerate();
        let items: Few<U> = items
            .map(|(at, item)| each(at, item))
            .collect::<Result<_, E>>()?;
        Ok(Lines::new(items).expect("as many as were read, which was bounded"))
    }

    /// Turns every item into another.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Lines<U> {
        let items: Few<U> = self.0.into_iter().map(each).collect();
        Lines::new(items).expect("as many as were read, which was bounded")
    }
}

impl<'de, T: FromJson<'de>, const MOST: usize> Deserialize<'de> for Listed<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Items::<T, MOST>(PhantomData))
            .map(Self)
    }
}

struct Items<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: FromJson<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Bound(MOST))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Few<T>, A::Error> {
        let mut items = Few::new();
        while let Some(item) = from.next_element_seed(Part(PhantomData))? {
            if items.len() == MOST {
                return Err(A::Error::custom(Bound(MOST).too_many()));
            }
            items.push(item);
        }
        if items.is_empty() {
            return Err(A::Error::custom(Bound(MOST).none()));
        }
        Ok(items)
    }
}

/// The bound, for a message.
struct Bound(usize);

impl Bound {
    fn none(&self) -> String {
        format!("invalid length 0, expected {self}")
    }

    fn too_many(&self) -> String {
        format!("invalid length: more than {}, expected {self}", self.0)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of 1 to {} items", self.0)
    }
}
