//! How much memory the process has.

use std::fs;

/// Resident memory now, in MiB; zero where the system does not say.
pub(super) fn resident_mib() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    (pages * rustix::param::page_size() as u64) >> 20
}
