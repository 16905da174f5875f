//! The payload of a batch, and the entries in it.
//!
//! The input is a byte that says to which state the entries are applied (an empty one, or one after a [`day`]) and
//! whether their stamps are made to follow; the rest is the payload.
//!
//! Oracle: an error that says what is wrong; or entries that are written and read again to the same, and a payload
//! that is one byte shorter is an error. Each entry fits the state or is a violation. After one that fits, the sums
//! hold, and the state is the same as that of a replay.

use crate::day;
use onhand_core::{Entry, Stamp, State, invariant};
use onhand_wire::{BatchReader, BatchWriter, state_hash};

/// The entries come after a day.
pub const AFTER_A_DAY: u8 = 1;
/// Positions and times are made to follow.
pub const IN_ORDER: u8 = 2;

/// Runs one input.
pub fn run(input: &[u8]) {
    let (how, payload) = crate::first(input);
    let Some(entries) = entries(payload) else {
        return;
    };
    is_read_again(&entries);
    if !entries.is_empty() {
        let shorter = entries_of(&payload[..payload.len() - 1]);
        assert!(shorter.is_err(), "the end is cut off, and nothing is said");
    }
    apply(how, entries);
}

fn entries(payload: &[u8]) -> Option<Vec<Entry>> {
    entries_of(payload)
        .inspect_err(|error| assert!(!error.to_string().is_empty(), "an error that says nothing"))
        .ok()
}

fn entries_of(payload: &[u8]) -> Result<Vec<Entry>, onhand_wire::Malformed> {
    BatchReader::new(payload)?.collect()
}

/// Numbers may be spelled in more than one way, so the bytes need not be the same; the entries are.
fn is_read_again(entries: &[Entry]) {
    let mut writer = BatchWriter::default();
    entries.iter().for_each(|entry| {
        writer.push(entry);
    });
    let (bytes, count) = writer.take();
    assert_eq!(count as usize, entries.len());
    if count > 0 {
        let again =
            entries_of(&bytes).unwrap_or_else(|error| panic!("written and not readable: {error}"));
        assert_eq!(again, entries, "written and read, they are others");
    }
}

fn beginning(how: u8) -> State {
    match how & AFTER_A_DAY {
        0 => State::new(day::PARTITION),
        _ => day::day().1,
    }
}

/// Applies entries until one does not fit, and the same entries to a second state.
fn apply(how: u8, entries: Vec<Entry>) {
    let (mut state, mut replayed) = (beginning(how), beginning(how));
    for mut entry in entries {
        if how & IN_ORDER != 0 {
            entry.stamp = following(&state, entry.stamp);
        }
        if state.apply(&entry).is_err() {
            return;
        }
        holds(&state, &entry);
        replayed
            .apply(&entry)
            .expect("it fitted the same state before");
        assert_eq!(
            state_hash(&state.freeze()),
            state_hash(&replayed.freeze()),
            "a replay comes to another state"
        );
    }
}

fn following(state: &State, stamp: Stamp) -> Stamp {
    let last = state.last();
    Stamp {
        seq: last.seq.next(),
        at: stamp.at.max(last.at),
    }
}

fn holds(state: &State, entry: &Entry) {
    let broken = invariant::check(state);
    assert!(broken.is_empty(), "{broken:?} after {entry:?}");
}
