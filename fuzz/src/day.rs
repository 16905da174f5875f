//! A day in a shop with every command there is: what seeds are made of, and a state for entries to fit.

use onhand_core::facts::push;
use onhand_core::reservation::{confirm, extend, fulfill, hold, release};
use onhand_core::stock::{adjust, count, observe, receive, sell, set_policy};
use onhand_core::transfer::{Outgoing, TransferLine, announce, arrive, dispatch, hand_over};
use onhand_core::{
    Command, Decision, Entry, FactName, Few, Label, Lines, LocationId, Millionths, OnNotFound,
    Quantity, ReservationNo, Settings, Sku, Span, State, Timestamp, TransferId, TransferNo, Value,
};
use onhand_wire::key;

/// The partition that it happens in.
pub const PARTITION: u16 = 1;

fn location(name: &str) -> LocationId {
    LocationId::new(name).expect("a name")
}

fn sku(name: &str) -> Sku {
    Sku::new(name).expect("a name")
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("a quantity")
}

fn lines<T>(items: Vec<T>) -> Lines<T> {
    Lines::new(Few::from_vec(items)).expect("some lines")
}

/// So many seconds into the day.
pub fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1000)
}

fn received(name: &str, units: u32) -> receive::ReceiveLine {
    receive::ReceiveLine {
        sku: sku(name),
        quantity: quantity(units),
        lot: Some(label("lot-7")),
        expires_on: Some(19_800),
    }
}

fn held(units: u32) -> Command {
    Command::Hold(hold::Hold {
        location: location("shop"),
        lines: lines(vec![hold::HoldLine {
            sku: sku("milk"),
            quantity: quantity(units),
        }]),
        ttl: Span::from_secs(600),
        allow_partial: true,
        reference: Some(label("cart-1")),
    })
}

fn on_stock() -> Vec<Command> {
    vec![
        Command::Configure(Settings {
            count_window: Span::from_secs(3600),
            ..Settings::default()
        }),
        Command::Receive(receive::Receive {
            location: location("shop"),
            lines: lines(vec![received("milk", 300), received("bread", 20)]),
            reference: Some(label("delivery-1")),
            occurred_at: Some(at(0)),
        }),
        Command::Adjust(adjust::Adjust {
            location: location("shop"),
            lines: lines(vec![adjust::AdjustLine {
                sku: sku("bread"),
                direction: adjust::Direction::Down,
                quantity: quantity(2),
                reason: label("damaged"),
                of: adjust::Adjusts::OnHand,
            }]),
            reference: None,
            occurred_at: None,
        }),
        Command::Count(count::Count {
            location: location("shop"),
            as_of: at(2),
            source: label("night-count"),
            complete: true,
            lines: lines(vec![count::CountLine {
                sku: sku("milk"),
                on_hand: 250,
            }]),
        }),
        Command::SetPolicy(set_policy::SetPolicy {
            location: location("shop"),
            lines: lines(vec![set_policy::PolicyLine {
                sku: sku("milk"),
                safety_stock: Some(1),
                oversell_limit: Some(2),
                on_not_found: Some(OnNotFound::Correct),
            }]),
            reason: Some(label("model-3")),
        }),
    ]
}

fn on_reservations() -> Vec<Command> {
    let no = ReservationNo;
    vec![
        held(2),
        held(3),
        held(4),
        held(5),
        Command::Extend(extend::Extend {
            reservation: no(1),
            ttl: Span::from_secs(30),
        }),
        Command::Confirm(confirm::Confirm { reservation: no(0) }),
        Command::Confirm(confirm::Confirm { reservation: no(3) }),
        Command::Release(release::Release { reservation: no(2) }),
        Command::Fulfill(fulfill::Fulfill {
            reservation: no(0),
            lines: lines(vec![fulfill::PickLine {
                sku: sku("milk"),
                picked: 1,
                not_found: 1,
                substitutions: vec![],
            }]),
            occurred_at: None,
        }),
    ]
}

fn on_transfers() -> Vec<Command> {
    let incoming = |no| TransferId {
        source: 0,
        no: TransferNo(no),
    };
    let announced = |no| {
        Command::Announce(announce::Announce {
            transfer: incoming(no),
            outgoing: Outgoing {
                from: location("depot"),
                to: location("shop"),
                settled: TransferNo(0),
                lines: Few::from_vec(vec![TransferLine {
                    sku: sku("rye"),
                    units: 7,
                }]),
            },
        })
    };
    let sent = || {
        Command::Dispatch(dispatch::Dispatch {
            from: location("shop"),
            to: location("depot"),
            lines: lines(vec![dispatch::DispatchLine {
                sku: sku("milk"),
                quantity: quantity(5),
            }]),
            reference: Some(label("truck-9")),
        })
    };
    vec![
        sent(),
        sent(),
        Command::HandOver(hand_over::HandOver {
            transfer: TransferNo(0),
        }),
        announced(4),
        announced(5),
        Command::Arrive(arrive::Arrive {
            transfer: incoming(4),
        }),
    ]
}

fn on_facts() -> Vec<Command> {
    let value = |sku, name, value| push::PushLine {
        sku,
        name: FactName::new(name).expect("a name"),
        at: at(86_400),
        value,
    };
    let discount = Value::Number(Millionths::new(250_000).expect("a number within bounds"));
    let looked = |found, second| observe::ObserveLine {
        sku: sku("oats"),
        at: at(second),
        found,
    };
    vec![
        Command::Sell(sell::Sell {
            location: location("shop"),
            lines: lines(vec![sell::SellLine {
                sku: sku("bread"),
                quantity: quantity(30),
            }]),
            reference: Some(label("till-3")),
            sold_at: Some(at(3)),
        }),
        Command::Observe(observe::Observe {
            location: location("shop"),
            source: label("camera-4"),
            lines: lines(vec![looked(false, 2), looked(true, 1)]),
        }),
        Command::Push(push::Push {
            location: location("shop"),
            source: label("office"),
            values: lines(vec![
                value(Some(sku("milk")), "discount", discount),
                value(None, "city", Value::Text(label("Dublin"))),
            ]),
        }),
    ]
}

/// The day's entries, the last an expiry, and the state after them: one reservation confirmed, a transfer each way.
pub fn day() -> (Vec<Entry>, State) {
    let (mut state, mut entries) = (State::new(PARTITION), Vec::new());
    let commands = [on_stock(), on_reservations(), on_transfers(), on_facts()].concat();
    for (second, command) in (1..).zip(commands) {
        let key = key::key("tenant", &format!("key-{second}"), &command);
        let Decision::Record(entry) = state.decide(at(second), Some(key), &command) else {
            panic!("refused: {command:?}");
        };
        state.apply(&entry).expect("what was decided fits");
        entries.push(*entry);
    }
    let expired = state.expire(at(100)).expect("one is due");
    state.apply(&expired).expect("what was decided fits");
    entries.push(expired);
    (entries, state)
}
