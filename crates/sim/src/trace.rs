//! What happened, line by line, and the hash of what was read beside. Two runs of a seed are the same if their traces are.

use crate::ask::{Millis, Time};
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use xxhash_rust::xxh3::Xxh3;

/// How many of the last lines are kept for a finding.
const KEPT: usize = 60;

/// The lines of a run, and the hash of these and of what was read.
pub struct Trace {
    hash: Xxh3,
    last: VecDeque<String>,
    all: Option<String>,
}

impl Trace {
    /// An empty trace, that keeps all its lines or only the last.
    pub fn new(keeps_all: bool) -> Self {
        Self {
            hash: Xxh3::new(),
            last: VecDeque::new(),
            all: keeps_all.then(String::new),
        }
    }

    /// Adds a line.
    pub fn line(&mut self, at: Millis, what: fmt::Arguments<'_>) {
        let mut line = String::with_capacity(96);
        // A string takes all.
        let _ = writeln!(line, "{} {what}", Time(at));
        self.hash.update(line.as_bytes());
        if let Some(all) = &mut self.all {
            all.push_str(&line);
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Adds something that is not told, but must be the same twice.
    pub fn untold(&mut self, what: fmt::Arguments<'_>) {
        self.hash.update(what.to_string().as_bytes());
    }

    /// A hash of all lines, and of what is not told.
    pub fn hash(&self) -> u64 {
        self.hash.digest()
    }

    /// All lines, if they were kept; else the last.
    pub fn text(&self) -> String {
        match &self.all {
            Some(all) => all.clone(),
            None => self.last.iter().map(String::as_str).collect(),
        }
    }
}
