//! A partition as a pure step machine: requests go in, effects come out.
//!
//! The machine owns the state and runs ahead of the log: a request is decided and applied at once, its entry goes into
//! the open batch, and its answer waits there with it. [`Machine::close`] hands out the open batch as [`Effects`]:
//! first append, then publish, then reply, in that order and only if the append succeeded. So an answer or a read
//! never shows what is not in the log. Refusals and strong reads wait in the same way, because what they were decided
//! on may not be there yet either.
//!
//! It knows no thread, no clock and no file. The driver ([`crate::partition`]) and the simulator run the same machine.

use crate::query::{Found, Query};
use onhand_core::{
    Ahead, Command, Decision, Entry, Extent, Key, Level, LevelNo, Refusal, Seq, Stamp, State,
    Timestamp, Violation,
};
use onhand_log::{Batch, Tail};
use onhand_planted::Defect;
use onhand_wire::{BatchReader, BatchWriter, Malformed};

/// What can be asked of a partition.
#[derive(Clone, Debug)]
pub enum Request {
    /// Do something.
    Command {
        /// The client's idempotency key, if it has one.
        key: Option<Key>,
        /// What to do.
        command: Command,
        /// When; the clock's time if not said. For replays of the past in its own time.
        at: Option<Timestamp>,
    },
    /// Tell something.
    Query(Query),
}

impl Request {
    /// Whether it is a step of the engine's own work, which goes on only from what is durable.
    pub(crate) fn is_internal(&self) -> bool {
        match self {
            Self::Query(query) => {
                matches!(query, Query::Freeze | Query::Outbox | Query::Durable)
            }
            Self::Command { command, .. } => matches!(
                command,
                Command::Configure(_) | Command::Announce(_) | Command::HandOver(_)
            ),
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is recorded; this is the entry.
    Recorded(Box<Entry>),
    /// The same request was recorded before, at this position.
    Repeated(Seq),
    /// It was done already; nothing was recorded.
    Nothing,
    /// It was refused; nothing changed.
    Refused(Refusal),
    /// What was asked.
    Found(Found),
    /// The partition cannot answer now. Whether a command was done is not known: ask again with the same key.
    Unavailable(Unavailable),
}

/// Why a partition cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The log has no room; it is tried again until it has.
    #[error("the disk is full: writes wait until there is room")]
    StorageFull,
    /// The log cannot be written now; it is tried again.
    #[error("the log cannot be written now: {0}")]
    LogUnavailable(String),
    /// The partition stopped for good, until the server is started again.
    #[error("the partition has stopped: {0}")]
    Stopped(String),
    /// Too many requests wait already; this one was not taken.
    #[error("too many requests wait already")]
    Busy {
        /// After how many seconds to ask again; spread, so that not all come at once.
        retry_after: u16,
    },
    /// Its time was over before its turn came; it was not done.
    #[error("its time was over before its turn came")]
    Late {
        /// As above.
        retry_after: u16,
    },
}

/// What is to be done with a closed batch, in this order: append, publish, reply.
#[derive(Debug)]
pub struct Effects<T> {
    /// What to append first, if anything was recorded.
    pub append: Option<Batch>,
    /// What readers may see then.
    pub publish: Publish,
    /// Who is answered then.
    pub replies: Vec<(T, Answer)>,
    /// Whether the answers wait until all before them is durable, however durable others are: the engine asked itself.
    pub needs_sync: bool,
}

/// What changed, for the read table.
#[derive(Debug, Default)]
pub struct Publish {
    /// How far the names and levels reach.
    pub extent: Extent,
    /// Levels as they are now, each with the entry that made them so; a level may stand here more than once.
    pub levels: Vec<(LevelNo, Level, Seq)>,
    /// The last entry of all this.
    pub last: Stamp,
}

impl Publish {
    /// Nothing but where a state stands.
    pub fn after(state: &State) -> Self {
        Self {
            extent: state.directory().catalogue().extent(),
            levels: Vec::new(),
            last: state.last(),
        }
    }
}

/// One partition.
#[derive(Debug)]
pub struct Machine<T> {
    state: State,
    tail: Tail,
    epoch: u32,
    open: BatchWriter,
    publish: Publish,
    replies: Vec<(T, Answer)>,
    needs_sync: bool,
    broken: Option<Violation>,
    full: usize,
}

impl<T> Machine<T> {
    /// A machine that goes on from a state whose last entry is the last record of a log with this tail.
    /// The open batch is full when it has `full` bytes.
    pub fn new(state: State, tail: Tail, epoch: u32, full: usize) -> Self {
        let publish = Publish::after(&state);
        Self {
            state,
            tail,
            epoch,
            open: BatchWriter::default(),
            publish,
            replies: Vec::new(),
            needs_sync: false,
            broken: None,
            full,
        }
    }

