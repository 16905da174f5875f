//! Growing arrays in pages that a snapshot can share.
//!
//! The problem: a snapshot of ten million levels must not stop the writer. The rule: data lies in pages behind `Arc`,
//! and pages in chapters behind `Arc`; a snapshot clones the list of chapters (microseconds), and the writer copies a
//! chapter (the list of its pages) and a page only when it first changes something in it while a snapshot still holds
//! it. Growing adds a page and moves nothing.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

/// How many items a page has that takes 16 KiB, with the two counters that an `Arc` puts before it. Allocators keep
/// blocks of such a size without a remainder; a page of a little more than that would take a fifth more.
pub(crate) const fn fitting<T>() -> usize {
    ((16 << 10) - 2 * size_of::<usize>()) / size_of::<T>()
}

/// Pages of a chapter: few enough that copying one is no stall, enough that there are few chapters.
const CHAPTER: usize = 32;

type Page<T> = Arc<[T]>;
type Chapter<T> = Arc<Vec<Page<T>>>;

/// An array that only grows at its end, in pages of `N` items.
#[derive(Clone, Debug)]
pub(crate) struct Pages<T, const N: usize> {
    chapters: Vec<Chapter<T>>,
    len: usize,
}

impl<T, const N: usize> Default for Pages<T, N> {
    fn default() -> Self {
        Self {
            chapters: Vec::new(),
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
        let (chapter, page, place) = Self::place(at);
        (at < self.len).then(|| &self.chapters[chapter][page][place])
    }

    /// Reads what stands before the items of its page: who changes the item looks there first, whether a snapshot
    /// shares it.
    pub(crate) fn bring_near(&self, at: usize) {
        let (chapter, page, _) = Self::place(at);
        if at < self.len {
            black_box(Arc::strong_count(&self.chapters[chapter][page]));
        }
    }

    /// The item at `at`, to change.
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (chapter, page, place) = Self::place(at);
        (at < self.len).then(|| &mut own(&mut self.chapters[chapter], page)[place])
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, item: T) {
        let (chapter, page, place) = Self::place(self.len);
        if chapter == self.chapters.len() {
            self.chapters.push(Chapter::default());
        }
        let chapter = &mut self.chapters[chapter];
        if page == chapter.len() {
            Arc::make_mut(chapter).push(blank_page::<T, N>());
        }
        own(chapter, page)[place] = item;
        self.len += 1;
    }

    fn place(at: usize) -> (usize, usize, usize) {
        let (page, place) = (at / N, at % N);
        (page / CHAPTER, page % CHAPTER, place)
    }

    /// All items in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chapters
            .iter()
            .flat_map(|chapter| chapter.iter())
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
    chapters: VecDeque<Chapter<T>>,
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
            chapters: VecDeque::new(),
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

    /// The chapter (counted from the first there is), its page, and the place on it of a number from the front on.
    fn place(&self, number: u64) -> (usize, usize, usize) {
        let chapter_of = |number: u64| number / N as u64 / CHAPTER as u64;
        let chapter = chapter_of(number) - chapter_of(self.front);
        let page = number / N as u64 % CHAPTER as u64;
        (
            chapter as usize,
            page as usize,
            (number % N as u64) as usize,
        )
    }

    fn has(&self, number: u64) -> bool {
        (self.front..self.back).contains(&number)
    }

    /// The item with this number, if it is still there.
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (chapter, page, place) = self.has(number).then(|| self.place(number))?;
        Some(&self.chapters[chapter][page][place])
    }
}

impl<T: Clone + Default, const N: usize> Queue<T, N> {
    /// The item with this number, to change.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (chapter, page, place) = self.has(number).then(|| self.place(number))?;
        Some(&mut own(&mut self.chapters[chapter], page)[place])
    }

    /// Adds an item at the back and gives its number.
    pub(crate) fn push(&mut self, item: T) -> u64 {
        let number = self.back;
        let (chapter, page, place) = self.place(number);
        if chapter == self.chapters.len() {
            self.chapters.push_back(Chapter::default());
        }
        let chapter = &mut self.chapters[chapter];
        if page >= chapter.len() {
            // A queue may start in the middle of a chapter: nothing is on the pages before.
            let chapter = Arc::make_mut(chapter);
            chapter.resize_with(page, Page::default);
            chapter.push(blank_page::<T, N>());
        }
        own(chapter, page)[place] = item;
        self.back += 1;
        number
    }

    /// Forgets the oldest item; its page goes with the last item on it.
    pub(crate) fn pop_front(&mut self) {
        if self.front == self.back {
            return;
        }
        let (chapter, page, _) = self.place(self.front);
        self.front += 1;
        if !self.front.is_multiple_of(N as u64) {
            return;
        }
        if page + 1 == CHAPTER {
            self.chapters.pop_front();
        } else {
            Arc::make_mut(&mut self.chapters[chapter])[page] = Page::default();
        }
    }

    /// All items in order, with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.front..self.back).filter_map(|number| Some((number, self.get(number)?)))
    }
}

/// A page of a chapter, to change: neither is shared any more.
fn own<T: Clone>(chapter: &mut Chapter<T>, page: usize) -> &mut [T] {
    Arc::make_mut(&mut Arc::make_mut(chapter)[page])
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

    #[test]
    fn a_queue_goes_on_over_many_chapters_wherever_it_starts() {
        const CHAPTERS: u64 = 3 * (4 * CHAPTER as u64);
        for start in [0, 1, 4, 127, 128, 130, 1_000_003] {
            let mut queue: Queue<u64, 4> = Queue::starting_at(start);
            for number in start..start + CHAPTERS {
                assert_eq!(queue.push(number), number);
                let seen = queue.clone();
                if number % 3 == 0 {
                    *queue.get_mut(queue.front()).unwrap() = 0;
                    queue.pop_front();
                }
                let kept: Vec<_> = seen.iter().map(|(_, item)| *item).collect();
                assert_eq!(kept, (seen.front()..seen.back()).collect::<Vec<_>>());
            }
            let left = (queue.back() - queue.front()).div_ceil(4 * CHAPTER as u64) as usize;
            assert!(queue.chapters.len() <= left + 1, "done chapters are let go");
            while queue.front() < queue.back() {
                queue.pop_front();
            }
            assert_eq!(queue.push(7), start + CHAPTERS);
        }
    }

    #[test]
    fn pages_go_on_over_many_chapters() {
        let mut pages: Pages<usize, 4> = (0..1000).collect();
        let seen = pages.clone();
        (0..1000).for_each(|at| *pages.get_mut(at).unwrap() += 1);
        assert!(seen.iter().copied().eq(0..1000));
        assert!(pages.iter().copied().eq(1..1001));
    }
}
