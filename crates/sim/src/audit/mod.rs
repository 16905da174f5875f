//! The auditor: foretells every answer, read and entry from the twin, and says where the product differs.
//!
//! A [`Book`] is one partition. It is told of every request in the order in which the writer takes them ([`turns`]), and
//! of the clock at that moment; nothing else. From that the twin knows what must come: the answer ([`answers`]), the entry
//! ([`entries`]), what a reader may see ([`reads`]), and what must be there after a crash ([`recovery`]).
//!
//! What is decided runs ahead of what is durable, so after a crash the twin goes back: to the newest checkpoint before
//! the last position that survived, and from there through the same requests once more. The position that survived
//! must be no less than the highest that anybody was shown. That is all there is to "nothing acknowledged is lost".
//! Where answers are durable only within some time, it must be no less than what was shown so long ago ([`kept`]).

mod answers;
mod entries;
mod history;
mod kept;
mod parcels;
mod reads;
mod recovery;
mod turns;
mod vanished;

pub use reads::Reader;
pub use turns::{Beside, Caller};

use crate::ask::{Ask, Millis, Parcel, Rules, Time, TransferName};
use crate::finding::{Check, Finding, Verdict};
use crate::translate::{self, Interpreter};
use crate::twin::{Incoming, Outcome, Promise, Record, Shelf, Twin};
use kept::Kept;
use onhand_core::{Command, Entry};
use onhand_engine::{Durability, Moment, Query, Request};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use vanished::Gone;

/// The number of a client's request.
pub type Token = u64;

/// After so many requests the twin is copied, so that a way back is never long.
const CHECKPOINT: usize = 200;

/// What a client asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// To do something.
    Ask {
        /// The idempotency key.
        key: Option<u64>,
        /// What.
        ask: Ask,
        /// When, if not now.
        at: Option<Millis>,
    },
    /// The levels of shelves, by shop and item.
    Levels(Vec<(usize, usize)>),
    /// A reservation.
    Promise(u64),
    /// A transfer to here.
    Transfer(TransferName),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { key, ask, at } => {
                write!(f, "{ask}")?;
                if let Some(key) = key {
                    write!(f, " key k{key}")?;
                }
                at.map_or(Ok(()), |at| write!(f, " at {}", Time(at)))
            }
            Self::Levels(places) => write!(f, "levels {places:?}"),
            Self::Promise(no) => write!(f, "show r{no}"),
            Self::Transfer(name) => write!(f, "show t{}-{}", name.source, name.no),
        }
    }
}

/// What the twin did, so that it can be done again.
#[derive(Clone, Debug)]
enum Deed {
    Expire(Millis),
    Ask(Millis, Option<u64>, Ask),
}

/// What must come as an answer.
#[derive(Clone, Debug)]
enum Foretold {
    Outcome(Outcome),
    Levels(Vec<Option<Shelf>>),
    Promise(Option<Promise>, bool),
    /// It was not done.
    Late,
    Transfer(Option<Incoming>, bool),
}

/// An answer that must come.
#[derive(Clone, Debug)]
struct Due {
    foretold: Foretold,
    /// The position that it reflects.
    position: u64,
    /// Which of the requests that were taken it belongs to, counted from 1: answers come in that order.
    turn: u64,
}

/// The books of one partition.
#[derive(Debug)]
pub struct Book {
    twin: Twin,
    /// Copies of the twin, the oldest first, each with how many deeds were done before it.
    checkpoints: VecDeque<(usize, Twin)>,
    /// What was done since the oldest copy.
    deeds: VecDeque<Deed>,
    /// How many deeds were dropped from the front.
    dropped: usize,
    /// Every entry that the twin foretold; that of position 1 comes first.
    records: Vec<Record>,
    /// Every parcel that was dispatched from here, by number, with the position of its entry.
    dispatched: BTreeMap<u64, (u64, Parcel)>,
    /// The numbers of each shelf after each entry that touched it.
    shelves: BTreeMap<(usize, usize), Vec<(u64, Shelf)>>,
    /// Requests in the order in which they were queued, until the writer takes them.
    queued: VecDeque<(Token, Caller, Question)>,
    /// What each request that was taken must be answered.
    foretold: BTreeMap<Token, Due>,
    gone: Gone,
    /// The longest that a request waited for its turn in this life.
    longest_wait: Millis,
    /// How many requests of clients were taken.
    taken: u64,
    /// The highest position that anybody was shown, and what of it may not be lost.
    kept: Kept,
    /// The highest position of which an answer told.
    answered: u64,
    /// What the clock showed when each entry was decided; that of position 1 comes first.
    decided_at: Vec<Millis>,
    /// The entries of the ledger, as far as they were compared.
    entries: Vec<Entry>,
    /// Entries that answers told of before they were read from the ledger, by position.
    told: BTreeMap<u64, Entry>,
    interpreter: Interpreter,
}