    /// The state, which may run ahead of what is durable.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the open batch has so much that it should be closed before more is submitted.
    pub fn is_full(&self) -> bool {
        self.open.bytes() >= self.full
    }

    /// How many entries wait in the open batch.
    pub fn entries(&self) -> u32 {
        self.open.entries()
    }

    /// How many answers wait in the open batch.
    pub fn answers(&self) -> usize {
        self.replies.len()
    }

    /// Whether there is anything to close.
    pub fn has_work(&self) -> bool {
        self.open.entries() > 0 || !self.replies.is_empty()
    }

    /// The invariant that stopped the machine, if one did.
    pub fn broken(&self) -> Option<&Violation> {
        self.broken.as_ref()
    }

    /// Records the expiries that are due at `clock`; `false` if the open batch is full before all are.
    pub fn advance(&mut self, clock: Timestamp) -> bool {
        while self.broken.is_none() {
            if self.is_full() {
                return self
                    .state
                    .reservations()
                    .first_due(self.state.now(clock))
                    .is_none();
            }
            match self.state.expire(clock) {
                Some(entry) => {
                    let bytes = self.open.push(&entry);
                    self.apply(&entry, bytes);
                }
                None => return true,
            }
        }
        true
    }

    /// What the requests name, in their order, found at once.
    pub(crate) fn look_ahead<'a>(&self, requests: impl Iterator<Item = &'a Request>) -> Vec<Ahead> {
        self.state.look_ahead(requests.map(|request| match request {
            Request::Command { key, command, .. } => Some((*key, command)),
            Request::Query(_) => None,
        }))
    }

    /// Takes a request at `clock`; its answer waits in the open batch under `token`. Expiries due at that time must
    /// have been recorded ([`Machine::advance`] gave `true`).
    pub fn submit(&mut self, clock: Timestamp, request: Request, token: T) {
        self.submit_ahead(clock, request, token, &Ahead::default());
    }

    /// The same for a request of which this was found by [`Machine::look_ahead`].
    pub(crate) fn submit_ahead(
        &mut self,
        clock: Timestamp,
        request: Request,
        token: T,
        ahead: &Ahead,
    ) {
        let answer = self.decide(clock, request, ahead);
        self.replies.push((token, answer));
    }

    /// Decides a request and gives its answer, which nobody may see before the open batch is durable.
    pub(crate) fn decide(&mut self, clock: Timestamp, request: Request, ahead: &Ahead) -> Answer {
        self.needs_sync |= request.is_internal() && !Defect::OwnRequestsNotSynced.is_on();
        match (&self.broken, request) {
            (Some(violation), _) => {
                Answer::Unavailable(Unavailable::Stopped(violation.to_string()))
            }
            (None, Request::Command { key, command, .. }) => {
                self.command(clock, key, &command, ahead)
            }
            (None, Request::Query(query)) => Answer::Found(Found {
                seq: self.reflects(&query),
                at: self.state.now(clock),
                what: query.answer(&self.state),
            }),
        }
    }

    /// The position that the answer to a question reflects.
    fn reflects(&self, query: &Query) -> Seq {
        let last = self.state.last().seq;
        let is_planted = Defect::ReadNamesAnOlderPosition.is_on();
        match is_planted && matches!(query, Query::Reservation(_)) {
            true => Seq(last.0.saturating_sub(1)),
            false => last,
        }
    }

    fn command(
        &mut self,
        clock: Timestamp,
        key: Option<Key>,
        command: &Command,
        ahead: &Ahead,
    ) -> Answer {
        match self.state.decide_ahead(clock, key, command, ahead) {
            Decision::Record(entry) => self.record(entry),
            Decision::Repeat(seq) => Answer::Repeated(seq),
            Decision::Nothing => Answer::Nothing,
            Decision::Refuse(refusal) => Answer::Refused(refusal),
        }
    }

