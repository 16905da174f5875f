//! Clients that went away before their answer came.
//!
//! Nobody sees those answers, so nobody can say when they came. What was asked is done all the same: the twin does it
//! like any other request, and whoever asks again with its key learns what came of it. And until it is answered, it has
//! its place in the queue: up to the answer of a request that was taken later, or until all is at rest.

use super::{Book, Token};
use std::collections::BTreeSet;

/// Those who went away.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Their requests that were not taken yet.
    queued: BTreeSet<Token>,
    /// The turns of those that were taken, and may not be answered yet.
    taken: BTreeSet<u64>,
}

impl Gone {
    /// A request was taken; whether its client is gone.
    pub(super) fn is_taken(&mut self, token: Token, turn: u64) -> bool {
        let is_gone = self.queued.remove(&token);
        if is_gone {
            self.taken.insert(turn);
        }
        is_gone
    }

    /// A request was answered, and so were all that were taken before it.
    pub(super) fn are_answered(&mut self, turn: u64) {
        self.taken = self.taken.split_off(&turn);
    }
}

impl Book {
    /// The client of a request is gone.
    pub fn vanished(&mut self, token: Token) {
        match self.foretold.remove(&token) {
            Some(due) => drop(self.gone.taken.insert(due.turn)),
            None => drop(self.gone.queued.insert(token)),
        }
    }

    /// How many requests have a place in the queue, at most.
    pub fn places(&self) -> usize {
        self.waiting() + self.gone.taken.len()
    }

    /// The partition is out of order, and the writer had its turn: it has refused all who waited for theirs. Who was
    /// taken before has a place until the appender comes to it.
    pub fn refused_all(&mut self) {
        let gone = std::mem::take(&mut self.gone.queued);
        self.queued.retain(|(token, ..)| !gone.contains(token));
    }

    /// All is at rest: whoever has a place has an answer.
    pub fn rests(&mut self) {
        self.gone.taken.clear();
    }
}
