//! Between the plain words of the twin and the types of the core.

use crate::twin::ask::{Ask, ITEMS, Line, Millis, Pick, Rule, SHOPS};
use crate::twin::{Promise, Twin, shortage};
use onhand_core::level::OnNotFound;
use onhand_core::numbers::ReservationNo;
use onhand_core::reservation::{
    confirm::Confirm,
    extend::Extend,
    fulfill::{Fulfill, PickLine, Substitution},
    hold::{Hold, HoldLine},
    release::Release,
};
use onhand_core::stock::{
    adjust::{Adjust, AdjustLine, Adjusts, Direction},
    count::{Count, CountLine},
    receive::{Receive, ReceiveLine},
    set_policy::{PolicyLine, SetPolicy},
};
use onhand_core::transfer::{
    Outgoing, TransferId, TransferLine,
    announce::Announce,
    arrive::Arrive,
    dispatch::{Dispatch, DispatchLine},
    hand_over::HandOver,
};
use onhand_core::{
    Command, Decision, Entry, Event, Label, Lines, LocationId, Quantity, Refusal, Settings, Sku,
    Span, State, Timestamp, TransferNo,
};

pub(crate) fn moment(at: Millis) -> Timestamp {
    Timestamp::from_millis(1_772_409_600_000 + at as u64)
}

pub(crate) fn location(shop: usize) -> LocationId {
    LocationId::new(SHOPS[shop]).expect("a name")
}

pub(crate) fn sku(item: usize) -> Sku {
    Sku::new(ITEMS[item]).expect("a name")
}

fn quantity(units: i64) -> Quantity {
    Quantity::new(units as u32).expect("a quantity")
}

fn lines<T, L>(from: &[T], line: impl Fn(&T) -> L) -> Lines<L> {
    let lines: Vec<L> = from.iter().map(line).collect();
    Lines::new(lines).expect("at least one line")
}

fn transfer(no: usize) -> TransferId {
    TransferId {
        source: crate::ledger::Ledger::PARTITION,
        no: TransferNo(no as u64),
    }
}

pub(crate) fn command(ask: &Ask, twin: &Twin, settings: &Settings) -> Command {
    let number = |no: &usize| ReservationNo(*no as u64);
    match ask {
        Ask::Settings { open, levels } => Command::Configure(Settings {
            most_open_reservations: *open as u64,
            most_levels: *levels as u64,
            ..*settings
        }),
        Ask::Receive {
            shop,
            lines,
            happened,
        } => receive(*shop, lines, *happened),
        Ask::Adjust {
            shop,
            lines: all,
            happened,
        } => Command::Adjust(Adjust {
            location: location(*shop),
            lines: lines(all, adjust_line),
            reference: None,
            occurred_at: happened.map(moment),
        }),
        Ask::Count {
            shop,
            as_of,
            complete,
            lines: all,
        } => Command::Count(Count {
            location: location(*shop),
            as_of: moment(*as_of),
            source: Label::new("ann").expect("a word"),
            complete: *complete,
            lines: lines(all, |line| CountLine {
                sku: sku(line.0),
                on_hand: line.1 as u32,
            }),
        }),
        Ask::Policy { shop, rules } => Command::SetPolicy(SetPolicy {
            location: location(*shop),
            lines: lines(rules, policy_line),
            reason: None,
        }),
        Ask::Hold {
            shop,
            lines: all,
            ttl,
            partial,
        } => Command::Hold(Hold {
            location: location(*shop),
            lines: lines(all, |line| HoldLine {
                sku: sku(line.0),
                quantity: quantity(line.1),
            }),
            ttl: Span::from_secs(*ttl as u64),
            allow_partial: *partial,
            reference: None,
        }),
        Ask::Confirm(no) => Command::Confirm(Confirm {
            reservation: number(no),
        }),
        Ask::Extend(no, ttl) => Command::Extend(Extend {
            reservation: number(no),
            ttl: Span::from_secs(*ttl as u64),
        }),
        Ask::Release(no) => Command::Release(Release {
            reservation: number(no),
        }),
        Ask::Fulfill {
            no,
            picks,
            happened,
        } => Command::Fulfill(Fulfill {
            reservation: number(no),
            lines: lines(picks, pick_line),
            occurred_at: happened.map(moment),
        }),
        Ask::Dispatch {
            from,
            to,
            lines: all,
        } => Command::Dispatch(Dispatch {
            from: location(*from),
            to: location(*to),
            lines: lines(all, |line| DispatchLine {
                sku: sku(line.0),
                quantity: quantity(line.1),
            }),
            reference: None,
        }),
        Ask::Announce(no) => announce(*no, twin),
        Ask::HandOver(no) => Command::HandOver(HandOver {
            transfer: TransferNo(*no as u64),
        }),
        Ask::Arrive(no) => Command::Arrive(Arrive {
            transfer: transfer(*no),
        }),
    }
}

