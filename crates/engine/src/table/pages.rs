//! An array that one writer extends while any number of readers read, without locks.

use std::sync::OnceLock;

const PAGE: usize = 4096;
const PAGES: usize = 1 << 15;

/// Up to 134 million items, in pages made when they are first needed. An item never moves.
#[derive(Debug)]
pub(super) struct SharedPages<T> {
    pages: Box<[OnceLock<Box<[T]>>]>,
}

impl<T: Default> SharedPages<T> {
    pub(super) fn new() -> Self {
        Self {
            pages: (0..PAGES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The item at `at`, if its page was made.
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        let page = self.pages.get(at as usize / PAGE)?.get()?;
        page.get(at as usize % PAGE)
    }

    /// The item at `at`; its page is made if need be.
    pub(super) fn make(&self, at: u32) -> Option<&T> {
        let page = self.pages.get(at as usize / PAGE)?;
        page.get_or_init(|| (0..PAGE).map(|_| T::default()).collect())
            .get(at as usize % PAGE)
    }
}
