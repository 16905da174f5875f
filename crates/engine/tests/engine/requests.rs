//! Commands in short. Also part of the tests inside the crate, so it names nothing of the engine.

use onhand_core::reservation::{confirm::Confirm, hold, release::Release};
use onhand_core::stock::{receive, set_policy};
use onhand_core::transfer::{arrive::Arrive, dispatch};
use onhand_core::{
    Command, Key, Lines, LocationId, Quantity, ReservationNo, Sku, Span, TransferId,
};

pub(crate) fn location(name: &str) -> LocationId {
    LocationId::new(name).unwrap()
}

pub(crate) fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

pub(crate) fn key(text: &str, command: &Command) -> Option<Key> {
    Some(onhand_wire::key::key("test", text, command))
}

fn lines<T>(lines: Vec<T>) -> Lines<T> {
    Lines::new(lines).unwrap()
}

pub(crate) fn receive(at: &str, what: &str, units: u32) -> Command {
    Command::Receive(receive::Receive {
        location: location(at),
        lines: lines(vec![receive::ReceiveLine {
            sku: sku(what),
            quantity: Quantity::new(units).unwrap(),
            lot: None,
            expires_on: None,
        }]),
        reference: None,
        occurred_at: None,
    })
}

pub(crate) fn hold(at: &str, what: &str, units: u32, millis: u64) -> Command {
    Command::Hold(hold::Hold {
        location: location(at),
        lines: lines(vec![hold::HoldLine {
            sku: sku(what),
            quantity: Quantity::new(units).unwrap(),
        }]),
        ttl: Span::from_millis(millis),
        allow_partial: false,
        reference: None,
    })
}

pub(crate) fn confirm(no: u64) -> Command {
    let reservation = ReservationNo(no);
    Command::Confirm(Confirm { reservation })
}

pub(crate) fn release(no: u64) -> Command {
    let reservation = ReservationNo(no);
    Command::Release(Release { reservation })
}

pub(crate) fn keep_back(at: &str, what: &str, safety_stock: u32) -> Command {
    Command::SetPolicy(set_policy::SetPolicy {
        location: location(at),
        lines: lines(vec![set_policy::PolicyLine {
            sku: sku(what),
            safety_stock: Some(safety_stock),
            oversell_limit: None,
            on_not_found: None,
        }]),
        reason: None,
    })
}

pub(crate) fn dispatch(from: &str, to: &str, what: &str, units: u32) -> Command {
    Command::Dispatch(dispatch::Dispatch {
        from: location(from),
        to: location(to),
        lines: lines(vec![dispatch::DispatchLine {
            sku: sku(what),
            quantity: Quantity::new(units).unwrap(),
        }]),
        reference: None,
    })
}

pub(crate) fn arrive(transfer: TransferId) -> Command {
    Command::Arrive(Arrive { transfer })
}