fn receive(shop: usize, all: &[Line], happened: Option<Millis>) -> Command {
    Command::Receive(Receive {
        location: location(shop),
        lines: lines(all, |line| ReceiveLine {
            sku: sku(line.0),
            quantity: quantity(line.1),
            lot: None,
            expires_on: None,
        }),
        reference: None,
        occurred_at: happened.map(moment),
    })
}

fn adjust_line((item, by, unavailable): &(usize, i64, bool)) -> AdjustLine {
    AdjustLine {
        sku: sku(*item),
        direction: if *by > 0 {
            Direction::Up
        } else {
            Direction::Down
        },
        quantity: quantity(by.abs()),
        reason: Label::new("why").expect("a word"),
        of: if *unavailable {
            Adjusts::Unavailable
        } else {
            Adjusts::OnHand
        },
    }
}

fn policy_line(rule: &Rule) -> PolicyLine {
    let on_not_found = |correct| match correct {
        true => OnNotFound::Correct,
        false => OnNotFound::Label,
    };
    PolicyLine {
        sku: sku(rule.item),
        safety_stock: rule.safety.map(|units| units as u32),
        oversell_limit: rule.oversell.map(|units| units as u32),
        on_not_found: rule.correct.map(on_not_found),
    }
}

fn pick_line(pick: &Pick) -> PickLine {
    let substitution = |line: &Line| Substitution {
        sku: sku(line.0),
        quantity: quantity(line.1),
    };
    PickLine {
        sku: sku(pick.item),
        picked: pick.picked as u32,
        not_found: pick.missing as u32,
        substitutions: pick.instead.iter().map(substitution).collect(),
    }
}

fn announce(no: usize, twin: &Twin) -> Command {
    let parcel = &twin.parcels[no];
    let line = |line: &Line| TransferLine {
        sku: sku(line.0),
        units: line.1 as u32,
    };
    Command::Announce(Announce {
        transfer: transfer(no),
        outgoing: Outgoing {
            settled: TransferNo(u64::MAX),
            from: location(parcel.from),
            to: location(parcel.to),
            lines: parcel.lines.iter().map(line).collect(),
        },
    })
}

/// The number of the reservation that an entry expired.
pub(crate) fn expired(entry: &Entry) -> usize {
    match &entry.event {
        Event::Expired(expired) => expired.reservation.0 as usize,
        event => panic!("{} is no expiry", event.name()),
    }
}

