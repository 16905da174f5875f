//! Frames: many rows, each as of its own time, in one pass over the ledger.
//!
//! The rows are sorted by the time of the question, the entries by position. Before an entry is taken that was recorded
//! after a row's time, the row is read: so it shows exactly what was known then, and no entry is read twice, however
//! many rows there are. Rows leave as they are made; only the questions are kept.

use crate::store::{NotNext, Store};
use crate::subject::Subject;
use crate::window::Moment;
use onhand_core::{Entry, LocationId, Seq, Sku, Timestamp};
use std::collections::BTreeMap;

/// Which entries a row may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// Those recorded at or before this time.
    At(Timestamp),
    /// Those up to this position: what a follower knew that had come so far.
    To(Seq),
}

/// A row that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The number of the pair in [`Questions::pairs`].
    pub pair: u32,
    /// What may be known.
    pub known: Known,
    /// Now, and the time asked about.
    pub moment: Moment,
}

/// Rows that are asked for.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// The SKUs at locations that they are about.
    pub pairs: Vec<(LocationId, Sku)>,
    /// The questions.
    pub rows: Vec<Question>,
}

/// Questions being gathered: each pair is kept once.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    questions: Questions,
    numbers: BTreeMap<(LocationId, Sku), u32>,
}

impl Asked {
    /// Adds a question about a SKU at a location, which may know what was recorded up to its time.
    pub fn ask(&mut self, location: LocationId, sku: Sku, moment: Moment) {
        let questions = &mut self.questions;
        let next = questions.pairs.len() as u32;
        let pair = *self
            .numbers
            .entry((location, sku))
            .or_insert_with_key(|pair| {
                questions.pairs.push(pair.clone());
                next
            });
        questions.rows.push(Question {
            pair,
            known: Known::At(moment.now),
            moment,
        });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.questions.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.questions.rows.is_empty()
    }

    /// What was asked, in the order in which it was.
    pub fn into_questions(self) -> Questions {
        self.questions
    }
}

/// A row of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameRow<'a> {
    /// Its place among the questions, as they were given.
    pub number: usize,
    /// What was asked.
    pub question: &'a Question,
    /// The values, in the order of the set.
    pub values: &'a [f32],
}

/// Who takes the rows, in the order of what they know.
pub type Each<'a> = &'a mut dyn FnMut(FrameRow<'_>);

/// A frame on its way.
pub struct FrameBuilder {
    store: Store,
    questions: Questions,
    /// The questions, by what they know.
    order: Vec<u32>,
    next: usize,
    subject: Subject,
    values: Vec<f32>,
}

impl FrameBuilder {
    /// Begins a frame from a store, which is empty or knows nothing that a question may not.
    pub fn new(store: Store, questions: Questions) -> Self {
        let mut order: Vec<u32> = (0..questions.rows.len() as u32).collect();
        order.sort_by_key(|number| questions.rows[*number as usize].known);
        let values = vec![0.0; store.set().len()];
        Self {
            store,
            questions,
            order,
            next: 0,
            subject: Subject::default(),
            values,
        }
    }

    /// Takes the next entry; the rows that may not know it are made first.
    ///
    /// # Errors
    /// The entry is not the next; then nothing more can be made.
    pub fn take(&mut self, entry: &Entry, each: Each<'_>) -> Result<(), NotNext> {
        while let Some(question) = self.peek() {
            let knows = match question.known {
                Known::At(at) => entry.stamp.at <= at,
                Known::To(seq) => entry.stamp.seq <= seq,
            };
            if knows {
                break;
            }
            self.make(each);
        }
        self.store.apply(entry)
    }

    /// Whether every row is made, so that no more entries are needed.
    pub fn is_done(&self) -> bool {
        self.next == self.order.len()
    }

    /// Makes the rows that are left: they know all there is. Gives the store back.
    pub fn finish(mut self, each: Each<'_>) -> Store {
        while !self.is_done() {
            self.make(each);
        }
        self.store
    }

    fn peek(&self) -> Option<&Question> {
        let number = self.order.get(self.next)?;
        Some(&self.questions.rows[*number as usize])
    }

    fn make(&mut self, each: Each<'_>) {
        let number = self.order[self.next] as usize;
        self.next += 1;
        let question = &self.questions.rows[number];
        let (location, sku) = &self.questions.pairs[question.pair as usize];
        self.store
            .find(location.as_str(), sku.as_str(), &mut self.subject);
        self.store
            .read(&mut self.subject, question.moment, &mut self.values);
        each(FrameRow {
            number,
            question,
            values: &self.values,
        });
    }
}
