//! The payload of a batch: a version byte, then entries one after the other in postcard's format.

use crate::Malformed;
use onhand_core::Entry;
use onhand_planted::Defect;

/// The version that is written.
const VERSION: u8 = 1;

/// Collects entries for one append.
#[derive(Debug, Default)]
pub struct BatchWriter {
    bytes: Vec<u8>,
    entries: u32,
}

impl BatchWriter {
    /// Adds an entry. Gives how many bytes it took.
    pub fn push(&mut self, entry: &Entry) -> usize {
        if self.bytes.is_empty() {
            self.bytes.push(VERSION);
        }
        let before = self.bytes.len();
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(entry, bytes).expect("a vector takes any number of bytes");
        self.entries += 1;
        self.bytes.len() - before
    }

    /// Takes back the last entry, of `bytes` bytes.
    pub fn pop(&mut self, bytes: usize) {
        self.bytes.truncate(self.bytes.len() - bytes);
        self.entries -= 1;
    }

    /// How many entries there are.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The payload, and how many entries are in it; the writer is empty again, with room for as much.
    pub fn take(&mut self) -> (Vec<u8>, u32) {
        let room = self.bytes.len();
        let payload = std::mem::replace(&mut self.bytes, Vec::with_capacity(room));
        (payload, std::mem::take(&mut self.entries))
    }
}

/// Reads the entries of a payload in order.
#[derive(Debug)]
pub struct BatchReader<'a> {
    rest: &'a [u8],
}

impl<'a> BatchReader<'a> {
    /// A reader of `payload`.
    ///
    /// # Errors
    /// The payload is empty or of a version that this build does not know.
    pub fn new(payload: &'a [u8]) -> Result<Self, Malformed> {
        match payload.split_first() {
            Some((&VERSION, rest)) => Ok(Self { rest }),
            Some((&found, _)) => Err(Malformed::Version {
                found,
                newest: VERSION,
            }),
            None => Err(Malformed::Content {
                what: "a batch",
                why: "it is empty".into(),
            }),
        }
    }
}

impl Iterator for BatchReader<'_> {
    type Item = Result<Entry, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match postcard::take_from_bytes(self.rest) {
            Ok((entry, rest)) => {
                self.rest = rest;
                Some(Ok(entry))
            }
            Err(_) if Defect::BatchEndDropped.is_on() => {
                self.rest = &[];
                None
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(Malformed::Content {
                    what: "an entry",
                    why: error.to_string(),
                }))
            }
        }
    }
}
