//! A ledger in memory: a state, all entries that made it, and the proofs that hold after any of them.

use onhand_core::{
    Command, Decision, Entry, Item, Key, State, Thaw, Timestamp, Violation, invariant,
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

pub(crate) struct Ledger {
    pub(crate) state: State,
    pub(crate) entries: Vec<Entry>,
}

impl Ledger {
    /// The number of the partition of every ledger here.
    pub(crate) const PARTITION: u16 = 1;

    pub(crate) fn new() -> Self {
        Self {
            state: State::new(Self::PARTITION),
            entries: Vec::new(),
        }
    }

    /// Records what is due at `clock`; gives the new entries.
    pub(crate) fn expire(&mut self, clock: Timestamp) -> Vec<Entry> {
        let mut expired = Vec::new();
        while let Some(entry) = self.state.expire(clock) {
            self.record(&entry);
            expired.push(entry);
        }
        expired
    }

    /// Decides and records, as the engine does.
    pub(crate) fn submit(
        &mut self,
        clock: Timestamp,
        key: Option<Key>,
        command: &Command,
    ) -> (Vec<Entry>, Decision) {
        let expired = self.expire(clock);
        let decision = self.state.decide(clock, key, command);
        if let Decision::Record(entry) = &decision {
            self.record(entry);
        }
        (expired, decision)
    }

    fn record(&mut self, entry: &Entry) {
        let outcome = self.state.apply(entry);
        outcome.unwrap_or_else(|violation| panic!("{violation}\n{entry:#?}"));
        self.entries.push(entry.clone());
    }

    /// Every invariant holds, a replay gives the same state, and so does a snapshot.
    pub(crate) fn prove(&self) {
        assert_eq!(invariant::check(&self.state), []);
        let replayed = replay(&self.entries).expect("what was recorded replays");
        assert_eq!(items(&replayed), items(&self.state), "a replay differs");
        let thawed = thaw(items(&self.state));
        assert_eq!(items(&thawed), items(&self.state), "a snapshot differs");
        assert_eq!(invariant::check(&thawed), []);
    }
}

/// An idempotency key for a request, as the engine makes it.
pub(crate) fn key(text: &str, command: &Command) -> Key {
    let hash = xxh3_128(text.as_bytes());
    Key {
        hash: [hash as u64, (hash >> 64) as u64],
        fingerprint: xxh3_64(format!("{command:?}").as_bytes()),
    }
}

pub(crate) fn replay(entries: &[Entry]) -> Result<State, Violation> {
    let mut state = State::new(Ledger::PARTITION);
    for entry in entries {
        state.apply(entry)?;
    }
    Ok(state)
}

pub(crate) fn items(state: &State) -> Vec<Item> {
    state.freeze().items().collect()
}

pub(crate) fn thaw(items: Vec<Item>) -> State {
    let mut thaw = Thaw::default();
    let state = items.into_iter().find_map(|item| thaw.take(item));
    *state.expect("a snapshot ends with its end")
}
