//! Where positions and times are in a segment: one mark every 64 KiB, made while the segment is read or written.
//!
//! It is never stored: the frames are the truth, and a walk over their headers finds everything again. Nor is it built
//! ahead: a start would then read the whole log. Whoever walks leaves marks behind for the next.

/// The bytes between two marks, at least.
const STRIDE: u64 = 64 << 10;

/// A frame's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its first position.
    pub(crate) first: u64,
    /// When its batch was closed.
    pub(crate) at_millis: u64,
    /// Where it is in the file.
    pub(crate) offset: u64,
}

/// The marks of a segment, in order; never empty.
#[derive(Debug)]
pub(crate) struct Index(Vec<Mark>);

impl Index {
    /// An index of which only the beginning is known.
    pub(crate) fn new(start: Mark) -> Self {
        Self(vec![start])
    }

    /// Remembers a frame, if it is far enough from the last that is remembered.
    pub(crate) fn note(&mut self, mark: Mark) {
        if self.last().offset + STRIDE <= mark.offset {
            self.0.push(mark);
        }
    }

    fn last(&self) -> Mark {
        self.0[self.0.len() - 1]
    }

    /// The last remembered frame that does not begin after `position`.
    pub(crate) fn before_position(&self, position: u64) -> Mark {
        self.floor(|mark| mark.first <= position)
    }

    /// The last remembered frame that was closed before `at_millis`, or the first.
    pub(crate) fn before_time(&self, at_millis: u64) -> Mark {
        self.floor(|mark| mark.at_millis < at_millis)
    }

    fn floor(&self, is_before: impl Fn(&Mark) -> bool) -> Mark {
        self.0[self.0.partition_point(is_before).saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(first: u64, offset: u64) -> Mark {
        Mark {
            first,
            at_millis: first * 10,
            offset,
        }
    }

    #[test]
    fn marks_are_sparse_and_the_floor_is_found() {
        let mut index = Index::new(mark(1, 4096));
        (2..100).for_each(|n| index.note(mark(n, 4096 + (n - 1) * (STRIDE / 2))));
        assert_eq!(index.0.len(), 50);
        assert_eq!(index.before_position(1), mark(1, 4096));
        assert_eq!(index.before_position(4), mark(3, 4096 + STRIDE));
        assert_eq!(index.before_time(30), mark(1, 4096));
        assert_eq!(index.before_time(31), mark(3, 4096 + STRIDE));
        assert_eq!(index.before_time(0), mark(1, 4096));
    }
}
