//! How much memory the process has.

use std::fs;
use std::io;

/// Bytes of this process that lie in memory, as Linux counts them.
///
/// # Errors
/// The system does not say.
pub(super) fn bytes() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_ascii_whitespace().nth(1);
    let pages: u64 = pages
        .and_then(|pages| pages.parse().ok())
        .ok_or_else(|| io::Error::other(format!("/proc/self/statm says {statm:?}")))?;
    Ok(pages * rustix::param::page_size() as u64)
}

/// The same in MiB; zero where the system does not say.
pub(super) fn mib() -> u64 {
    bytes().unwrap_or(0) >> 20
}