impl Book {
    /// The books of a new partition.
    pub fn new(partition: u16) -> Self {
        let twin = Twin::new(partition);
        Self {
            checkpoints: VecDeque::from([(0, twin.clone())]),
            twin,
            deeds: VecDeque::new(),
            dropped: 0,
            records: Vec::new(),
            dispatched: BTreeMap::new(),
            shelves: BTreeMap::new(),
            queued: VecDeque::new(),
            foretold: BTreeMap::new(),
            gone: Gone::default(),
            longest_wait: 0,
            taken: 0,
            kept: Kept::default(),
            answered: 0,
            decided_at: Vec::new(),
            entries: Vec::new(),
            told: BTreeMap::new(),
            interpreter: Interpreter::new(partition),
        }
    }

    /// The twin, ahead of what is durable.
    pub fn twin(&self) -> &Twin {
        &self.twin
    }

    /// The highest position that anybody was shown.
    pub fn shown(&self) -> u64 {
        self.kept.shown()
    }

    /// The highest position that no loss of power may take.
    pub fn kept(&self) -> u64 {
        self.kept.kept()
    }

    /// What clients are told about the durability of answers.
    pub fn is_promised(&mut self, durability: Durability) {
        self.kept.is_promised(durability);
    }

    /// Time has passed.
    pub fn passes(&mut self, now: Moment) {
        self.kept.passes(now);
    }

    /// The appender had its turn, and could sync what had waited.
    pub fn may_have_synced(&mut self) {
        self.kept.may_have_synced();
    }

    /// Everything that was shown was synced.
    pub fn was_synced(&mut self) {
        self.kept.was_synced();
    }

    /// How many requests wait for an answer.
    pub fn waiting(&self) -> usize {
        self.queued.len() + self.foretold.len()
    }

    /// A client's request was queued.
    pub fn queued(&mut self, token: Token, caller: Caller, question: Question) {
        self.queued.push_back((token, caller, question));
    }

    /// Whether the answer to a request can be foretold that the writer may take at any time from now on.
    ///
    /// What may be forgotten depends on the settings that held when it happened, and on those that hold when it is asked
    /// for. So until the settings are in force that the engine was started with, nothing is asked that a change of them
    /// may bring back.
    pub fn foresees(&self, key: Option<u64>, ask: &Ask, rules: &Rules) -> bool {
        let is_used = |key| {
            let waits = |question: &Question| matches!(question, Question::Ask { key: Some(one), .. } if *one == key);
            self.twin.used(key).is_some() || self.queued.iter().any(|(_, _, one)| waits(one))
        };
        let is_of_the_past = matches!(ask, Ask::Count { .. }) || key.is_some_and(is_used);
        let will_change = self.twin.rules() != rules;
        !(will_change && is_of_the_past) && self.twin.foresees(key, ask)
    }

    /// The writer takes a request at a time of day, `now` milliseconds after the beginning of the world, to do it.
    ///
    /// # Errors
    /// It is not one whose turn it is, or it is too late.
    pub fn taken(
        &mut self,
        clock: Millis,
        now: Millis,
        request: &Request,
        token: Option<Token>,
    ) -> Verdict {
        if let Some(ask) = self.internal(request) {
            self.decide(clock, None, &ask);
            return Ok(());
        }
        if is_own_query(request) {
            self.expire(clock, u64::MAX);
            return Ok(());
        }
        let (token, caller, question) = self.dequeue(token)?;
        self.has_waited(&caller, now);
        Self::check_in_time(token, &caller, now)?;
        let foretold = self.foretell(clock, question);
        self.is_due(token, foretold);
        Ok(())
    }

    /// A request was taken, and its answer must come.
    fn is_due(&mut self, token: Token, foretold: Foretold) {
        self.taken += 1;
        let due = Due {
            foretold,
            position: self.twin.position(),
            turn: self.taken,
        };
        if !self.gone.is_taken(token, due.turn) {
            self.foretold.insert(token, due);
        }
    }

    fn foretell(&mut self, clock: Millis, question: Question) -> Foretold {
        match question {
            Question::Ask { key, ask, at } => {
                Foretold::Outcome(self.decide(at.unwrap_or(clock), key, &ask))
            }
            Question::Levels(places) => {
                self.expire(clock, u64::MAX);
                let shelf = |(shop, item): &(usize, usize)| self.twin.shelf(*shop, *item).copied();
                Foretold::Levels(places.iter().map(shelf).collect())
            }
            Question::Promise(no) => {
                self.expire(clock, u64::MAX);
                let is_kept = self.twin.is_promise_kept(no);
                Foretold::Promise(self.twin.promise(no).cloned(), is_kept)
            }
            Question::Transfer(name) => {
                self.expire(clock, u64::MAX);
                let is_kept = self.twin.is_transfer_kept(name);
                Foretold::Transfer(self.twin.incoming(name).cloned(), is_kept)
            }
        }
    }

