//! # onhand-fuzz: bytes that nobody meant
//!
//! One module for each target: how its input is taken, and the oracle, which is more than "does not panic". The targets
//! themselves, in `fuzz_targets`, are one line each. `docs/fuzzing.md` says how to run them.
//!
//! A fuzzer does not guess checksums. Where bytes are checksummed, the input says which of them are put right after it
//! was changed, so that what lies behind them is reached too.

pub mod batch;
pub mod day;
pub mod features;
pub mod http;
pub mod http_body;
pub mod log_open;
pub mod messages;
pub mod model;
pub mod record;
pub mod snapshot;
pub mod texts;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a parser may take at most. The longest thing that it may ask for at once is a frame of 32 MiB, or a chunk of
/// 64; a length that is believed asks for gigabytes.
const MEMORY: u64 = 1 << 30;

/// Begins a target that parses: memory is bounded, and the defect to be found is planted.
pub fn begin() {
    let maximum = getrlimit(Resource::As).maximum;
    let limit = Rlimit {
        current: Some(MEMORY),
        maximum,
    };
    setrlimit(Resource::As, limit).expect("a process may lower its own limit");
    plant();
}

/// Plants the defect that the environment names.
pub fn plant() {
    #[cfg(feature = "planted")]
    if let Ok(name) = std::env::var("ONHAND_PLANTED") {
        let defect = onhand_planted::Defect::named(&name);
        onhand_planted::plant(Some(defect.expect("ONHAND_PLANTED names a defect")));
    }
}

/// Takes the first byte of an input: most targets have more than one way to take the rest.
fn first(input: &[u8]) -> (u8, &[u8]) {
    input
        .split_first()
        .map_or((0, input), |(first, rest)| (*first, rest))
}
