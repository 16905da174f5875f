//! Reading rows of a store, with what was remembered of it, before the eyes of a witness.
//!
//! Everybody who serves rows reads them here: what is asked for by name and what a model is asked about. So they share
//! what is remembered, and a witness who writes rows down sees them all.

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
