//! Reading rows of a store, with what was remembered of it, before the eyes of a witness.
//!
//! Everybody who serves rows reads them here: what is asked for by name and what a model is asked about. So they share
//! what is remembered, and a witness who writes rows down sees them all.

use crate::entity::Entity;
use crate::members::NONE;
use crate::row::Subject;
use crate::store::Store;
use crate::window::Moment;
use onhand_core::LevelNo;
use std::fmt;

/// Who is told of rows that are served.
pub trait Witness: fmt::Debug {
    /// A row of a location and SKU was read from the store, as it stands.
    fn served(&self, store: &Store, name: (&str, &str), moment: Moment, row: &[f32]);
}

/// A store that stands still while it is read.
#[derive(Debug)]
pub struct Reader<'a> {
    store: &'a Store,
    subject: &'a mut Subject,
    witness: Option<&'a dyn Witness>,
}

impl<'a> Reader<'a> {
    /// A reader that goes on with what the subject remembers.
    pub fn new(
        store: &'a Store,
        subject: &'a mut Subject,
        witness: Option<&'a dyn Witness>,
    ) -> Self {
        Self {
            store,
            subject,
            witness,
        }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Whom the last row was read for.
    pub fn subject(&self) -> &Subject {
        self.subject
    }

    /// The level of a SKU at a location, if the ledger knows it.
    pub fn find(&mut self, location: &str, sku: &str) -> Option<LevelNo> {
        self.store.find(location, sku, self.subject);
        self.subject.level()
    }

    /// The number of the group, of those that a pushed text names, in which the level is that was last found.
    pub fn group(&self, name: &'static str) -> Option<u32> {
        let kind = self.store.kind_of_group(name)?;
        let row = self.subject.row(kind)?;
        (row != NONE).then_some(row)
    }

    /// The values of all features of a SKU at a location, which are served; its level, if the ledger knows it.
    ///
    /// # Panics
    /// `row` has another length than the set.
    pub fn row(
        &mut self,
        (location, sku): (&str, &str),
        moment: Moment,
        row: &mut [f32],
    ) -> Option<LevelNo> {
        let level = self.find(location, sku);
        self.store.read(self.subject, moment, row);
        if let Some(witness) = self.witness {
            witness.served(self.store, (location, sku), moment, row);
        }
        level
    }

    /// The values of all features of a level. It has no name here, so no witness is told.
    ///
    /// # Panics
    /// `row` has another length than the set.
    pub fn row_of_level(&mut self, level: LevelNo, moment: Moment, row: &mut [f32]) {
        self.store.find_level(level, self.subject);
        self.store.read(self.subject, moment, row);
    }
}

impl Store {
    /// The number of the group of all SKUs of which the pushed text of this name is `text`; `None` if there is none, or
    /// no feature is kept for such groups.
    pub fn group(&self, name: &'static str, text: &str) -> Option<u32> {
        self.kept
            .members
            .row_of_text(self.kind_of_group(name)?, text)
    }

    fn kind_of_group(&self, name: &'static str) -> Option<usize> {
        let entities = &self.set.plan().entities;
        entities.iter().position(|one| *one == Entity::Group(name))
    }
}
