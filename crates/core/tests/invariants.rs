//! The numbered invariants: that the document and the code say the same, that an entry which breaks one is not
//! applied, that a state which breaks one is found, and that a sound state is not accused.

#![allow(clippy::disallowed_methods, reason = "the document is a file")]

mod ledger;

use ledger::{Ledger, items, key, replay, thaw};
use onhand_core::facts::push::{Push, PushLine};
use onhand_core::numbers::ReservationNo;
use onhand_core::reservation::{
    confirm::Confirm, extend::Extend, fulfill::Fulfill, fulfill::PickLine, hold::Hold,
    hold::HoldLine, release::Release,
};
use onhand_core::stock::observe::{Observe, ObserveLine};
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::transfer::{
    TransferId,
    announce::Announce,
    arrive::Arrive,
    dispatch::{Dispatch, DispatchLine},
    hand_over::HandOver,
};
use onhand_core::{
    Command, Decision, Entry, Event, FactName, Invariant, Item, Label, LevelNo, Lines, LocationId,
    LocationNo, Quantity, Seq, Settings, Sku, Span, Timestamp, TransferNo, Value, invariant,
};
use std::slice;

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn location(name: &str) -> LocationId {
    LocationId::new(name).expect("a name")
}

fn sku(name: &str) -> Sku {
    Sku::new(name).expect("a name")
}

fn units(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

fn one<T>(line: T) -> Lines<T> {
    Lines::new(vec![line]).unwrap_or_else(|bad| panic!("{bad:?}"))
}

fn receive(name: &str, quantity: u32) -> Command {
    Command::Receive(Receive {
        location: location("dublin-1"),
        lines: one(ReceiveLine {
            sku: sku(name),
            quantity: units(quantity),
            lot: None,
            expires_on: None,
        }),
        reference: None,
        occurred_at: None,
    })
}

fn hold(quantity: u32, seconds: u64) -> Command {
    Command::Hold(Hold {
        location: location("dublin-1"),
        lines: one(HoldLine {
            sku: sku("milk"),
            quantity: units(quantity),
        }),
        ttl: Span::from_secs(seconds),
        allow_partial: false,
        reference: None,
    })
}

fn confirm(no: u64) -> Command {
    Command::Confirm(Confirm {
        reservation: ReservationNo(no),
    })
}

fn release(no: u64) -> Command {
    Command::Release(Release {
        reservation: ReservationNo(no),
    })
}

fn pick(no: u64, picked: u32, not_found: u32) -> Command {
    Command::Fulfill(Fulfill {
        reservation: ReservationNo(no),
        lines: one(PickLine {
            sku: sku("milk"),
            picked,
            not_found,
            substitutions: Vec::new(),
        }),
        occurred_at: None,
    })
}

fn dispatch(quantity: u32) -> Command {
    Command::Dispatch(Dispatch {
        from: location("dublin-1"),
        to: location("cork-1"),
        lines: one(DispatchLine {
            sku: sku("milk"),
            quantity: units(quantity),
        }),
        reference: None,
    })
}

/// A ledger of these commands, one a second.
fn ledger(commands: &[Command]) -> Ledger {
    let mut ledger = Ledger::new();
    for (second, command) in (1..).zip(commands) {
        ledger.submit(at(second), None, command);
    }
    assert_eq!(ledger.entries.len(), commands.len(), "each is recorded");
    ledger
}

/// The invariant that stops a replay whose last entry was changed.
fn broken_by(ledger: &Ledger, change: impl FnOnce(&mut Entry)) -> Option<Invariant> {
    let mut entries = ledger.entries.clone();
    assert!(replay(&entries).is_ok(), "unchanged it replays");
    change(entries.last_mut().expect("there is one"));
    replay(&entries).err().map(|violation| violation.invariant)
}

/// The invariant that stops the last entry when it comes a second time.
fn broken_again(ledger: &Ledger) -> Option<Invariant> {
    let mut entries = ledger.entries.clone();
    let mut again = entries.last().expect("there is one").clone();
    again.stamp.seq = again.stamp.seq.next();
    entries.push(again);
    replay(&entries).err().map(|violation| violation.invariant)
}

#[test]
fn the_document_says_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/invariants.md");
    let document = std::fs::read_to_string(path).expect("docs/invariants.md is there");
    let rows = document.lines().filter(|line| line.starts_with("| INV-"));
    let said: Vec<(&str, &str)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let mut cell = || cells.next().expect("a row has a number and a statement");
            (cell(), cell())
        })
        .collect();
    let meant = Invariant::ALL.map(|one| (one.code(), one.statement()));
    assert_eq!(said, meant);
}

