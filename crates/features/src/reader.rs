//! Reading rows of a store, with what was remembered of it, before the eyes of a witness.
//!
//! Everybody who serves rows reads them here: what is asked for by name and what a model is asked about. So they share
//! what is remembered, and a witness who writes rows down sees them all.

use crate::choice::Choice;
use crate::entity::Entity;
use crate::store::Store;
use crate::subject::Subject;
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

    /// Looks SKUs at locations up, of which nothing but their texts is to be read.
    pub fn find_all<'n>(&mut self, names: impl Iterator<Item = (&'n str, &'n str)> + Clone) {
        self.store.find_all(names, self.subject);
    }

    /// The pushed text of this name that was last told of the one in a place of those that were
    /// looked up last. `None` if there is none, or no feature is kept for the groups of that name.
    pub fn text(&self, name: &'static str, place: usize) -> Option<&str> {
        let entities = &self.store.set.plan().entities;
        let kind = entities
            .iter()
            .position(|one| *one == Entity::Group(name))?;
        let row = self.subject.row(kind, place)?;
        self.store.kept.members.text(kind, row)
    }

    /// The values of some features of SKUs at locations, which are served: one row after the other, in which the places of
    /// other features may stay as they are. Gives their levels, each if the ledger knows it. A witness is told whole rows.
    ///
    /// # Panics
    /// `rows` has another length than that of the set, for each name.
    pub fn rows(
        &mut self,
        names: &[(&str, &str)],
        choice: &Choice,
        moment: Moment,
        rows: &mut [f32],
    ) -> &[Option<LevelNo>] {
        self.store.find_all(names.iter().copied(), self.subject);
        let choice = match self.witness {
            None => choice,
            Some(_) => self.store.set().whole(),
        };
        self.store.read_some(self.subject, choice, moment, rows);
        if let Some(witness) = self.witness {
            let rows = rows.chunks_exact(self.store.set().len().max(1));
            for (name, row) in names.iter().zip(rows) {
                witness.served(self.store, *name, moment, row);
            }
        }
        self.subject.levels()
    }

    /// The same of levels. They have no names here, so no witness is told.
    ///
    /// # Panics
    /// `rows` has another length than that of the set, for each level.
    pub fn rows_of_levels(
        &mut self,
        levels: &[LevelNo],
        choice: &Choice,
        moment: Moment,
        rows: &mut [f32],
    ) {
        self.store.find_levels(levels, self.subject);
        self.store.read_some(self.subject, choice, moment, rows);
    }
}