    fn decide(&mut self, clock: Millis, key: Option<u64>, ask: &Ask) -> Outcome {
        self.expire(clock, u64::MAX);
        let told = self.twin.ask(clock, key, ask);
        for record in told.entries {
            self.note(record, touched(ask));
        }
        self.keep_parcel(ask);
        self.did(Deed::Ask(clock, key, ask.clone()));
        match told.outcome {
            // The expiries were told before, each by itself.
            Outcome::Recorded(_) => Outcome::Recorded(0),
            other => other,
        }
    }

    /// The writer has had its turn and stands at `position`: the expiries that it recorded at the end are due, at
    /// `expired_until` at the latest. That is later than the clock where a request that is decided at a time of its own
    /// waits for what must expire before it.
    ///
    /// # Errors
    /// It stands elsewhere than the twin; or it is free to record expiries, and left some that are due.
    pub fn turned(
        &mut self,
        clock: Millis,
        expired_until: Millis,
        position: u64,
        is_free: bool,
    ) -> Verdict {
        self.expire(expired_until, position);
        self.decided_at.resize(self.records.len(), clock);
        let (there, here) = (position, self.twin.position());
        if there != here {
            let what = format!("the writer stands at {there}, the twin foretells {here}");
            return Err(Finding::new(Check::Answer, what));
        }
        let now = clock.max(self.twin.now());
        let is_due = |promise: &Promise| promise.state == "held" && promise.expires <= now;
        match self.twin.open().find(|(_, promise)| is_due(promise)) {
            Some((no, promise)) if is_free => {
                let what = format!(
                    "reservation {no} was due at {} and is open at {now}",
                    promise.expires
                );
                Err(Finding::new(Check::LateExpiry, what))
            }
            _ => Ok(()),
        }
    }

    /// Expires what is due, one by one, not beyond a position.
    fn expire(&mut self, clock: Millis, position: u64) {
        while self.twin.position() < position {
            let Some(record) = self.twin.expire_one(clock) else {
                return;
            };
            self.note(record, Vec::new());
            self.did(Deed::Expire(clock));
        }
    }

    /// Notes what an entry makes of the shelves that it touches.
    fn note(&mut self, record: Record, mut places: Vec<(usize, usize)>) {
        places.extend(record.changes.iter().map(|one| (one.shop, one.item)));
        for place in places {
            if let Some(shelf) = self.twin.shelf(place.0, place.1) {
                let then = (record.position, *shelf);
                self.shelves.entry(place).or_default().push(then);
            }
        }
        self.records.push(record);
    }

    fn did(&mut self, deed: Deed) {
        self.deeds.push_back(deed);
        if self.deeds.len().is_multiple_of(CHECKPOINT) {
            let done = self.dropped + self.deeds.len();
            self.checkpoints.push_back((done, self.twin.clone()));
            self.forget_deeds();
        }
    }

    /// Drops the checkpoints that a crash cannot lead back to, and the deeds before the oldest that is left.
    fn forget_deeds(&mut self) {
        while self
            .checkpoints
            .get(1)
            .is_some_and(|(_, twin)| twin.position() <= self.kept())
        {
            self.checkpoints.pop_front();
        }
        let done = self.checkpoints.front().map_or(0, |(done, _)| *done);
        self.deeds.drain(..done - self.dropped);
        self.dropped = done;
    }

    fn show(&mut self, position: u64) {
        self.kept.show(position);
    }

    /// What the engine asks of itself, in the twin's words.
    fn internal(&self, request: &Request) -> Option<Ask> {
        let Request::Command { command, .. } = request else {
            return None;
        };
        match command {
            Command::Configure(settings) => Some(Ask::Settings(translate::rules(settings))),
            Command::Announce(announce) => {
                translate::parcel(announce.transfer, &announce.outgoing).map(Ask::Announce)
            }
            Command::HandOver(hand_over) => Some(Ask::HandOver(TransferName {
                source: self.twin.partition(),
                no: hand_over.transfer.0,
            })),
            _ => None,
        }
    }
}

fn is_own_query(request: &Request) -> bool {
    matches!(
        request,
        Request::Query(Query::Freeze | Query::Outbox | Query::Durable)
    )
}

/// The shelves that a request touches even where no unit moves.
fn touched(ask: &Ask) -> Vec<(usize, usize)> {
    match ask {
        Ask::Policy { shop, rules } => rules.iter().map(|rule| (*shop, rule.item)).collect(),
        Ask::Count { shop, lines, .. } | Ask::Sell { shop, lines, .. } => {
            lines.iter().map(|line| (*shop, line.0)).collect()
        }
        Ask::Observe { shop, looks } => looks.iter().map(|look| (*shop, look.item)).collect(),
        Ask::Push { shop, values } => {
            let items = values.iter().filter_map(|value| value.item);
            items.map(|item| (*shop, item)).collect()
        }
        _ => Vec::new(),
    }
}