#[test]
fn positions_have_no_gaps_and_time_does_not_go_back() {
    let ledger = ledger(&[receive("milk", 5), receive("milk", 5)]);
    let gap = broken_by(&ledger, |entry| entry.stamp.seq = Seq(3));
    assert_eq!(gap, Some(Invariant::Order));
    let back = broken_by(&ledger, |entry| entry.stamp.at = at(0));
    assert_eq!(back, Some(Invariant::Order));
}

#[test]
fn a_key_within_its_retention_is_not_taken_again() {
    let command = receive("milk", 5);
    let mut ledger = Ledger::new();
    ledger.submit(at(1), Some(key("k", &command)), &command);
    assert_eq!(broken_again(&ledger), Some(Invariant::KeysNameOneEntry));
}

#[test]
fn a_key_is_kept_also_after_the_year_2106() {
    let (mut ledger, command) = (Ledger::new(), receive("milk", 5));
    let later = 5_000_000_000;
    ledger.submit(at(later), Some(key("k", &command)), &command);
    let (_, again) = ledger.submit(at(later + 1), Some(key("k", &command)), &command);
    assert_eq!(again, Decision::Repeat(Seq(1)));
}

#[test]
fn a_hold_is_whole_and_takes_no_more_than_there_is() {
    let ledger = ledger(&[receive("milk", 5), hold(4, 60)]);
    let change_line = |requested, reserved| {
        broken_by(&ledger, |entry| match &mut entry.event {
            Event::Held(held) => {
                held.lines[0].requested = requested;
                held.lines[0].reserved = reserved;
            }
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(change_line(5, 5), None);
    assert_eq!(change_line(5, 4), Some(Invariant::AllOrNothing));
    assert_eq!(change_line(6, 6), Some(Invariant::NeverOversold));
}

#[test]
fn what_no_level_can_hold_is_not_applied() {
    let ledger = ledger(&[receive("milk", 5)]);
    let change_line = |level, units| {
        broken_by(&ledger, |entry| match &mut entry.event {
            Event::Received(received) => {
                received.lines[0].level = level;
                received.lines[0].units = units;
            }
            event => panic!("{event:?}"),
        })
    };
    let too_many = change_line(LevelNo(0), Quantity::MAX + 1);
    assert_eq!(too_many, Some(Invariant::Bounds));
    let nowhere = change_line(LevelNo(7), 5);
    assert_eq!(nowhere, Some(Invariant::Bounds));
}

#[test]
fn what_was_never_opened_is_not_spoken_of() {
    let look = Command::Observe(Observe {
        location: location("dublin-1"),
        source: Label::new("ann").expect("a label"),
        lines: one(ObserveLine {
            sku: sku("milk"),
            at: at(0),
            found: true,
        }),
    });
    let seen = broken_by(&ledger(&[look]), |entry| match &mut entry.event {
        Event::Observed(observed) => observed.looks[0].seen[0].level = LevelNo(7),
        event => panic!("{event:?}"),
    });
    assert_eq!(seen, Some(Invariant::Bounds));
    let push = Command::Push(Push {
        location: location("dublin-1"),
        source: Label::new("office").expect("a label"),
        values: one(PushLine {
            sku: Some(sku("milk")),
            name: FactName::new("category").expect("a name"),
            at: at(0),
            value: Value::Text(Label::new("dairy").expect("a label")),
        }),
    });
    let pushed = |location, level| {
        broken_by(&ledger(slice::from_ref(&push)), |entry| {
            match &mut entry.event {
                Event::Pushed(pushed) => {
                    pushed.location = location;
                    pushed.facts[0].values[0].level = level;
                }
                event => panic!("{event:?}"),
            }
        })
    };
    assert_eq!(pushed(LocationNo(0), None), None);
    assert_eq!(
        pushed(LocationNo(0), Some(LevelNo(7))),
        Some(Invariant::Bounds)
    );
    assert_eq!(pushed(LocationNo(7), None), Some(Invariant::Bounds));
}

#[test]
fn what_ended_does_not_end_again() {
    let stock = [receive("milk", 9), hold(2, 60), hold(3, 60)];
    let released = ledger(&[&stock[..], &[release(0)]].concat());
    assert_eq!(broken_again(&released), Some(Invariant::PromisesMatch));
    let confirmed = ledger(&[&stock[..], &[confirm(0)]].concat());
    assert_eq!(broken_again(&confirmed), Some(Invariant::PromisesMatch));
    let picked = ledger(&[&stock[..], &[confirm(0), confirm(1), pick(0, 2, 0)]].concat());
    assert_eq!(broken_again(&picked), Some(Invariant::PromisesMatch));
}

#[test]
fn a_pick_is_within_its_reservation_though_the_level_has_more() {
    let commands = [
        receive("milk", 9),
        hold(2, 60),
        hold(3, 60),
        confirm(0),
        confirm(1),
        pick(0, 1, 1),
    ];
    let ledger = ledger(&commands);
    let change = |picked, not_found, corrected, is_complete| {
        broken_by(&ledger, |entry| match &mut entry.event {
            Event::Fulfilled(fulfilled) => {
                let line = &mut fulfilled.lines[0];
                (line.picked, line.not_found, line.corrected) = (picked, not_found, corrected);
                fulfilled.is_complete = is_complete;
            }
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(change(1, 1, 1, true), None);
    assert_eq!(change(1, 0, 0, false), None);
    let broken = Some(Invariant::PromisesMatch);
    assert_eq!(change(2, 1, 0, true), broken, "more than promised");
    assert_eq!(change(1, 1, 2, true), broken, "more corrected than missing");
    assert_eq!(change(1, 0, 0, true), broken, "not complete");
    assert_eq!(change(1, 1, 0, false), broken, "complete");
}

#[test]
fn nothing_but_an_expiry_is_recorded_while_one_is_due() {
    let mut ledger = ledger(&[receive("milk", 9), hold(2, 60), receive("milk", 1)]);
    let on_time = |at| broken_by(&ledger, |entry| entry.stamp.at = at);
    assert_eq!(on_time(Timestamp::from_millis(61_999)), None);
    assert_eq!(on_time(at(62)), Some(Invariant::ExactExpiry));
    assert_eq!(ledger.expire(at(62)).len(), 1);
    let early = broken_by(&ledger, |entry| entry.stamp.at = at(61));
    assert_eq!(early, Some(Invariant::ExactExpiry));
}

/// A reservation that is overdue from the beginning would stop every entry but its expiry.
#[test]
fn no_hold_expires_before_it_begins() {
    let held = ledger(&[receive("milk", 9), hold(2, 60)]);
    let expiring = |second| {
        broken_by(&held, |entry| match &mut entry.event {
            Event::Held(held) => held.expires_at = at(second),
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(expiring(2), None);
    assert_eq!(expiring(1), Some(Invariant::ExactExpiry));
    let extend = Command::Extend(Extend {
        reservation: ReservationNo(0),
        ttl: Span::from_secs(60),
    });
    let extended = ledger(&[receive("milk", 9), hold(2, 60), extend]);
    let expiring = |second| {
        broken_by(&extended, |entry| match &mut entry.event {
            Event::Extended(extended) => extended.expires_at = at(second),
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(expiring(3), None);
    assert_eq!(expiring(2), Some(Invariant::ExactExpiry));
}

#[test]
fn what_was_never_opened_is_not_sent() {
    let sent = ledger(&[receive("milk", 9), dispatch(4)]);
    let change = |from, level, units| {
        broken_by(&sent, |entry| match &mut entry.event {
            Event::Dispatched(sent) => {
                sent.from = from;
                sent.lines[0].level = level;
                sent.lines[0].units = units;
            }
            event => panic!("{event:?}"),
        })
    };
    let broken = Some(Invariant::Bounds);
    assert_eq!(change(LocationNo(0), LevelNo(0), 4), None);
    assert_eq!(change(LocationNo(7), LevelNo(0), 4), broken);
    assert_eq!(change(LocationNo(0), LevelNo(7), 4), broken);
    assert_eq!(
        change(LocationNo(0), LevelNo(7), 0),
        broken,
        "moves nothing"
    );
}

#[test]
fn a_transfer_takes_each_step_once() {
    let stock = [receive("milk", 9), dispatch(4)];
    let sent = ledger(&stock);
    assert_eq!(broken_again(&sent), Some(Invariant::TransitMatches));
    let transfer = TransferId {
        source: Ledger::PARTITION,
        no: TransferNo(0),
    };
    let outgoing = sent.state.transfers().outbox().next();
    let outgoing = outgoing.expect("it waits").1.clone();
    let steps = [
        Command::Announce(Announce { transfer, outgoing }),
        Command::HandOver(HandOver {
            transfer: transfer.no,
        }),
        Command::Arrive(Arrive { transfer }),
    ];
    for upto in 1..=steps.len() {
        let ledger = ledger(&[&stock[..], &steps[..upto]].concat());
        assert_eq!(broken_again(&ledger), Some(Invariant::TransitMatches));
    }
}

#[test]
fn the_check_finds_what_a_damaged_snapshot_breaks() {
    let mut sound = ledger(&[receive("milk", 9), receive("bread", 9), hold(2, 60)]);
    let command = receive("milk", 1);
    sound.submit(at(5), Some(key("k", &command)), &command);
    let broken = |change: &dyn Fn(&mut Item)| {
        let mut items = items(&sound.state);
        items.iter_mut().for_each(change);
        let found = invariant::check(&thaw(items)).into_iter();
        let mut found: Vec<_> = found.map(|violation| violation.invariant).collect();
        found.dedup();
        found
    };
    assert_eq!(broken(&|_| {}), []);
    let other_promise = broken(&|item| {
        if let Item::Kept(_, one) = item {
            one.lines = [].into();
        }
    });
    assert_eq!(other_promise, [Invariant::PromisesMatch]);
    let overdue = broken(&|item| {
        if let Item::Kept(_, one) = item {
            one.expires_at = at(4);
        }
    });
    assert_eq!(overdue, [Invariant::ExactExpiry]);
    let other_level = broken(&|item| {
        if let Item::Level(_, _, level) = item {
            *level = onhand_core::Level::default();
        }
    });
    assert_eq!(
        other_level,
        [Invariant::Conservation, Invariant::PromisesMatch]
    );
    let later_key = broken(&|item| {
        if let Item::Key(remembered) = item {
            remembered.seq = Seq(99);
        }
    });
    assert_eq!(later_key, [Invariant::KeysNameOneEntry]);
}

#[test]
fn between_two_expiries_that_are_due_nothing_is_broken() {
    let mut ledger = ledger(&[receive("milk", 9), hold(2, 60), hold(3, 60)]);
    let first = ledger.state.expire(at(90)).expect("two are due");
    ledger.state.apply(&first).expect("it fits");
    ledger.entries.push(first);
    ledger.prove();
    assert_eq!(ledger.expire(at(90)).len(), 1);
    ledger.prove();
}

#[test]
fn a_retention_that_was_shorter_once_accuses_no_key() {
    let mut ledger = Ledger::new();
    let keep = |hours: u64| {
        Command::Configure(Settings {
            key_retention: Span::from_secs(hours * 3600),
            ..Settings::default()
        })
    };
    let command = receive("milk", 1);
    ledger.submit(at(0), None, &keep(1));
    // One entry forgets a few keys at most, so the one in question is still kept when it comes again.
    for no in 0..9 {
        let other = key(&format!("other-{no}"), &command);
        ledger.submit(at(1), Some(other), &command);
    }
    ledger.submit(at(1), Some(key("k", &command)), &command);
    ledger.submit(at(7201), Some(key("k", &command)), &command);
    assert_eq!(ledger.entries.len(), 12, "the key was new again");
    ledger.submit(at(7202), None, &keep(24));
    ledger.prove();
}

#[test]
fn the_changes_kept_for_counts_do_not_outgrow_their_window() {
    let mut ledger = Ledger::new();
    let settings = Settings {
        count_window: Span::from_secs(10),
        ..Settings::default()
    };
    ledger.submit(at(0), None, &Command::Configure(settings));
    let lines = (0..50).map(|no| ReceiveLine {
        sku: sku(&format!("sku-{no}")),
        quantity: units(1),
        lot: None,
        expires_on: None,
    });
    let lines: Vec<ReceiveLine> = lines.collect();
    for second in 1..200 {
        let command = Command::Receive(Receive {
            location: location("dublin-1"),
            lines: Lines::new(lines.clone()).unwrap(),
            reference: None,
            occurred_at: None,
        });
        ledger.submit(at(second), None, &command);
    }
    let kept = items(&ledger.state).into_iter();
    let changes = kept.filter(|item| matches!(item, Item::Change(_))).count();
    assert!(changes <= 50 * 12, "{changes} changes are kept");
    ledger.prove();
}

#[test]
fn a_frozen_state_that_does_not_add_up_is_noticed() {
    let sound = ledger(&[receive("milk", 9), hold(2, 60)]);
    assert_eq!(sound.state.freeze().check_conservation(), Ok(()));
    let mut items = items(&sound.state);
    for item in &mut items {
        if let Item::Level(_, _, level) = item {
            *level = Default::default();
        }
    }
    let broken = thaw(items).freeze().check_conservation();
    assert_eq!(broken.unwrap_err().invariant, Invariant::Conservation);
}

/// A source that could not hand over for longer than ended transfers are kept announces again; the goods must not come
/// in twice.
#[test]
fn a_transfer_that_may_be_announced_again_is_not_forgotten() {
    let mut ledger = ledger(&[receive("milk", 9), dispatch(4)]);
    let transfer = TransferId {
        source: Ledger::PARTITION,
        no: TransferNo(0),
    };
    let waiting = ledger.state.transfers().outbox().next();
    let outgoing = waiting.expect("it waits").1.clone();
    let announce = Command::Announce(Announce { transfer, outgoing });
    ledger.submit(at(10), None, &announce);
    ledger.submit(at(11), None, &Command::Arrive(Arrive { transfer }));
    let days = 24 * 60 * 60;
    for later in 2..8 {
        ledger.submit(at(later * days), None, &receive("milk", 1));
    }
    let entries = ledger.state.totals().entries;
    ledger.submit(at(9 * days), None, &announce);
    assert_eq!(ledger.state.totals().entries, entries, "it is known still");
}
