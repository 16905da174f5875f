//! Random requests through the core and through its naive twin: the same entries, answers, shelves, reservations and
//! transfers, and at the end the same state when it is rebuilt.
//!
//! A failure is shrunk and printed as a golden script of the core. That it can be played is not left to hope: every
//! line is read back by the parser of the golden scripts, and must give the command that the core got, but for labels.

#[path = "../../core/tests/ledger/mod.rs"]
#[allow(dead_code, reason = "a violation is to be shrunk here, not to panic")]
mod ledger;
#[path = "../../core/tests/golden/parse.rs"]
#[allow(
    dead_code,
    reason = "what only the golden scripts say is not asked here"
)]
mod parse;
mod steps;

use ledger::Ledger;
use onhand_core::reservation::Reservation;
use onhand_core::{Command, Decision, Entry, Key, ReservationNo, State, Timestamp, invariant};
use onhand_sim::ask::{AdjustLine, Ask, Line, Millis, Parcel, Rule, Rules, Time, TransferName};
use onhand_sim::translate::{self, Interpreter};
use onhand_sim::{Told, Twin, twin};
use onhand_wire::state_hash;
use parse::{Request, Words};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::fmt::Debug;
use steps::Step;

const START: Millis = 10 * 3_600_000;

/// What the runs begin with: little enough that all of it is met in a few steps.
const RULES: Rules = Rules {
    key_retention: 60_000,
    ended_retention: 40_000,
    count_window: 90_000,
    most_open: 8,
    most_levels: 5,
};

/// Both sides, and the script of what they were asked.
struct Pair {
    ledger: Ledger,
    interpreter: Interpreter,
    twin: Twin,
    clock: Millis,
    asked: Vec<(Option<u64>, Ask)>,
    /// What was ever dispatched.
    parcels: Vec<Parcel>,
    script: String,
}

