//! Taking back a write that failed or was torn, so that the next one lies over zeros again.
//!
//! A crash may come in the middle of this, and what is left must still be judged a torn write and not damage. So the
//! frame goes from its end to its beginning, with a sync after each part:
//! 1. its last eight bytes: from then on it lacks its end, whatever else is there;
//! 2. what is between: it goes on lacking its end;
//! 3. its header: from then on there is no frame, and nothing but zeros after the place.

use super::frame::{HEADER, TRAILER_BYTES};
use crate::disk::DiskFile;
use std::io;

const CHUNK: u64 = 1 << 20;

/// Zeroes `bytes` bytes from `offset`, of one frame or part of one.
pub(crate) fn erase<F: DiskFile>(file: &F, offset: u64, bytes: u64) -> io::Result<()> {
    let header_end = offset + bytes.min(HEADER);
    let trailer = header_end.max((offset + bytes).saturating_sub(TRAILER_BYTES));
    zero(file, trailer, offset + bytes)?;
    zero(file, header_end, trailer)?;
    zero(file, offset, header_end)
}

fn zero<F: DiskFile>(file: &F, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; (to - from).min(CHUNK) as usize];
    let mut at = from;
    while at < to {
        let count = (to - at).min(CHUNK);
        file.write_at(at, &zeros[..count as usize])?;
        at += count;
    }
    file.sync()
}
