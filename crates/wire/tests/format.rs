//! What was written once can be read for ever, and is still written the same.
//!
//! The fixtures are never edited. A change of format is a new version with a fixture of its own; the old ones stay.
//! A fixture that is missing is written, and the test fails, so that a new one is looked at before it is kept.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use onhand_core::body::Head;
use onhand_core::facts::push;
use onhand_core::reservation::{confirm, extend, fulfill, hold, release};
use onhand_core::stock::{adjust, count, observe, receive, sell, set_policy};
use onhand_core::transfer::dispatch;
use onhand_core::{
    Command, Decision, Entry, FactName, Few, Item, Label, Level, Lines, LocationId, LocationNo,
    Millionths, OnNotFound, Quantity, ReservationNo, Settings, Sku, SkuNo, Span, State, Timestamp,
    Value,
};
use onhand_wire::snapshot::SnapshotError;
use onhand_wire::{BatchReader, BatchWriter, key, snapshot, state_hash};
use std::path::PathBuf;

fn location(name: &str) -> LocationId {
    LocationId::new(name).unwrap()
}

fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

fn label(text: &str) -> Option<Label> {
    Some(Label::new(text).unwrap())
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).unwrap()
}

fn lines<T>(lines: Vec<T>) -> Lines<T> {
    Lines::new(Few::from_vec(lines)).unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1000)
}

/// A day in a shop with every command a client can give.
fn commands() -> Vec<(u64, Command)> {
    let received = |sku_name, units| receive::ReceiveLine {
        sku: sku(sku_name),
        quantity: quantity(units),
        lot: label("lot-7"),
        expires_on: Some(19_800),
    };
    let held = |units| {
        Command::Hold(hold::Hold {
            location: location("dublin-1"),
            lines: lines(vec![hold::HoldLine {
                sku: sku("milk"),
                quantity: quantity(units),
            }]),
            ttl: Span::from_secs(60),
            allow_partial: false,
            reference: label("cart-1"),
        })
    };
    let no = ReservationNo;
    vec![
        (
            0,
            Command::Configure(Settings {
                count_window: Span::from_secs(3600),
                ..Settings::default()
            }),
        ),
        (
            1,
            Command::Receive(receive::Receive {
                location: location("dublin-1"),
                lines: lines(vec![received("milk", 300), received("bread", 20)]),
                reference: label("delivery-1"),
                occurred_at: Some(at(0)),
            }),
        ),
        (2, held(2)),
        (3, held(3)),
        (4, held(4)),
        (
            5,
            Command::Extend(extend::Extend {
                reservation: no(1),
                ttl: Span::from_secs(30),
            }),
        ),
        (6, Command::Confirm(confirm::Confirm { reservation: no(0) })),
        (7, Command::Release(release::Release { reservation: no(2) })),
        (
            8,
            Command::SetPolicy(set_policy::SetPolicy {
                location: location("dublin-1"),
                lines: lines(vec![set_policy::PolicyLine {
                    sku: sku("milk"),
                    safety_stock: Some(1),
                    oversell_limit: Some(2),
                    on_not_found: Some(OnNotFound::Correct),
                }]),
                reason: label("model-3"),
            }),
        ),
        (
            9,
            Command::Fulfill(fulfill::Fulfill {
                reservation: no(0),
                lines: lines(vec![fulfill::PickLine {
                    sku: sku("milk"),
                    picked: 1,
                    not_found: 1,
                    substitutions: vec![fulfill::Substitution {
                        sku: sku("bread"),
                        quantity: quantity(1),
                    }],
                }]),
                occurred_at: None,
            }),
        ),
        (
            10,
            Command::Adjust(adjust::Adjust {
                location: location("dublin-1"),
                lines: lines(vec![adjust::AdjustLine {
                    sku: sku("bread"),
                    direction: adjust::Direction::Down,
                    quantity: quantity(2),
                    reason: Label::new("damaged").unwrap(),
                    of: adjust::Adjusts::OnHand,
                }]),
                reference: None,
                occurred_at: None,
            }),
        ),
        (
            11,
            Command::Count(count::Count {
                location: location("dublin-1"),
                as_of: at(10),
                source: Label::new("night-count").unwrap(),
                complete: true,
                lines: lines(vec![count::CountLine {
                    sku: sku("milk"),
                    on_hand: 250,
                }]),
            }),
        ),
        (
            12,
            Command::Dispatch(dispatch::Dispatch {
                from: location("dublin-1"),
                to: location("cork-1"),
                lines: lines(vec![dispatch::DispatchLine {
                    sku: sku("milk"),
                    quantity: quantity(5),
                }]),
                reference: label("truck-9"),
            }),
        ),
    ]
}

