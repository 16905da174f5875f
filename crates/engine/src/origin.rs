//! Where a request comes from, as far as its turn depends on it.
//!
//! Which class a request is of follows from the request itself; a caller cannot put it before others.

use crate::clock::Moment;
use xxhash_rust::xxh3::xxh3_64;

/// Who asks, and until when an answer is of use to him.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who asks.
    pub tenant: Tenant,
    /// When the client stops waiting, by the engine's clock ([`Engine::clock`](crate::Engine::clock)). What has not
    /// been begun by then is not done at all. `None` if he waits as long as it takes.
    pub deadline: Option<Moment>,
}

/// One of those who share the engine. When there is not enough for all, each gets the same share.
///
/// A number without a meaning. Two tenants with the same number share one share, and lose nothing else by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(u64);

impl Tenant {
    /// Whoever does not say who he is.
    pub const DEFAULT: Self = Self(0);

    /// The tenant of a name.
    pub fn named(name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()))
    }

    /// Which of so many lanes is his; whoever does not say who he is has the first for himself.
    pub(crate) fn lane(self, lanes: usize) -> usize {
        match self {
            Self::DEFAULT => 0,
            Self(number) => 1 + (number % (lanes as u64 - 1)) as usize,
        }
    }
}
