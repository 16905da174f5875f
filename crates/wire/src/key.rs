//! From a client's idempotency key and its request to what the ledger keeps of them.

use onhand_core::{Command, Key};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The key as the ledger keeps it: the text's 128-bit hash (of `scope`, a zero byte and the text), and the request's
/// fingerprint. `scope` tells whose key it is, so that two tenants never share one.
pub fn key(scope: &str, text: &str, command: &Command) -> Key {
    let mut scoped = Vec::with_capacity(scope.len() + 1 + text.len());
    scoped.extend_from_slice(scope.as_bytes());
    scoped.push(0);
    scoped.extend_from_slice(text.as_bytes());
    let hash = xxh3_128(&scoped);
    Key {
        hash: [hash as u64, (hash >> 64) as u64],
        fingerprint: fingerprint(command),
    }
}

/// A hash of what a command asks for: equal for equal requests, however they were spelled.
pub fn fingerprint(command: &Command) -> u64 {
    let bytes = postcard::to_extend(command, Vec::with_capacity(128))
        .expect("a vector takes any number of bytes");
    xxh3_64(&bytes)
}