/// What came after the first version: what the till sold, what was seen on the shelf, what others know.
fn facts() -> Vec<(u64, Command)> {
    let sold = |name, units| sell::SellLine {
        sku: sku(name),
        quantity: quantity(units),
    };
    let looked = |name, second, found| observe::ObserveLine {
        sku: sku(name),
        at: at(second),
        found,
    };
    let value = |name: Option<&str>, fact, second, value| push::PushLine {
        sku: name.map(sku),
        name: FactName::new(fact).unwrap(),
        at: at(second),
        value,
    };
    let number = |millionths| Value::Number(Millionths::new(millionths).unwrap());
    vec![
        (
            0,
            Command::Sell(sell::Sell {
                location: location("dublin-1"),
                lines: lines(vec![sold("milk", 300), sold("bread", 1)]),
                reference: label("till-3"),
                sold_at: Some(at(0)),
            }),
        ),
        (
            1,
            Command::Observe(observe::Observe {
                location: location("dublin-1"),
                source: Label::new("feed").unwrap(),
                lines: lines(vec![
                    looked("milk", 1, false),
                    looked("milk", 0, true),
                    looked("eggs", 1, true),
                ]),
            }),
        ),
        (
            2,
            Command::Push(push::Push {
                location: location("dublin-1"),
                source: Label::new("office").unwrap(),
                values: lines(vec![
                    value(Some("milk"), "discount", 86_400, number(-250_000)),
                    value(Some("eggs"), "discount", 86_400, number(0)),
                    value(None, "city", 0, Value::Text(Label::new("Dublin").unwrap())),
                ]),
            }),
        ),
    ]
}

/// The day's entries, the last an expiry, and the state after them.
fn day() -> (Vec<Entry>, State) {
    let (mut entries, mut state) = recorded(commands());
    let expired = state.expire(at(100)).unwrap();
    state.apply(&expired).unwrap();
    entries.push(expired);
    (entries, state)
}

fn recorded(commands: Vec<(u64, Command)>) -> (Vec<Entry>, State) {
    let (mut state, mut entries) = (State::new(3), Vec::new());
    for (second, command) in commands {
        let key = key::key("tenant", &format!("key-{second}"), &command);
        let Decision::Record(entry) = state.decide(at(second), Some(key), &command) else {
            panic!("refused: {command:?}");
        };
        state.apply(&entry).unwrap();
        entries.push(*entry);
    }
    (entries, state)
}

/// Holds bytes against a fixture.
fn hold_against(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let Ok(fixture) = std::fs::read(&path) else {
        std::fs::write(&path, bytes).unwrap();
        panic!("{name} was missing and is written now: look at it before you keep it");
    };
    assert!(fixture == bytes, "{name} would be written differently now");
}

#[test]
fn batches_of_version_1() {
    hold_batch_against("batch.v1.bin", &day().0);
    hold_batch_against("facts.v1.bin", &recorded(facts()).0);
}

fn hold_batch_against(name: &str, entries: &[Entry]) {
    let mut writer = BatchWriter::default();
    entries.iter().for_each(|entry| {
        writer.push(entry);
    });
    let (bytes, count) = writer.take();
    assert_eq!(count as usize, entries.len());
    hold_against(name, &bytes);
    let read: Vec<_> = BatchReader::new(&bytes)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(read, entries);
}

#[test]
fn a_snapshot_of_version_1() {
    let (_, state) = day();
    let mut bytes = Vec::new();
    snapshot::write(&state.freeze(), &mut bytes, |_| {}).unwrap();
    hold_against("snapshot.v1.bin", &bytes);
    let read = snapshot::read(&mut &bytes[..]).unwrap();
    assert_eq!(state_hash(&read.freeze()), state_hash(&state.freeze()));
}

/// A retry across an upgrade must still be known as the same request.
#[test]
fn keys_and_fingerprints_of_version_1() {
    hold_keys_against("keys.v1.txt", &commands());
    hold_keys_against("facts-keys.v1.txt", &facts());
}

fn hold_keys_against(name: &str, commands: &[(u64, Command)]) {
    let keys: Vec<String> = commands
        .iter()
        .map(|(second, command)| {
            let key = key::key("tenant", &format!("key-{second}"), command);
            let [low, high] = key.hash;
            format!("{low:016x} {high:016x} {:016x}\n", key.fingerprint)
        })
        .collect();
    hold_against(name, keys.concat().as_bytes());
}

#[test]
fn a_later_version_is_refused_by_name() {
    let error = BatchReader::new(&[200, 1, 2]).unwrap_err().to_string();
    assert!(error.contains("200"), "{error}");
    assert!(snapshot::read(&mut &[200u8, 0][..]).is_err());
}

/// A snapshot of these items, in one chunk.
fn snapshot_of(items: &[Item]) -> Vec<u8> {
    let items: Vec<u8> = items
        .iter()
        .flat_map(|item| postcard::to_stdvec(item).unwrap())
        .collect();
    let mut bytes = vec![1];
    bytes.extend_from_slice(&(items.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&items);
    bytes
}

/// Found by fuzzing: a level of a location that was never named reserved room for four billion of them.
#[test]
fn a_snapshot_is_believed_only_as_far_as_it_adds_up() {
    let head = || Item::Head(Head::default());
    let at_the_end = Item::Head(Head {
        fronts: [u64::MAX; 5],
        ..Head::default()
    });
    let level = |no| Item::Level(LocationNo(no), SkuNo(0), Level::default());
    let named = || [head(), Item::Location("a".into()), Item::Sku("b".into())];
    let read = |items: &[Item]| snapshot::read(&mut &snapshot_of(items)[..]);
    assert!(read(&[named().as_slice(), &[level(0), Item::End]].concat()).is_ok());
    for wrong in [
        [named().as_slice(), &[level(u32::MAX)]].concat(),
        vec![Item::End],
        vec![head(), head()],
        vec![head(), Item::Sku("two words".into())],
        vec![at_the_end, Item::Ended(ReservationNo(0))],
    ] {
        let told = read(&wrong).unwrap_err();
        assert!(
            matches!(told, SnapshotError::Malformed(_)),
            "{wrong:?}: {told}"
        );
    }
}
