//! Names and their numbers.

use super::growing::Growing;
use super::index::{Index, View};
use compact_str::CompactString;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// Names, numbered in the order they came.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Growing<OnceLock<CompactString>>,
    index: Index,
    len: AtomicU32,
}

impl Names {
    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.len.load(Ordering::Acquire)
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.find_in(&self.index.view(), text)
    }

    /// The numbers of many.
    pub(super) fn find_all<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = Option<u32>> {
        let index = self.index.view();
        texts.map(move |text| self.find_in(&index, text))
    }

    fn find_in(&self, index: &View, text: &str) -> Option<u32> {
        index.find(xxh3_64(text.as_bytes()), |no| self.text(no) == text)
    }

    /// The name with this number; empty if there is none.
    pub(super) fn text(&self, no: u32) -> &str {
        let text = self.texts.get(no).and_then(OnceLock::get);
        text.map_or("", |text| text)
    }

    /// The number of a name, added if it is new; `None` if there is no number left. Called by the one writer only.
    pub(super) fn find_or_add(&self, text: &str) -> Option<u32> {
        self.find(text).or_else(|| self.add(text))
    }

    /// Adds a name, which is new. Called by the one writer only.
    pub(super) fn add(&self, text: &str) -> Option<u32> {
        let no = self.len();
        if no >= Index::MOST {
            return None;
        }
        self.texts
            .make(no)?
            .get_or_init(|| CompactString::new(text));
        let rehash = |no| xxh3_64(self.text(no).as_bytes());
        self.index.insert(xxh3_64(text.as_bytes()), no, rehash);
        self.len.store(no + 1, Ordering::Release);
        Some(no)
    }
}
