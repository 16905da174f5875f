//! The store as bytes, so that a start goes on from a position instead of the first entry.
//!
//! A snapshot is of one set of definitions: the bytes of one are the arrays of another in name only. So it carries
//! their hash, and one of another set is refused: the store is then made anew, by replay. The last eight bytes are a
//! checksum.

use crate::feature::FeatureSet;
use crate::store::{Kept, Store};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What the bytes begin with: what they are, and in which version.
const MAGIC: [u8; 8] = *b"ohfeat04";
const HEAD: usize = MAGIC.len() + 8;
const CHECK: usize = 8;

/// Why bytes are no snapshot of a set.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// They are something else, or of another version.
    #[error("these bytes are no feature snapshot of this version")]
    Format,
    /// They were changed, or are not all.
    #[error("the feature snapshot is damaged: make the store anew by replay")]
    Damaged,
    /// They are of other definitions.
    #[error("the feature snapshot is of other definitions: make the store anew by replay")]
    OtherSet,
}

impl Store {
    /// The store as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.set.hash().to_le_bytes());
        let mut bytes = postcard::to_extend(&self.kept, bytes)
            .expect("arrays and maps can be written to memory");
        let check = xxh3_64(&bytes);
        bytes.extend(check.to_le_bytes());
        bytes
    }

    /// A store from its bytes.
    ///
    /// # Errors
    /// See [`BadSnapshot`].
    pub fn restore(set: Arc<FeatureSet>, bytes: &[u8]) -> Result<Self, BadSnapshot> {
        let head = bytes.get(..HEAD).ok_or(BadSnapshot::Format)?;
        if head[..MAGIC.len()] != MAGIC {
            return Err(BadSnapshot::Format);
        }
        let end = bytes.len() - CHECK.min(bytes.len() - HEAD);
        if xxh3_64(&bytes[..end]).to_le_bytes() != bytes[end..] {
            return Err(BadSnapshot::Damaged);
        }
        if head[MAGIC.len()..] != set.hash().to_le_bytes() {
            return Err(BadSnapshot::OtherSet);
        }
        let kept: Kept =
            postcard::from_bytes(&bytes[HEAD..end]).map_err(|_| BadSnapshot::Damaged)?;
        Ok(Self::of(set, kept))
    }
}
