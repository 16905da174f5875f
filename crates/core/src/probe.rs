//! Where open-addressed tables look for a hash.

/// Every slot once, from the hash's own on, which its highest bits tell.
pub(crate) fn probe(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    let first = ((hash >> 32) as usize * slots) >> 32;
    (first..slots).chain(0..first)
}
