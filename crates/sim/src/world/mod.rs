//! One run: clients, the engine and its disk, the clock, and everything that breaks, in one thread.
//!
//! The world goes in steps. Each step the dice choose who goes on: a client, a writer, an appender, a reader, something
//! in the background, or a fault. Nothing happens between steps, and nothing else chooses, so a seed is a run. After
//! each step the answers that came are compared with the twin's ([`crate::audit`]), and a machine that stopped is
//! started again ([`starts`]).

mod bounds;
mod damage;
pub mod everywhere;
mod faults;
mod files;
mod outages;
mod parcels;
mod readers;
mod reading;
mod starts;

use crate::ask::{Millis, Rules};
use crate::audit::{Book, Caller, Question, Reader, Token};
use crate::clock::SimulatedClock;
use crate::counts::Counts;
use crate::dice::Dice;
use crate::finding::{Check, Finding, Verdict};
use crate::life::{Current, Life};
use crate::panics::caught;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::translate::{command, location, millis, moment, settings, sku, transfer_id};
use crate::twin::Twin;
use crate::workload::Workload;
use faults::Weather;
use files::Files;
use onhand_core::{ReservationNo, Seq, Span};
use onhand_engine::{
    Answer, Clock, Move, OpenError, Options, Policy, Query, RecoveryReport, Request, Step,
};
use onhand_log::disk::{Happened, MemoryDisk};
use onhand_wire::key::key;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the clock of a world begins: after every window that a rule may have.
const MORNING: Millis = 10 * 3_600_000;

/// Readers of the read tables.
const READERS: usize = 3;

/// A run that is under way.
pub struct World {
    scenario: Scenario,
    dice: Dice,
    clock: Arc<SimulatedClock>,
    disk: MemoryDisk,
    path: PathBuf,
    options: Options,
    life: Current,
    books: Vec<Book>,
    readers: Vec<BTreeMap<u16, Reader>>,
    workload: Workload,
    weather: Weather,
    tokens: Token,
    /// The settings of the lives before these.
    rules_before: Rules,
    /// Whether the machine lost power since the last life.
    lost_power: bool,
    files: Files,
    /// What the disk had done when this life began.
    born: Happened,
    /// Since when something is delivered for a client; one delivery goes on at a time.
    delivers_since: Option<Millis>,
    /// The longest that a delivery of this life took.
    longest_delivery: Millis,
    trace: Trace,
    counts: Counts,
}

/// Who goes on in a step.
#[derive(Clone, Copy)]
enum Turn {
    Client,
    Vanish,
    Writer,
    Appender,
    Background,
    Reader,
    Race,
    BeginBackground,
    CheckDurable,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub counts: Counts,
    /// A hash of the trace.
    pub trace_hash: u64,
    /// A hash of the states of all partitions at the end; 0 if something was found.
    pub state_hash: u128,
    /// The trace: all of it if it was kept, else its end.
    pub trace: String,
    /// What was found.
    pub finding: Option<Finding>,
}

/// Runs a scenario to its end, or to the first finding.
pub fn run(scenario: Scenario, keeps_trace: bool) -> Outcome {
    let seed = scenario.seed;
    match caught(seed, || World::new(scenario, keeps_trace)) {
        Ok(mut world) => {
            let finding = caught(seed, || world.run()).err();
            world.outcome(finding)
        }
        Err(finding) => Outcome {
            counts: Counts::default(),
            trace_hash: 0,
            state_hash: 0,
            trace: String::new(),
            finding: Some(finding),
        },
    }
}

