//! How much memory the process has.

use crate::bench::resident;

/// Resident memory now, in MiB; zero where the system does not say.
pub(super) fn resident_mib() -> u64 {
    resident::bytes().unwrap_or(0) >> 20
}
