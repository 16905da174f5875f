//! An array that one writer extends while any number of readers read, without locks.

use std::sync::OnceLock;

/// Bytes of a page: a size that allocators keep without a remainder. A page is made when its first item is.
const PAGE_BYTES: usize = 16 << 10;
/// Pages that a branch points to.
const BRANCH: usize = 1024;
/// Branches that the root points to.
const ROOT: usize = 512;

type Page<T> = OnceLock<Box<[T]>>;
type Branch<T> = OnceLock<Box<[Page<T>]>>;

/// Room for 134 million items, as long as each has at most 64 bytes. An item never moves.
#[derive(Debug)]
pub struct Growing<T> {
    root: Box<[Branch<T>]>,
}

impl<T: Default> Default for Growing<T> {
    fn default() -> Self {
        Self { root: unmade(ROOT) }
    }
}

impl<T: Default> Growing<T> {
    /// How many items there can be.
    pub const MOST: u32 = (ROOT * BRANCH * Self::PAGE) as u32;

    /// Items of a page.
    const PAGE: usize = PAGE_BYTES / size_of::<T>();

    /// The item at `at`, if its page was made.
    pub fn get(&self, at: u32) -> Option<&T> {
        let (branch, page, at) = Self::place(at);
        let pages = self.root.get(branch)?.get()?;
        pages[page].get()?.get(at)
    }

    /// The item at `at`, which is a default one until it is changed; `None` past [`Growing::MOST`]. Its page is made
    /// if need be.
    pub fn make(&self, at: u32) -> Option<&T> {
        let (branch, page, at) = Self::place(at);
        let pages = self.root.get(branch)?.get_or_init(|| unmade(BRANCH));
        pages[page]
            .get_or_init(|| (0..Self::PAGE).map(|_| T::default()).collect())
            .get(at)
    }

    fn place(at: u32) -> (usize, usize, usize) {
        let at = at as usize;
        let (page, at) = (at / Self::PAGE, at % Self::PAGE);
        (page / BRANCH, page % BRANCH, at)
    }
}

fn unmade<T>(count: usize) -> Box<[OnceLock<T>]> {
    (0..count).map(|_| OnceLock::new()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn an_item_is_there_when_its_page_was_made() {
        let items: Growing<AtomicU32> = Growing::default();
        let last = Growing::<AtomicU32>::MOST - 1;
        let places = [0, 4095, 4096, 4_194_303, 4_194_304, last];
        for at in places {
            items.make(at).unwrap().store(at, Ordering::Relaxed);
        }
        for at in places {
            assert_eq!(
                items.get(at).map(|item| item.load(Ordering::Relaxed)),
                Some(at)
            );
        }
        assert!(items.get(1_000_000).is_none());
        assert!(items.make(last + 1).is_none());
    }
}
