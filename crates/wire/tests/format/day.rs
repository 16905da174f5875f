//! What the fixtures hold: days in a shop, with every command a client can give and what the engine asks itself.

use onhand_core::facts::push;
use onhand_core::reservation::{confirm, extend, fulfill, hold, release};
use onhand_core::stock::{adjust, count, observe, receive, sell, set_policy};
use onhand_core::transfer::{Outgoing, TransferLine, announce, arrive, dispatch, hand_over};
use onhand_core::{
    Command, Decision, Entry, FactName, Few, Label, Lines, LocationId, Millionths, OnNotFound,
    Quantity, ReservationNo, Settings, Sku, Span, State, Timestamp, TransferId, TransferNo, Value,
};
use onhand_wire::key;

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
pub(crate) fn commands() -> Vec<(u64, Command)> {
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
pub(crate) fn facts() -> Vec<(u64, Command)> {
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

/// What moves between locations, and what the engine asks itself about it: of two transfers out one is handed over, of
/// two on the way in one arrives.
pub(crate) fn transfers() -> Vec<(u64, Command)> {
    let received = Command::Receive(receive::Receive {
        location: location("dublin-1"),
        lines: lines(vec![receive::ReceiveLine {
            sku: sku("milk"),
            quantity: quantity(40),
            lot: None,
            expires_on: None,
        }]),
        reference: None,
        occurred_at: None,
    });
    let sent = |units| {
        Command::Dispatch(dispatch::Dispatch {
            from: location("dublin-1"),
            to: location("cork-1"),
            lines: lines(vec![dispatch::DispatchLine {
                sku: sku("milk"),
                quantity: quantity(units),
            }]),
            reference: label("truck-9"),
        })
    };
    let incoming = |no| TransferId {
        source: 5,
        no: TransferNo(no),
    };
    let announced = |no| {
        Command::Announce(announce::Announce {
            transfer: incoming(no),
            outgoing: Outgoing {
                from: location("depot"),
                to: location("dublin-1"),
                settled: TransferNo(17),
                lines: Few::from_vec(vec![TransferLine {
                    sku: sku("rye"),
                    units: 7,
                }]),
            },
        })
    };
    let handed_over = Command::HandOver(hand_over::HandOver {
        transfer: TransferNo(0),
    });
    let arrived = Command::Arrive(arrive::Arrive {
        transfer: incoming(17),
    });
    vec![
        (0, received),
        (1, sent(5)),
        (2, sent(6)),
        (3, handed_over),
        (4, announced(17)),
        (5, announced(18)),
        (6, arrived),
    ]
}

/// The day's entries, the last an expiry, and the state after them.
pub(crate) fn day() -> (Vec<Entry>, State) {
    let (mut entries, mut state) = recorded(commands());
    let expired = state.expire(at(100)).unwrap();
    state.apply(&expired).unwrap();
    entries.push(expired);
    (entries, state)
}

pub(crate) fn recorded(commands: Vec<(u64, Command)>) -> (Vec<Entry>, State) {
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
