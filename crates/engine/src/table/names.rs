//! Names and their numbers, for readers.

use super::index::SharedIndex;
use super::pages::SharedPages;
use compact_str::CompactString;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// Names, numbered in the order they came.
#[derive(Debug)]
pub(super) struct SharedNames {
    texts: SharedPages<OnceLock<CompactString>>,
    index: SharedIndex,
    len: AtomicU32,
}

impl SharedNames {
    pub(super) fn new() -> Self {
        Self {
            texts: SharedPages::new(),
            index: SharedIndex::new(),
            len: AtomicU32::new(0),
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len.load(Ordering::Acquire)
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.index
            .find(xxh3_64(text.as_bytes()), |no| self.text(no) == text)
    }

    /// The name with this number; empty if there is none.
    pub(super) fn text(&self, no: u32) -> &str {
        let text = self.texts.get(no).and_then(OnceLock::get);
        text.map_or("", |text| text)
    }

    /// The number of a name, added if it is new. Called by the one writer only.
    pub(super) fn find_or_add(&self, text: &str) -> u32 {
        self.find(text).unwrap_or_else(|| self.add(text))
    }

    fn add(&self, text: &str) -> u32 {
        let no = self.len();
        if let Some(slot) = self.texts.make(no) {
            slot.get_or_init(|| CompactString::new(text));
        }
        self.len.store(no + 1, Ordering::Release);
        let rehash = |no| xxh3_64(self.text(no).as_bytes());
        self.index.insert(xxh3_64(text.as_bytes()), no, rehash);
        no
    }
}