impl World {
    fn new(scenario: Scenario, keeps_trace: bool) -> Verdict<Self> {
        let clock = Arc::new(SimulatedClock::at(MORNING));
        let options = options(&scenario, &clock);
        let (disk, path) = (MemoryDisk::seeded(scenario.seed), PathBuf::from("/data"));
        let (life, interrupted) = make(&disk, &path, &options, &scenario)?;
        if let Some(change) = scenario.crashes.running {
            disk.crash_at(disk.changes() + change);
        }
        let workload = Workload::new(&scenario, |shop| life.engine.partition_of(&location(shop)));
        let mut world = Self {
            dice: Dice::new(scenario.seed ^ 0x5eed),
            books: (0..scenario.partitions).map(Book::new).collect(),
            readers: vec![BTreeMap::new(); READERS],
            weather: Weather::default(),
            tokens: 0,
            rules_before: scenario.rules,
            lost_power: false,
            files: Files::default(),
            born: Happened::default(),
            delivers_since: None,
            longest_delivery: 0,
            trace: Trace::new(keeps_trace),
            counts: Counts {
                seeds: 1,
                interrupted,
                ..Counts::default()
            },
            scenario,
            clock,
            disk,
            path,
            options,
            life: Current::of(life),
            workload,
        };
        world.begin_life();
        Ok(world)
    }

    fn run(&mut self) -> Verdict {
        for _ in 0..self.scenario.steps {
            self.counts.steps += 1;
            self.step()?;
        }
        self.finish()
    }

    fn outcome(&self, finding: Option<Finding>) -> Outcome {
        let mut counts = self.counts.clone();
        for (kind, count) in self.disk.happened().by_kind() {
            counts.faults_of(kind, count);
        }
        Outcome {
            counts,
            trace_hash: self.trace.hash(),
            // After a panic the states are not to be touched.
            state_hash: finding.as_ref().map_or_else(|| self.state_hash(), |_| 0),
            trace: self.trace.text(),
            finding,
        }
    }

    fn state_hash(&self) -> u128 {
        let states = self.life.workers.iter().map(|workers| workers.state());
        let hashes = states.map(|state| onhand_wire::state_hash(&state.freeze()));
        hashes.fold(0, |all: u128, hash| all.rotate_left(1) ^ hash)
    }

    fn now(&self) -> Millis {
        self.clock.shows()
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.line(self.clock.shows(), what);
    }

    /// Lets one of all go on.
    fn step(&mut self) -> Verdict {
        self.pass_time();
        match self.whose_turn() {
            Turn::Client => self.client()?,
            Turn::Vanish => self.vanish(),
            Turn::Writer => self.writer()?,
            Turn::Appender => self.appender()?,
            Turn::Background => self.background(),
            Turn::Reader => self.reader()?,
            Turn::Race => self.race()?,
            Turn::BeginBackground => self.begin_background(),
            Turn::CheckDurable => self.check_durable()?,
        }
        if self.scenario.faults > 0 && self.dice.comes(1, self.scenario.faults) {
            self.fault()?;
        }
        self.weather.passes(&self.disk);
        self.look_at_answers()?;
        self.restart_if_dead()
    }

    fn whose_turn(&mut self) -> Turn {
        let is_slow = |slow: usize, weight| if slow > 0 { 1 } else { weight };
        let flash = if self.workload.is_flash_sale() { 60 } else { 0 };
        let is_busy = self.life.tasks() > 0;
        let turns = [
            (Turn::Client, 22 + flash),
            (Turn::Vanish, if self.life.alone() > 0 { 2 } else { 0 }),
            (Turn::Writer, is_slow(self.weather.slow_writer, 30)),
            (Turn::Appender, is_slow(self.weather.slow_disk, 45)),
            (Turn::Background, if is_busy { 12 } else { 0 }),
            (Turn::Reader, 8),
            (Turn::Race, 2),
            (Turn::BeginBackground, 3),
            (Turn::CheckDurable, 2),
        ];
        turns[self.dice.weighed(&turns.map(|(_, weight)| weight))].0
    }

    fn pass_time(&mut self) {
        let millis = match self.dice.below(40) {
            0 => self.dice.within(10, 2_000),
            1..6 => self.dice.within(1, 10),
            6..10 => 1,
            _ => return,
        };
        self.jump(millis);
    }

    fn jump(&mut self, millis: Millis) {
        self.counts.simulated_millis += millis.max(0) as u64;
        self.clock.pass(millis);
        let now = self.clock.moment();
        self.books.iter_mut().for_each(|book| book.passes(now));
    }

    fn set_clock(&mut self, by: Millis) {
        self.clock.set((self.now() + by).max(MORNING));
    }