/// The outcome in the twin's words.
pub(crate) fn outcome(decision: &Decision) -> String {
    match decision {
        Decision::Record(entry) => entry.event.name().to_owned(),
        Decision::Repeat(_) => "repeated".to_owned(),
        Decision::Nothing => "nothing".to_owned(),
        Decision::Refuse(refusal) => refused(refusal),
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::KeyReused => "key reused".to_owned(),
        Refusal::UnknownLocation(location) => format!("unknown location {location}"),
        Refusal::UnknownSku { line, sku } => format!("unknown SKU {sku} {line}"),
        Refusal::UnknownReservation => "unknown reservation".to_owned(),
        Refusal::UnknownTransfer => "unknown transfer".to_owned(),
        Refusal::WrongState { state, .. } => format!("wrong state {}", state.name()),
        Refusal::AlreadyReceived => "already received".to_owned(),
        Refusal::SameLocation => "same location".to_owned(),
        Refusal::InsufficientStock(lines) => {
            let item = |sku: &Sku| ITEMS.iter().position(|item| *item == sku.as_str());
            let line = |line: &onhand_core::Shortage| {
                let item = item(&line.sku).expect("the twin knows all items");
                shortage(item, line.requested.into(), line.available.into())
            };
            let lines: Vec<_> = lines.iter().map(line).collect();
            format!("insufficient {}", lines.join(" "))
        }
        Refusal::BelowZero { line, sku, on_hand } => format!("below zero {sku} {line} {on_hand}"),
        Refusal::TooMuch { line, sku } => format!("too much {sku} {line}"),
        Refusal::MoreThanPromised {
            line,
            sku,
            outstanding,
        } => format!("more than promised {sku} {line} {outstanding}"),
        Refusal::NotInReservation { line, sku } => format!("not in reservation {sku} {line}"),
        Refusal::SkuTwice { line, sku } => format!("twice {sku} {line}"),
        Refusal::InFuture { .. } => "in future".to_owned(),
        Refusal::TooOld { .. } => "too old".to_owned(),
        Refusal::Full(_) => "full".to_owned(),
    }
}

/// Every reservation of the core, in the twin's words.
pub(crate) fn reservations(state: &State) -> Vec<String> {
    let one = |(_, one): (ReservationNo, &onhand_core::reservation::Reservation)| {
        let lines = one.lines.iter().map(|line| {
            let (asked, got, left) = (line.requested, line.reserved, line.outstanding);
            let (picked, missing) = (line.picked, line.not_found);
            format!(
                " {} {asked} {got} {left} {picked} {missing}",
                state.sku_of(line.level)
            )
        });
        let expires = one.expires_at.millis() - moment(0).millis();
        format!(
            "{} {expires}{}",
            one.state.name(),
            lines.collect::<String>()
        )
    };
    state.reservations().iter().map(one).collect()
}

pub(crate) fn promise(one: &Promise) -> String {
    let lines = one.lines.iter().map(|line| {
        let (asked, got, left) = (line.asked, line.got, line.left);
        let (picked, missing) = (line.picked, line.missing);
        format!(
            " {} {asked} {got} {left} {picked} {missing}",
            ITEMS[line.item]
        )
    });
    format!("{} {}{}", one.state, one.expires, lines.collect::<String>())
}

/// The same request with quantities around the bounds.
pub(crate) fn grown(ask: &Ask, size: usize) -> Ask {
    let most = i64::from(Quantity::MAX);
    let grow = |units: &mut i64| match size {
        0 => {}
        1 => *units = most,
        2 => *units = most - *units,
        _ => *units += most / 2,
    };
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Receive { lines, .. }
        | Ask::Count { lines, .. }
        | Ask::Hold { lines, .. }
        | Ask::Dispatch { lines, .. } => lines.iter_mut().for_each(|line| grow(&mut line.1)),
        Ask::Adjust { lines, .. } => lines.iter_mut().for_each(|line| {
            let mut units = line.1.abs();
            grow(&mut units);
            line.1 = units * line.1.signum();
        }),
        Ask::Policy { rules, .. } => rules.iter_mut().for_each(|rule| {
            let numbers = rule.safety.iter_mut().chain(rule.oversell.iter_mut());
            numbers.for_each(|units| match size {
                3 => *units = u32::MAX.into(),
                _ => grow(units),
            });
        }),
        Ask::Fulfill { picks, .. } => picks.iter_mut().for_each(|pick| {
            pick.instead.iter_mut().for_each(|line| grow(&mut line.1));
        }),
        _ => {}
    }
    ask
}
