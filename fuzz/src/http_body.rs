//! The JSON bodies of all requests, up to the answer, without a server.
//!
//! The input is a byte that names the request, then its body.
//!
//! Oracle: what is no JSON is told as such, and what is JSON of another shape with a pointer; what is read is read
//! the same out of another spelling of the same document. Its command is decided on the state after a [`day`]: what
//! is recorded fits, breaks no invariant, comes back out of a batch, and gives an answer in JSON.

use crate::day;
use onhand_core::reservation::{confirm::Confirm, extend::Extend, release::Release};
use onhand_core::transfer::arrive::Arrive;
use onhand_core::{
    Command, Decision, Entry, LevelNo, LocationNo, ReservationNo, State, TransferId, TransferNo,
    invariant,
};
use onhand_wire::json::Names;
use onhand_wire::json::adjustments::AdjustmentRequest;
use onhand_wire::json::answer::answer;
use onhand_wire::json::availability::AvailabilityRequest;
use onhand_wire::json::batch::BatchRequest;
use onhand_wire::json::counts::CountRequest;
use onhand_wire::json::facts::FactRequest;
use onhand_wire::json::fulfill::FulfillRequest;
use onhand_wire::json::ledger::LedgerEntry;
use onhand_wire::json::object::FromJson;
use onhand_wire::json::observations::ObservationRequest;
use onhand_wire::json::policies::PolicyRequest;
use onhand_wire::json::read::{Fault, Unreadable, read};
use onhand_wire::json::receipts::ReceiptRequest;
use onhand_wire::json::reservations::{Empty, ExtendRequest, ReservationRequest};
use onhand_wire::json::sales::SaleRequest;
use onhand_wire::json::transfers::TransferRequest;
use onhand_wire::{BatchReader, BatchWriter};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt::Debug;

/// Runs one input.
pub fn run(input: &[u8]) {
    let (kind, body) = crate::first(input);
    match kind {
        b'r' => done(body, command::<ReceiptRequest>),
        b'a' => done(body, command::<AdjustmentRequest>),
        b'c' => done(body, command::<CountRequest>),
        b'h' => done(body, command::<ReservationRequest>),
        b's' => done(body, command::<SaleRequest>),
        b'o' => done(body, command::<ObservationRequest>),
        b'k' => done(body, command::<FactRequest>),
        b't' => done(body, command::<TransferRequest>),
        b'p' => done(body, |request: PolicyRequest| request.command().map(one)),
        b'f' => done(body, |request: FulfillRequest| {
            request.command(PICKED).map(one)
        }),
        b'e' => done(body, |request: ExtendRequest| {
            let (reservation, ttl) = (HELD, request.ttl_seconds.0);
            Ok(one(Command::Extend(Extend { reservation, ttl })))
        }),
        b'b' => done(body, |request: BatchRequest| {
            let items = request.reservations.into_inner().into_iter();
            Ok(items.map(|item| item.split().1.into()).collect())
        }),
        b'v' => done(body, |request: AvailabilityRequest| {
            request.asked().map(|_| Vec::new())
        }),
        _ => done(body, |_: Empty| Ok(bare())),
    }
}

pub(crate) const PICKED: ReservationNo = ReservationNo(3);
pub(crate) const HELD: ReservationNo = ReservationNo(1);

pub(crate) fn one(command: Command) -> Vec<Command> {
    vec![command]
}

pub(crate) fn command<T: Into<Command>>(request: T) -> Result<Vec<Command>, Fault> {
    Ok(one(request.into()))
}

/// The commands of requests that say all in their path.
pub(crate) fn bare() -> Vec<Command> {
    let transfer = TransferId {
        source: 0,
        no: TransferNo(5),
    };
    vec![
        Command::Confirm(Confirm { reservation: HELD }),
        Command::Release(Release {
            reservation: PICKED,
        }),
        Command::Arrive(Arrive { transfer }),
    ]
}

fn done<T: for<'de> FromJson<'de> + Debug + PartialEq>(
    body: &[u8],
    commands: impl FnOnce(T) -> Result<Vec<Command>, Fault>,
) {
    match read::<T>(body) {
        Err(why) => unreadable(&why, body),
        Ok(request) => {
            assert_eq!(
                read::<T>(&spelled_anew(body)).as_ref(),
                Ok(&request),
                "another spelling is another request"
            );
            match commands(request) {
                Ok(commands) => commands
                    .iter()
                    .filter_map(decide)
                    .for_each(|(entry, state)| shows(&entry, &state)),
                Err(fault) => points(&fault),
            }
        }
    }
}

fn unreadable(why: &Unreadable, body: &[u8]) {
    let text = str::from_utf8(body).ok();
    let is_json = text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    match why {
        Unreadable::NotJson(what) => assert!(
            !is_json && !what.is_empty(),
            "it is JSON, and told to be none: {what}"
        ),
        Unreadable::Unfit(fault) => {
            assert!(is_json, "it is no JSON, and told to be of another shape");
            points(fault);
        }
    }
}

pub(crate) fn points(fault: &Fault) {
    let Fault { pointer, message } = fault;
    assert!(
        pointer.is_empty() || pointer.starts_with('/'),
        "not a pointer: {pointer}"
    );
    assert!(
        !message.is_empty() && message.len() < 1000,
        "what is wrong with {pointer}?"
    );
}

/// The same document with the fields of every object in another order, and spaces.
fn spelled_anew(body: &[u8]) -> Vec<u8> {
    let document: Value = serde_json::from_slice(body).expect("it was read before");
    serde_json::to_vec_pretty(&document).expect("a document is plain data")
}

/// Decides a command on the state after a day. Gives what is recorded, and the state after it.
pub(crate) fn decide(command: &Command) -> Option<(Entry, State)> {
    let mut state = day::day().1;
    let Decision::Record(entry) = state.decide(day::at(100), None, command) else {
        return None;
    };
    state
        .apply(&entry)
        .unwrap_or_else(|broken| panic!("decided, and does not fit: {broken}"));
    let broken = invariant::check(&state);
    assert!(broken.is_empty(), "{broken:?} after {entry:?}");
    comes_back(&entry);
    Some((*entry, state))
}

fn comes_back(entry: &Entry) {
    let mut writer = BatchWriter::default();
    writer.push(entry);
    let (payload, _) = writer.take();
    let read =
        BatchReader::new(&payload).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    assert_eq!(
        read.as_deref(),
        Ok(std::slice::from_ref(entry)),
        "written and read, it is another entry"
    );
}

/// The answer and the ledger's view of it are JSON.
fn shows(entry: &Entry, state: &State) {
    let names = StateNames(state);
    let answer = answer(entry, &names).expect("a client asked for it");
    let is_json = serde_json::from_slice::<Value>(&answer.body).is_ok();
    assert!(is_json, "an answer that is no JSON");
    serde_json::to_vec(&LedgerEntry::of(entry, &names)).expect("an entry is plain data");
}

/// The names of a state.
pub(crate) struct StateNames<'a>(pub(crate) &'a State);

impl Names for StateNames<'_> {
    fn of_level(&self, level: LevelNo) -> (&str, &str) {
        let directory = self.0.directory();
        directory.names(level).map_or(("", ""), |(location, sku)| {
            (directory.location_name(location), directory.sku_name(sku))
        })
    }

    fn of_location(&self, location: LocationNo) -> &str {
        self.0.directory().location_name(location)
    }

    fn partition_of(&self, _: &str) -> u16 {
        day::PARTITION
    }

    fn partition(&self) -> u16 {
        day::PARTITION
    }
}