    fn client(&mut self) -> Verdict {
        let now = self.now();
        let twins: Vec<&Twin> = self.books.iter().map(Book::twin).collect();
        if let Some((partition, question)) = self.workload.next(&mut self.dice, now, &twins) {
            return self.submit(partition, question);
        }
        Ok(())
    }

    /// Sets the clock to where an answer changes, or one millisecond off, and asks.
    fn race(&mut self) -> Verdict {
        let twins: Vec<&Twin> = self.books.iter().map(Book::twin).collect();
        let Some((moment, partition, question)) = self.workload.race(&mut self.dice, &twins) else {
            return Ok(());
        };
        let off = self.dice.one_of(&[-1, 0, 0, 0, 1]);
        let ahead = moment + off - self.now();
        if (0..3_600_000).contains(&ahead) {
            self.jump(ahead);
            return self.submit(partition, question);
        }
        Ok(())
    }

    fn submit(&mut self, partition: u16, question: Question) -> Verdict {
        let caller = self.caller();
        self.submit_as(caller, partition, question)
    }

    fn submit_as(&mut self, caller: Caller, partition: u16, question: Question) -> Verdict {
        let Some(request) = self.request(partition, &question) else {
            self.counts.left_out += 1;
            return Ok(());
        };
        self.tokens += 1;
        let token = self.tokens << 8 | u64::from(partition);
        self.note(format_args!("#{token} to {partition}{caller}: {question}"));
        self.counts.requests += 1;
        let waits_alone = self.dice.comes(1, 3);
        let origin = caller.origin();
        let submitted = self
            .life
            .submit(origin, partition, token, request, waits_alone);
        match submitted {
            Ok(()) => self.books[usize::from(partition)].queued(token, caller, question),
            Err(why) => {
                self.counts.turned_away += 1;
                self.note(format_args!("#{token} is turned away: {why}"));
                self.check_turned_away(partition, token, &caller, &question, &why)?;
            }
        }
        Ok(())
    }

    /// A client goes away before its answer comes. What it asked for is done all the same, and whoever asks again with
    /// its key is told so.
    fn vanish(&mut self) {
        let which = self.dice.below(self.life.alone());
        if let Some(token) = self.life.vanish(which) {
            self.note(format_args!("#{token} waits no more"));
            self.counts.fault("client vanishes");
            self.books[partition_of(token)].vanished(token);
        }
    }

    /// Who asks next, and until when.
    fn caller(&mut self) -> Caller {
        let came = self.clock.passed();
        let patience = self.dice.one_of(&[0, 1, 5, 20, 200]);
        Caller {
            tenant: self.dice.below(self.scenario.tenants) as u64,
            came,
            deadline: self.dice.comes(1, 8).then_some(came + patience),
        }
    }

    fn request(&self, partition: u16, question: &Question) -> Option<Request> {
        Some(match question {
            Question::Ask { key: name, ask, at } => {
                let book = &self.books[usize::from(partition)];
                if !book.foresees(*name, ask, &self.scenario.rules) {
                    return None;
                }
                let command = command(ask)?;
                let key = name.map(|name| key("", &name.to_string(), &command));
                let at = at.map(moment);
                Request::Command { key, command, at }
            }
            Question::Levels(places) => {
                let name = |(shop, item): &(usize, usize)| (location(*shop), sku(*item));
                Request::Query(Query::Levels(places.iter().map(name).collect()))
            }
            Question::Promise(no) => Request::Query(Query::Reservation(ReservationNo(*no))),
            Question::Transfer(name) => Request::Query(Query::Transfer(transfer_id(*name))),
        })
    }

    fn any_partition(&mut self) -> usize {
        self.dice.below(self.books.len())
    }

    fn writer(&mut self) -> Verdict {
        let which = self.any_partition();
        self.turn(which).map(drop)
    }

