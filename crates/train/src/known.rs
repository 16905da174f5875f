//! The second pass: the features of each question, as they were known when it was asked.
//!
//! Before an entry is taken that was recorded after a slot's time, the slot's rows are read. Reading changes nothing,
//! so threads share the work; rows leave in the order of slots and pairs, however many threads there are. Only the rows
//! of one slot are held.

use crate::Source;
use crate::cells::Cells;
use crate::outcome::Outcomes;
use onhand_features::{FeatureSet, Limits, Moment, Store, Subject};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The rows of a slot.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which slot of the grid.
    pub slot: usize,
    /// Which pairs.
    pub pairs: &'a [u32],
    /// For each pair its row: a value for each feature of the set.
    pub rows: &'a [f32],
}

/// Asks the questions of `cells`, which has an element for each slot of the outcomes' grid.
///
/// # Errors
/// The ledger's.
pub fn ask<S: Source>(
    source: &S,
    set: Arc<FeatureSet>,
    outcomes: &Outcomes,
    cells: &Cells,
    threads: usize,
    each: &mut dyn FnMut(Asked<'_>),
) -> Result<(), S::Error> {
    let mut reader = Reader {
        store: Store::new(set, Limits::default()),
        outcomes,
        cells,
        readers: (0..threads.max(1)).map(|_| Subject::default()).collect(),
        next: 0,
        rows: Vec::new(),
    };
    source.each("Asking what was known", &mut |entry| {
        while reader
            .peek()
            .is_some_and(|moment| entry.stamp.at > moment.now)
        {
            reader.read(each);
        }
        if reader.peek().is_none() {
            return ControlFlow::Break(());
        }
        reader
            .store
            .apply(entry)
            .expect("a ledger is read in order, from its first entry");
        ControlFlow::Continue(())
    })?;
    while reader.peek().is_some() {
        reader.read(each);
    }
    Ok(())
}

struct Reader<'a> {
    store: Store,
    outcomes: &'a Outcomes,
    cells: &'a Cells,
    /// One a thread: what it remembers of a slot, the next goes on from.
    readers: Vec<Subject>,
    next: usize,
    rows: Vec<f32>,
}

impl Reader<'_> {
    /// When the next question is asked.
    fn peek(&self) -> Option<Moment> {
        (self.next < self.cells.len()).then(|| self.outcomes.grid.moment(self.next))
    }

    fn read(&mut self, each: &mut dyn FnMut(Asked<'_>)) {
        let (slot, moment) = (self.next, self.outcomes.grid.moment(self.next));
        self.next += 1;
        let pairs = &self.cells[slot];
        if pairs.is_empty() {
            return;
        }
        let width = self.store.set().len();
        self.rows.resize(pairs.len() * width, 0.0);
        let part = pairs.len().div_ceil(self.readers.len());
        let (store, outcomes) = (&self.store, self.outcomes);
        let parts = pairs.chunks(part).zip(self.rows.chunks_mut(part * width));
        std::thread::scope(|scope| {
            for ((pairs, rows), reader) in parts.zip(&mut self.readers) {
                scope.spawn(move || fill(store, outcomes, moment, reader, pairs, rows));
            }
        });
        each(Asked {
            slot,
            pairs,
            rows: &self.rows,
        });
    }
}

fn fill(
    store: &Store,
    outcomes: &Outcomes,
    moment: Moment,
    subject: &mut Subject,
    pairs: &[u32],
    rows: &mut [f32],
) {
    for (pair, row) in pairs.iter().zip(rows.chunks_mut(store.set().len())) {
        let pair = &outcomes.pairs[*pair as usize];
        store.find(pair.location.as_str(), pair.sku.as_str(), subject);
        store.read(subject, moment, row);
    }
}
