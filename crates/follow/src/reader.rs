//! Reading rows of a store that goes on growing.
//!
//! What a reader remembers ([`Subject`]) is worth keeping: means over many shelves are made once an hour, not once a
//! request. So all readers of a store remember together: whoever comes beside another does not begin anew. They put back
//! the rooms that they worked in, and the next takes them up.

use crate::sampler::Sampler;
use onhand_core::{Seq, Stamp};
use onhand_features::{Moment, Store, Subject, Witness};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard};

/// Rooms to work in that are kept.
const KEPT: usize = 8;

/// What readers of a store remember, and the rooms that nobody works in.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    first: Subject,
    free: Mutex<Vec<Subject>>,
}

impl Pool {
    fn take(&self) -> Subject {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.pop().unwrap_or_else(|| self.first.clone())
    }

    fn put(&self, subject: Subject) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(subject);
        }
    }
}

/// A store that stands still while it is read.
#[derive(Debug)]
pub struct Reader<'a> {
    store: RwLockReadGuard<'a, Store>,
    subject: Subject,
    pool: &'a Pool,
    sampled: Option<Sampled<'a>>,
}

/// What is served of a partition may be written down.
#[derive(Debug)]
struct Sampled<'a> {
    partition: u16,
    sampler: &'a Sampler,
}

impl Witness for Sampled<'_> {
    fn served(&self, store: &Store, name: (&str, &str), moment: Moment, row: &[f32]) {
        let known: (u16, Seq) = (self.partition, store.last().seq);
        self.sampler.served(known, name, moment, store.set(), row);
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        partition: u16,
        store: RwLockReadGuard<'a, Store>,
        pool: &'a Pool,
        sampler: Option<&'a Sampler>,
    ) -> Self {
        Self {
            store,
            subject: pool.take(),
            pool,
            sampled: sampler.map(|sampler| Sampled { partition, sampler }),
        }
    }

    /// The values of all features of a SKU at a location; whether the ledger knows it there.
    ///
    /// # Panics
    /// `row` has another length than the set.
    pub fn row(&mut self, location: &str, sku: &str, moment: Moment, row: &mut [f32]) -> bool {
        let set = Arc::clone(self.store.set());
        let names = [(location, sku)];
        self.rows().rows(&names, set.whole(), moment, row)[0].is_some()
    }

    /// The store with what is remembered of it, for who reads more than values.
    pub fn rows(&mut self) -> onhand_features::Reader<'_> {
        let witness = self.sampled.as_ref().map(|one| one as &dyn Witness);
        onhand_features::Reader::new(&self.store, &mut self.subject, witness)
    }

    /// The last entry that rows show.
    pub fn last(&self) -> Stamp {
        self.store.last()
    }
}

impl Deref for Reader<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.subject));
    }
}