    /// One turn of a writer, and what the twin says to it.
    fn turn(&mut self, which: usize) -> Verdict<Step> {
        let now = self.now();
        let mut taken = Vec::new();
        let is_out = self.life.engine.outage(which as u16).is_some();
        let watch = &mut |what: Move<'_>| taken.push(Taken::of(&what));
        let step = self.life.write(which, watch);
        let workers = &self.life.workers[which];
        let position = workers.state().last().seq.0;
        // A writer that did something, or has a full batch, may have left the rest for its next turn.
        let is_free = step == Step::Idle
            && !workers.is_full()
            && self.life.engine.outage(which as u16).is_none();
        self.note(format_args!(
            "writer {which}: {step:?}, {} taken, at {position}",
            taken.len()
        ));
        let moment = self.clock.passed();
        let mut expired_until = now;
        for one in &taken {
            match one {
                Taken::LeftWaiting(at) => expired_until = expired_until.max(*at),
                Taken::Decided(request, token) => {
                    self.check_parcel(which, request)?;
                    self.check_settings(request)?;
                    self.books[which].taken(now, moment, request, *token)?;
                }
                Taken::TurnedAway(token) => {
                    self.counts.turned_away += 1;
                    let policy = self.options.admission;
                    self.books[which].turned_away(moment, *token, &policy)?;
                }
            }
        }
        if is_out {
            self.books[which].refused_all();
        }
        self.books[which].turned(now, expired_until, position, is_free)?;
        // It may have taken the batch to the log itself.
        if self.scenario.lends && step == Step::Done {
            self.read_ledger(which)?;
        }
        Ok(step)
    }

    fn appender(&mut self) -> Verdict {
        let which = self.any_partition();
        let step = self.life.append(which);
        self.note(format_args!("appender {which}: {step:?}"));
        self.appender_had_its_turn(which);
        self.look_at_beginning(which)?;
        match step {
            Step::Done => self.read_ledger(which),
            _ => Ok(()),
        }
    }

    /// What it let wait for a sync must not have waited too long, unless it cannot sync any more.
    fn appender_had_its_turn(&mut self, which: usize) {
        if !self.disk.has_crashed() && !self.life.is_stopped(which as u16) {
            self.books[which].may_have_synced();
        }
    }

    /// Reads the entries that are new in the ledger.
    fn read_ledger(&mut self, which: usize) -> Verdict {
        while !self.disk.has_crashed() {
            let position = self.books[which].next_entry();
            let failed = self.failed_reads();
            let entry = self.life.engine.entry(which as u16, Seq(position));
            match entry {
                Ok(Some(entry)) => {
                    self.counts.entries += 1;
                    self.books[which].read_entry(entry)?;
                }
                Ok(None) => return Ok(()),
                // It is read when there is more to be read.
                Err(_) if self.failed_reads() > failed => return Ok(()),
                Err(error) => {
                    let what = format!("entry {position} cannot be read: {error}");
                    return Err(Finding::new(Check::Entry, what));
                }
            }
        }
        Ok(())
    }

    fn background(&mut self) {
        let which = self.dice.below(self.life.tasks());
        if let Some(name) = self.life.go_on(which) {
            self.note(format_args!("{name}: done"));
            self.has_ended(name);
        }
    }

    fn begin_background(&mut self) {
        match self.dice.below(4) {
            0 => {
                let partition = self.any_partition() as u16;
                self.life.begin("snapshot", move |engine| async move {
                    drop(engine.take_snapshot(partition).await);
                });
            }
            1 => self.life.begin("due snapshots", |engine| async move {
                engine.take_due_snapshots().await;
            }),
            _ => self.life.begin("courier", |engine| async move {
                engine.carry_transfers().await;
            }),
        }
    }

    fn look_at_answers(&mut self) -> Verdict {
        for (token, answer) in self.life.answers() {
            let which = partition_of(token);
            let is_out = self.disk.has_crashed() || self.life.engine.outage(which as u16).is_some();
            self.note(format_args!("#{token} gets {}", Brief(&answer)));
            match answer {
                Answer::Unavailable(_) => self.counts.unanswered += 1,
                _ => self.counts.answers += 1,
            }
            self.books[which].answered(token, &answer, is_out)?;
            self.deliver(&answer);
            self.read_repeated(which, &answer)?;
            let table = self.life.engine.table(which as u16).position();
            self.books[which].shows_own_writes(table)?;
        }
        Ok(())
    }
}

