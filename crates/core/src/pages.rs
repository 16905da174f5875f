//! Growing arrays in pages that a snapshot can share.
//!
//! The problem: a snapshot of ten million levels must not stop the writer. The rule: data lies in pages behind `Arc`;
//! a snapshot clones the list of pages (microseconds), and the writer copies a page only when it first changes it
//! while a snapshot still holds it. Growing adds a page and moves nothing.

use std::collections::VecDeque;
use std::sync::Arc;

/// How many items a page has that takes 16 KiB, with the two counters that an `Arc` puts before it. Allocators keep
/// blocks of such a size without a remainder; a page of a little more than that would take a fifth more.
pub(crate) const fn fitting<T>() -> usize {
    ((16 << 10) - 2 * size_of::<usize>()) / size_of::<T>()
}

/// An array that only grows at its end, in pages of `N` items.
#[derive(Clone, Debug)]
pub(crate) struct Pages<T, const N: usize> {
    pages: Vec<Arc<[T]>>,
    len: usize,
}

impl<T, const N: usize> Default for Pages<T, N> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone + Default, const N: usize> Pages<T, N> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `at`, if there is one.
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        (at < self.len).then(|| &self.pages[at / N][at % N])
    }

    /// The item at `at`, to change.
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        (at < self.len).then(|| &mut Arc::make_mut(&mut self.pages[at / N])[at % N])
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, item: T) {
        if self.len == self.pages.len() * N {
            self.pages.push(blank_page::<T, N>());
        }
        Arc::make_mut(&mut self.pages[self.len / N])[self.len % N] = item;
        self.len += 1;
    }

    /// All items in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages
            .iter()
            .flat_map(|page| page.iter())
            .take(self.len)
    }
}

impl<T: Clone + Default, const N: usize> FromIterator<T> for Pages<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut pages = Self::default();
        items.into_iter().for_each(|item| pages.push(item));
        pages
    }
}

/// A queue whose items keep the number they came in with, in pages of `N`: new ones at the back, old ones forgotten
/// from the front, a page at a time.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T, const N: usize> {
    pages: VecDeque<Arc<[T]>>,
    /// The number of the first item still counted as there.
    front: u64,
    /// The number that the next item gets.
    back: u64,
}

impl<T, const N: usize> Default for Queue<T, N> {
    fn default() -> Self {
        Self::starting_at(0)
    }
}

impl<T, const N: usize> Queue<T, N> {
    /// An empty queue whose first item will have the number `front`.
    pub(crate) fn starting_at(front: u64) -> Self {
        Self {
            pages: VecDeque::new(),
            front,
            back: front,
        }
    }

    /// The number of the oldest item; equal to [`Queue::back`] if there is none.
    pub(crate) fn front(&self) -> u64 {
        self.front
    }

    /// The number that the next item will get.
    pub(crate) fn back(&self) -> u64 {
        self.back
    }

    fn first_page(&self) -> u64 {
        self.front / N as u64
    }

    fn place(&self, number: u64) -> Option<(usize, usize)> {
        (self.front..self.back).contains(&number).then(|| {
            let page = (number / N as u64 - self.first_page()) as usize;
            (page, (number % N as u64) as usize)
        })
    }

    /// The item with this number, if it is still there.
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        self.place(number).map(|(page, at)| &self.pages[page][at])
    }
}

impl<T: Clone + Default, const N: usize> Queue<T, N> {
    /// The item with this number, to change.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.place(number)
            .map(|(page, at)| &mut Arc::make_mut(&mut self.pages[page])[at])
    }

    /// Adds an item at the back and gives its number.
    pub(crate) fn push(&mut self, item: T) -> u64 {
        let number = self.back;
        let page = (number / N as u64 - self.first_page()) as usize;
        if page == self.pages.len() {
            self.pages.push_back(blank_page::<T, N>());
        }
        Arc::make_mut(&mut self.pages[page])[(number % N as u64) as usize] = item;
        self.back += 1;
        number
    }

    /// Forgets the oldest item; its page goes with the last item on it.
    pub(crate) fn pop_front(&mut self) {
        if self.front == self.back {
            return;
        }
        self.front += 1;
        let page_is_done = self.front.is_multiple_of(N as u64);
        if page_is_done {
            self.pages.pop_front();
        }
    }

    /// All items in order, with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.front..self.back).filter_map(|number| Some((number, self.get(number)?)))
    }
}

fn blank_page<T: Clone + Default, const N: usize>() -> Arc<[T]> {
    (0..N).map(|_| T::default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_what_it_saw_while_the_original_changes() {
        let mut pages: Pages<u32, 4> = (0..10).collect();
        let seen = pages.clone();
        *pages.get_mut(5).unwrap() = 99;
        pages.push(10);
        assert_eq!(
            seen.iter().copied().collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>()
        );
        assert_eq!(pages.get(5), Some(&99));
        assert_eq!(pages.len(), 11);
    }

    #[test]
    fn a_queue_forgets_from_the_front_and_keeps_its_numbers() {
        let mut queue: Queue<u32, 4> = Queue::starting_at(6);
        (0..7).for_each(|item| assert_eq!(queue.push(item), 6 + u64::from(item)));
        (0..4).for_each(|_| queue.pop_front());
        assert_eq!((queue.front(), queue.back()), (10, 13));
        assert_eq!(queue.get(9), None);
        assert_eq!(
            queue.iter().map(|(n, &v)| (n, v)).collect::<Vec<_>>(),
            [(10, 4), (11, 5), (12, 6)]
        );
        (0..9).for_each(|_| queue.pop_front());
        assert_eq!((queue.front(), queue.back()), (13, 13));
        assert_eq!(queue.push(7), 13);
        assert_eq!(queue.get(13), Some(&7));
    }
}
