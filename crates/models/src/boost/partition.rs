//! Parting a leaf's rows by a split, each side in its old order.

use super::gradient::Entry;
use crate::parallel::Threads;

/// Rows below which a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 14;

/// Which bins go left.
pub(crate) type Sides = [bool; 256];

/// Moves the rows whose bin goes left to the front; gives their number.
pub(crate) fn part(
    entries: &mut [Entry],
    scratch: &mut [Entry],
    bin: impl Fn(u32) -> u8 + Sync,
    sides: &Sides,
    threads: Threads,
) -> usize {
    let parts = threads.count().min(entries.len() / WORTH_A_THREAD).max(1);
    let size = entries.len().div_ceil(parts).max(1);
    let pairs = entries.chunks_mut(size).zip(scratch.chunks_mut(size));
    let tasks = pairs.map(|(entries, scratch)| {
        let bin = &bin;
        move || part_run(entries, scratch, bin, sides)
    });
    let lefts = threads.all(tasks.collect());
    gather(entries, size, &lefts)
}

fn part_run(
    entries: &mut [Entry],
    scratch: &mut [Entry],
    bin: impl Fn(u32) -> u8,
    sides: &Sides,
) -> usize {
    // Without a branch: each row is written to both sides, and one of them moves on.
    let (mut left, mut right) = (0, 0);
    for index in 0..entries.len() {
        let entry = entries[index];
        let goes_left = usize::from(sides[bin(entry.row) as usize]);
        entries[left] = entry;
        scratch[right] = entry;
        left += goes_left;
        right += 1 - goes_left;
    }
    entries[left..].copy_from_slice(&scratch[..right]);
    left
}

/// Brings the left sides of all runs of `size` rows together.
fn gather(entries: &mut [Entry], size: usize, lefts: &[usize]) -> usize {
    let mut end = 0;
    for (run, &left) in lefts.iter().enumerate() {
        let start = run * size;
        entries[end..start + left].rotate_left(start - end);
        end += left;
    }
    end
}