/// What the writer took.
enum Taken {
    Decided(Request, Option<Token>),
    TurnedAway(Option<Token>),
    LeftWaiting(Millis),
}

impl Taken {
    fn of(what: &Move<'_>) -> Self {
        match *what {
            Move::Decides(request, token) => Self::Decided(request.clone(), token),
            Move::TurnsAway(token) => Self::TurnedAway(token),
            Move::LetsWait(at) => Self::LeftWaiting(millis(at)),
        }
    }
}

/// The partition that a request went to: its number's last byte.
fn partition_of(token: Token) -> usize {
    (token & 0xff) as usize
}

/// Makes the folder, through a crash at a change if one is said; gives within which call it was.
fn make(
    disk: &MemoryDisk,
    path: &Path,
    options: &Options,
    scenario: &Scenario,
) -> Verdict<(Life, BTreeMap<String, u64>)> {
    let crashes = scenario.crashes;
    if let Some(change) = crashes.making {
        disk.crash_at(change);
    }
    let mut dice = Dice::new(scenario.seed ^ 0x3ade);
    let mut made = match scenario.faults > 0 && crashes.making.is_none() && dice.comes(1, 4) {
        true => make_disturbed(disk, path, options, &mut dice),
        false => Life::start(disk, path, options.clone()),
    };
    if disk.has_crashed() {
        drop(made);
        let mut dice = Dice::new(crashes.making.unwrap_or(0));
        disk.restart_with(crashes.survives, &mut |alternatives| {
            dice.below(alternatives)
        });
        made = Life::start(disk, path, options.clone());
    }
    let (life, _) = made.map_err(|error| {
        let what = format!("a new folder cannot be made: {error}");
        Finding::new(Check::NeedlessRefusal, what)
    })?;
    disk.calm();
    let interrupted = disk
        .interrupted()
        .iter()
        .map(|call| (files::name_of(call), 1))
        .collect();
    Ok((life, interrupted))
}

/// Makes the folder on a disk that fails once; the next start may find it full.
fn make_disturbed(
    disk: &MemoryDisk,
    path: &Path,
    options: &Options,
    dice: &mut Dice,
) -> Result<(Life, Vec<RecoveryReport>), OpenError> {
    disk.fail_at(1 + dice.below(60) as u64, ErrorKind::Other);
    let made = Life::start(disk, path, options.clone());
    if made.is_ok() {
        return made;
    }
    disk.calm();
    if dice.comes(2, 3) {
        disk.set_capacity(0);
        let made = Life::start(disk, path, options.clone());
        disk.set_capacity(u64::MAX);
        if made.is_ok() {
            return made;
        }
    }
    Life::start(disk, path, options.clone())
}

/// An answer in a few words.
struct Brief<'a>(&'a Answer);

impl std::fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Answer::Recorded(entry) => write!(f, "{} at {}", entry.event.name(), entry.stamp.seq),
            Answer::Repeated(seq) => write!(f, "the answer of {seq} again"),
            Answer::Nothing => f.write_str("nothing to do"),
            Answer::Refused(refusal) => f.write_str(&crate::translate::refused(refusal)),
            Answer::Found(found) => write!(f, "what was there at {}", found.seq),
            Answer::Unavailable(why) => write!(f, "no answer: {why}"),
        }
    }
}

fn options(scenario: &Scenario, clock: &Arc<SimulatedClock>) -> Options {
    Options {
        partitions: Some(scenario.partitions),
        admission: Policy {
            capacity: scenario.capacity,
            queue_time: scenario
                .queue_time
                .map(|millis| Duration::from_millis(millis as u64)),
            batch: scenario.batch,
            slice: scenario.slice,
        },
        batch_bytes: scenario.batch_bytes,
        segment_bytes: scenario.segment_bytes,
        snapshot_bytes: scenario.snapshot_bytes,
        durability: scenario.durability,
        keep_ledger: scenario
            .keep_ledger
            .map(|keep| Span::from_millis(keep as u64)),
        settings: settings(&scenario.rules).unwrap_or_default(),
        clock: clock.clone(),
    }
}