    fn record(&mut self, entry: Box<Entry>) -> Answer {
        let bytes = self.open.push(&entry);
        if self.open.bytes() > Batch::MOST_BYTES {
            self.open.pop(bytes);
            return Answer::Refused(Refusal::Full("the batch of one append"));
        }
        self.apply(&entry, bytes);
        match &self.broken {
            Some(violation) => Answer::Unavailable(Unavailable::Stopped(violation.to_string())),
            None => Answer::Recorded(as_answered(entry)),
        }
    }

    /// Applies an entry that is the last of the open batch; takes it out again if it breaks an invariant.
    fn apply(&mut self, entry: &Entry, bytes: usize) {
        if let Err(violation) = self.state.apply(entry) {
            self.open.pop(bytes);
            self.broken = Some(violation);
            return;
        }
        if !entry.openings.is_empty() {
            self.publish.extent = self.state.directory().catalogue().extent();
        }
        self.publish.last = entry.stamp;
        let (levels, directory) = (&mut self.publish.levels, self.state.directory());
        entry.event.levels(&mut |no| {
            if let Some(level) = directory.level(no) {
                levels.push((no, *level, entry.stamp.seq));
            }
        });
    }

    /// Closes the open batch and hands it out.
    pub fn close(&mut self) -> Effects<T> {
        let append = (self.open.entries() > 0).then(|| self.batch());
        let next = Publish {
            extent: self.publish.extent,
            levels: Vec::new(),
            last: self.publish.last,
        };
        Effects {
            append,
            publish: std::mem::replace(&mut self.publish, next),
            replies: std::mem::take(&mut self.replies),
            needs_sync: std::mem::take(&mut self.needs_sync),
        }
    }

    /// Takes out the answers that wait in the open batch; what was decided stays in it.
    pub fn take_replies(&mut self) -> Vec<(T, Answer)> {
        std::mem::take(&mut self.replies)
    }

    fn batch(&mut self) -> Batch {
        let (payload, records) = self.open.take();
        let batch = Batch {
            first: self.tail.next,
            records,
            epoch: self.epoch,
            at_millis: self.state.last().at.millis(),
            before: self.tail.checksum,
            payload,
        };
        self.tail = batch.tail();
        batch
    }
}

/// The entry as its answer tells it; another only with a planted defect.
fn as_answered(mut entry: Box<Entry>) -> Box<Entry> {
    if Defect::AnswerNotAsRecorded.is_on()
        && let onhand_core::Event::Held(held) = &mut entry.event
    {
        held.expires_at = Timestamp::MAX;
    }
    entry
}

/// Applies the entries of a batch to a state, as a replay and a follower do.
///
/// # Errors
/// The batch cannot be read, or an entry breaks an invariant.
pub fn replay(state: &mut State, batch: &Batch) -> Result<(), ReplayError> {
    add_up(state, &entries(batch)?)?;
    Ok(())
}

/// The entries of a batch.
pub(crate) fn entries(batch: &Batch) -> Result<Vec<Entry>, Malformed> {
    // What a batch says of itself is not believed before it is read.
    let room = (batch.records as usize).min(batch.payload.len() / 32);
    let mut entries = Vec::with_capacity(room);
    for entry in BatchReader::new(&batch.payload)? {
        let mut entry = entry?;
        if Defect::ReplayDecidesAnew.is_on()
            && let onhand_core::Event::Held(held) = &mut entry.event
        {
            let ttl = held.expires_at.since(entry.stamp.at);
            held.expires_at = Timestamp::from_millis(batch.at_millis).plus(ttl);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Applies those entries that the state does not reflect yet: a snapshot may have been taken within a batch.
pub(crate) fn add_up(state: &mut State, entries: &[Entry]) -> Result<(), Violation> {
    let last = state.last().seq;
    let known = entries.partition_point(|entry| entry.stamp.seq <= last);
    state.apply_all(&entries[known..])
}

/// Why a batch could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Its bytes do not say what they should.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An entry does not fit what came before it.
    #[error(transparent)]
    Violation(#[from] Violation),
}