impl Pair {
    fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            interpreter: Interpreter::new(Ledger::PARTITION),
            twin: Twin::new(Ledger::PARTITION),
            clock: START,
            asked: Vec::new(),
            parcels: Vec::new(),
            script: String::new(),
        }
    }

    fn start(&mut self, is_stocked: bool) -> TestCaseResult {
        self.compare(START, None, Ask::Settings(RULES))?;
        for shop in 0..steps::SHOPS * usize::from(is_stocked) {
            let (lines, happened) = (vec![(0, 9), (1 + shop, 5)], None);
            self.compare(
                START,
                None,
                Ask::Receive {
                    shop,
                    lines,
                    happened,
                },
            )?;
        }
        Ok(())
    }

    /// Promises the most that a level can promise: what is there and as much again.
    fn sell_out(&mut self) -> TestCaseResult {
        let (shop, most) = (1, steps::MOST);
        let rule = Rule {
            item: 0,
            safety: None,
            oversell: Some(most),
            correct: None,
        };
        let hold = || Ask::Hold {
            shop,
            lines: vec![(0, most)],
            ttl: 3_600_000,
            partial: false,
        };
        let fill = Ask::Receive {
            shop,
            lines: vec![(0, most - 9)],
            happened: None,
        };
        let asks = [
            fill,
            Ask::Policy {
                shop,
                rules: vec![rule],
            },
            hold(),
            hold(),
            Ask::Confirm(0),
            Ask::Confirm(1),
        ];
        asks.into_iter()
            .try_for_each(|ask| self.compare(START, None, ask))
    }

    /// Makes the shortage of what is sold out, and what is on its way, the largest there can be but for three units.
    fn run_short(&mut self) -> TestCaseResult {
        let adjust = |unavailable, by| Ask::Adjust {
            shop: 1,
            lines: vec![AdjustLine {
                item: 0,
                by,
                unavailable,
            }],
            happened: None,
        };
        self.compare(START, None, adjust(true, 947_483_645))?;
        self.compare(START, None, adjust(false, -200_000_000))?;
        let name = TransferName { source: 2, no: 9 };
        let lines = vec![(0, steps::MOST), (0, steps::MOST - 3)];
        let parcel = Parcel {
            name,
            from: 7,
            to: 1,
            lines,
            settled: 0,
        };
        self.compare(START, None, Ask::Announce(parcel))
    }

    fn step(&mut self, step: &Step) -> TestCaseResult {
        let (wait, key, ask) = match step {
            Step::New(wait, key, ask) => (*wait, *key, self.meant(ask, self.clock + wait)),
            Step::Pass => return Ok(()),
            Step::Restart { from_snapshot } => return self.restart(*from_snapshot),
            Step::Again(wait, back) => match self.asked.iter().rev().nth(*back) {
                Some((key, ask)) => (*wait, *key, Some(ask.clone())),
                None => return Ok(()),
            },
        };
        let clock = self.clock + wait;
        match ask.filter(|ask| self.twin.foresees(key, ask)) {
            Some(ask) => self.compare(clock, key, ask),
            None => Ok(()),
        }
    }

    /// Asks both.
    fn compare(&mut self, clock: Millis, key: Option<u64>, ask: Ask) -> TestCaseResult {
        let key_word = key.map(|key| format!("k{key}"));
        let spelled_key = key_word
            .iter()
            .map(|key| format!(" key {key}"))
            .collect::<String>();
        let line = format!("{} {ask}{spelled_key}", Time(clock));
        self.script.push_str(&format!("> {line}\n"));
        self.clock = clock;
        let command = translate::command(&ask);
        let command = command.ok_or_else(|| self.fails("the core has no words for it"))?;
        self.read_back(&line, key_word.clone(), &ask)?;
        let full_key = key_word.map(|key| ledger::key(&key, &command));
        let found = self.submit(translate::moment(clock), full_key, &command)?;
        let told = self.twin.ask(clock, key, &ask);
        if !told.allows(&found) {
            return Err(self.fails(&format!("the core: {found:#?}\nits twin: {told:#?}")));
        }
        if told.entries.iter().any(|entry| entry.event == "dispatched") {
            self.parcels.extend(self.twin.outbox().last().cloned());
        }
        self.asked.push((key, ask));
        self.compare_all()
    }

    fn fails(&self, why: &str) -> TestCaseError {
        let file = "crates/core/tests/golden/found_by_the_twin.txt";
        TestCaseError::fail(format!(
            "{why}\nTo keep it: save this as {file} and run the golden test with UPDATE_GOLDENFILES=1.\n{}",
            self.script
        ))
    }

    fn same<T: PartialEq + Debug>(&self, what: &str, core: T, twin: T) -> TestCaseResult {
        match core == twin {
            true => Ok(()),
            false => Err(self.fails(&format!("{what}: the core {core:?}, its twin {twin:?}"))),
        }
    }

    /// The line of the script says what was asked.
    fn read_back(&self, line: &str, key: Option<String>, ask: &Ask) -> TestCaseResult {
        let mut words = Words::of(line);
        let clock = words.moment();
        let Request::Command(found_key, found) = parse::request(&mut words, &self.ledger) else {
            return Err(self.fails("the last line is no command"));
        };
        self.same("time", clock, Some(translate::moment(self.clock)))?;
        self.same("key", found_key, key)?;
        self.same("the last line", Some(found), translate::scripted(ask))
    }

    fn submit(
        &mut self,
        clock: Timestamp,
        key: Option<Key>,
        command: &Command,
    ) -> Result<Told, TestCaseError> {
        let mut expired = Vec::new();
        while let Some(entry) = self.ledger.state.expire(clock) {
            self.record(&entry)?;
            expired.push(entry);
        }
        let decision = self.ledger.state.decide(clock, key, command);
        if let Decision::Record(entry) = &decision {
            self.record(entry)?;
        }
        let told = self.interpreter.told(&expired, &decision);
        told.ok_or_else(|| self.fails("the core speaks of what there is not"))
    }

    fn record(&mut self, entry: &Entry) -> TestCaseResult {
        let outcome = self.ledger.state.apply(entry);
        outcome.map_err(|violation| self.fails(&violation.to_string()))?;
        self.ledger.entries.push(entry.clone());
        Ok(())
    }

    fn compare_shelves(&self) -> TestCaseResult {
        let directory = self.ledger.state.directory();
        self.same("shelves", directory.len(), self.twin.shelves().count())?;
        for shelf in self.twin.shelves() {
            let name = (translate::location(shelf.shop), translate::sku(shelf.item));
            let level = directory.find(&name.0, &name.1).map(|(_, level)| level);
            let found = level.map(|level| {
                let apart = [
                    level.reserved(),
                    level.allocated(),
                    level.unavailable(),
                    level.in_transit(),
                ];
                (level.on_hand(), apart.map(i64::from), level.available())
            });
            let apart = [
                shelf.reserved,
                shelf.allocated,
                shelf.unavailable,
                shelf.in_transit,
            ];
            let expected = (shelf.on_hand, apart, shelf.available());
            self.same(&format!("{name:?}"), found, Some(expected))?;
        }
        Ok(())
    }

    /// The reservations are the same, but for those that may be forgotten.
    fn compare_promises(&self) -> TestCaseResult {
        let found = self.ledger.state.reservations();
        self.same("reservations", found.next_no().0, self.twin.promised())?;
        let told = |one: &Reservation| self.interpreter.promise(one);
        for (no, promise) in self.twin.promises() {
            let found = found.get(ReservationNo(no));
            if found.is_some() || self.twin.is_promise_kept(no) {
                self.same(
                    "a reservation",
                    found.and_then(told).as_ref(),
                    Some(promise),
                )?;
            }
        }
        self.same("open", found.open(), self.twin.open().count())
    }

    /// The transfers are the same, but for those that may be forgotten.
    fn compare_transfers(&self) -> TestCaseResult {
        let found = self.ledger.state.transfers();
        let outbox = found
            .outbox()
            .map(|(no, outgoing)| (no.0, outgoing.clone()));
        let told = self
            .twin
            .outbox()
            .filter_map(|one| Some((one.name.no, translate::outgoing(one)?)));
        self.same("outbox", outbox.collect::<Vec<_>>(), told.collect())?;
        for twin::Incoming { parcel, arrived } in self.twin.all_incoming() {
            let found = found.incoming(translate::transfer_id(parcel.name));
            if found.is_some() || self.twin.is_transfer_kept(parcel.name) {
                let found = found.map(|one| one.arrived_at.map(translate::millis));
                self.same("arrival", found, Some(*arrived))?;
            }
        }
        Ok(())
    }

    fn compare_all(&self) -> TestCaseResult {
        self.compare_shelves()?;
        self.compare_promises()?;
        self.compare_transfers()
    }

    /// Goes on with a state rebuilt from a snapshot or from the entries, if it is the same.
    fn restart(&mut self, from_snapshot: bool) -> TestCaseResult {
        let how = if from_snapshot {
            "a snapshot"
        } else {
            "its entries"
        };
        self.script
            .push_str(&format!("# It is rebuilt from {how} here.\n"));
        let rebuilt = match from_snapshot {
            true => ledger::thaw(ledger::items(&self.ledger.state)),
            false => self.replayed()?,
        };
        self.same("state hash", hash(&rebuilt), hash(&self.ledger.state))?;
        self.ledger.state = rebuilt;
        self.compare_all()
    }

    fn replayed(&self) -> Result<State, TestCaseError> {
        let replayed = ledger::replay(&self.ledger.entries);
        replayed.map_err(|violation| self.fails(&violation.to_string()))
    }

    /// Every invariant holds, and the state rebuilt from the entries, then from a snapshot, is the same.
    fn prove(&mut self) -> TestCaseResult {
        self.same(
            "invariants",
            invariant::check(&self.ledger.state),
            Vec::new(),
        )?;
        self.restart(false)?;
        self.restart(true)?;
        self.same(
            "invariants",
            invariant::check(&self.ledger.state),
            Vec::new(),
        )
    }
}

fn hash(state: &State) -> u128 {
    state_hash(&state.freeze())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(steps::step(), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_does_what_its_twin_does(is_stocked in prop::bool::weighted(0.8), steps in steps()) {
        let mut pair = Pair::new();
        pair.start(is_stocked)?;
        for step in &steps {
            pair.step(step)?;
        }
        pair.prove()?;
    }

    /// The same with quantities around every bound.
    #[test]
    fn huge_quantities_too(
        stage in 0..6_usize,
        steps in prop::collection::vec((steps::step(), 0..4_usize), 1..60),
    ) {
        let mut pair = Pair::new();
        pair.start(true)?;
        if stage >= 4 {
            pair.sell_out()?;
        }
        if stage == 5 {
            pair.run_short()?;
        }
        for (step, size) in &steps {
            pair.step(&step.grown(*size))?;
        }
        pair.prove()?;
    }
}
