//! From entries, answers and the state to the lines of a script.

use crate::ledger::Ledger;
use crate::parse::{DAY, MIDNIGHT};
use onhand_core::facts::push::{FactValue, Pushed};
use onhand_core::level::OnNotFound;
use onhand_core::numbers::ReservationNo;
use onhand_core::refusal::Refusal;
use onhand_core::stock::{count::Counted, observe::Observed};
use onhand_core::{
    Bucket, Decision, Entry, Event, LevelNo, LocationId, Policy, Shortage, Sku, State, Timestamp,
    Value,
};

/// The entries, a line each; the time is said where it is not the clock's.
pub(crate) fn entries(state: &State, entries: &[Entry], clock: Timestamp) -> String {
    let line = |entry: &Entry| {
        let at = match entry.stamp.at == clock {
            true => String::new(),
            false => format!(" (at {})", time(entry.stamp.at)),
        };
        let what = event(state, &entry.event);
        format!(
            "{}{at} {what}{}\n",
            entry.stamp.seq,
            movements(state, entry)
        )
    };
    entries.iter().map(line).collect()
}

fn movements(state: &State, entry: &Entry) -> String {
    let mut moved = Vec::new();
    entry.event.movements(&mut |one| {
        if one.units > 0 {
            let name = name(state, one.level);
            let (from, to) = (bucket(one.from), bucket(one.to));
            moved.push(format!("{name} {from}→{to} {}", one.units));
        }
    });
    match moved.is_empty() {
        true => String::new(),
        false => format!(": {}", moved.join("; ")),
    }
}

fn bucket(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Outside => "outside",
        Bucket::Free => "free",
        Bucket::Reserved => "reserved",
        Bucket::Allocated => "allocated",
        Bucket::Unavailable => "unavailable",
        Bucket::InTransit => "in_transit",
    }
}

fn event(state: &State, event: &Event) -> String {
    let kind = event.name().replace('_', " ");
    match event {
        Event::Held(held) => format!(
            "{kind} r{} until {}",
            held.reservation,
            time(held.expires_at)
        ),
        Event::Confirmed(one) => format!("{kind} r{}", one.reservation),
        Event::Extended(one) => {
            format!("{kind} r{} until {}", one.reservation, time(one.expires_at))
        }
        Event::Released(one) => format!("{kind} r{}", one.reservation),
        Event::Expired(one) => format!("{kind} r{} due {}", one.reservation, time(one.expired_at)),
        Event::Fulfilled(one) => {
            let left = if one.is_complete { "" } else { " in part" };
            format!("{kind} r{}{left}", one.reservation)
        }
        Event::Counted(counted) => format!("{kind}{}", count(state, counted)),
        Event::PolicySet(set) => {
            let lines = set.lines.iter();
            let line =
                |(no, after): (LevelNo, Policy)| format!(" {}{}", name(state, no), policy(after));
            let lines = lines.map(|one| line((one.level, one.after)));
            format!("{kind}{}", lines.collect::<Vec<_>>().join(","))
        }
        Event::Dispatched(one) => format!("{kind} t{}/{}", one.transfer.source, one.transfer.no),
        Event::Announced(one) => format!("{kind} t{}/{}", one.transfer.source, one.transfer.no),
        Event::Arrived(one) => format!("{kind} t{}/{}", one.transfer.source, one.transfer.no),
        Event::Sold(one) => format!("{kind} at {}", time(one.sold_at)),
        Event::Observed(observed) => format!("{kind}{}", looks(state, observed)),
        Event::Pushed(pushed) => format!("{kind}{}", facts(state, pushed)),
        Event::HandedOver(one) => format!("{kind} t{}/{}", Ledger::PARTITION, one.transfer),
        _ => kind,
    }
}

fn count(state: &State, counted: &Counted) -> String {
    let line = |one: &onhand_core::stock::count::CountedLine| {
        let name = name(state, one.level);
        let note = if one.superseded { " (superseded)" } else { "" };
        format!(" {name} {} since {:+}{note}", one.counted, one.since)
    };
    counted.lines.iter().map(line).collect::<Vec<_>>().join(",")
}

fn looks(state: &State, observed: &Observed) -> String {
    let mut text = format!(" by {}", observed.source);
    for look in &observed.looks {
        text += &format!("; at {}:", time(look.at));
        for seen in &look.seen {
            let found = if seen.found { "found" } else { "missing" };
            text += &format!(" {} {found}", name(state, seen.level));
        }
    }
    text
}

fn facts(state: &State, pushed: &Pushed) -> String {
    let location = state.location_of(pushed.location);
    let fact = |one: &FactValue| {
        let of = one.level.map(|no| name(state, no));
        let of = of.unwrap_or_else(|| location.to_string());
        match &one.value {
            Value::Number(number) => format!(" {of} {} millionths", number.get()),
            Value::Text(text) => format!(" {of} {text}"),
        }
    };
    let mut text = format!(" by {}", pushed.source);
    for one in &pushed.facts {
        text += &format!("; {} from {}:", one.name, time(one.at));
        text.extend(one.values.iter().map(fact));
    }
    text
}

fn policy(policy: Policy) -> String {
    let not_found = match policy.on_not_found {
        OnNotFound::Label => "label",
        OnNotFound::Correct => "correct",
    };
    format!(
        " safety {} oversell {} not-found {not_found}",
        policy.safety_stock, policy.oversell_limit
    )
}

/// What came of a command that recorded nothing.
pub(crate) fn answer(decision: &Decision) -> String {
    match decision {
        Decision::Record(_) => String::new(),
        Decision::Repeat(seq) => format!("the same answer as {seq}\n"),
        Decision::Nothing => "nothing to do\n".to_owned(),
        Decision::Refuse(why) => format!("refused: {}\n", refusal(why)),
    }
}

fn refusal(why: &Refusal) -> String {
    match why {
        Refusal::KeyReused => "the key was used for another request".to_owned(),
        Refusal::UnknownLocation(location) => format!("unknown location {location}"),
        Refusal::UnknownSku { line, sku } => format!("unknown SKU {sku} in line {line}"),
        Refusal::UnknownReservation => "unknown reservation".to_owned(),
        Refusal::UnknownTransfer => "unknown transfer".to_owned(),
        Refusal::WrongState { state, needs } => {
            format!("it is {}, not {needs}", state.name())
        }
        Refusal::AlreadyReceived => "it arrived already".to_owned(),
        Refusal::SameLocation => "from a location to itself".to_owned(),
        Refusal::InsufficientStock(lines) => {
            let lines: Vec<_> = lines.iter().map(shortage).collect();
            format!("insufficient stock: {}", lines.join(", "))
        }
        Refusal::BelowZero { line, sku, on_hand } => {
            format!("below zero: {sku} in line {line}, {on_hand} on hand")
        }
        Refusal::TooMuch { line, sku } => format!("too much: {sku} in line {line}"),
        Refusal::MoreThanPromised {
            line,
            sku,
            outstanding,
        } => {
            format!("more than promised: {sku} in line {line}, {outstanding} still promised")
        }
        Refusal::NotInReservation { line, sku } => {
            format!("not in the reservation: {sku} in line {line}")
        }
        Refusal::SkuTwice { line, sku } => format!("twice: {sku}, again in line {line}"),
        Refusal::InFuture { line, now } => {
            let line = line.map(|line| format!(" in line {line}"));
            format!(
                "in the future{}: it is {}",
                line.unwrap_or_default(),
                time(*now)
            )
        }
        Refusal::TooOld { oldest } => format!("too old: before {}", time(*oldest)),
        Refusal::Full(what) => format!("full: {what}"),
    }
}

fn shortage(line: &Shortage) -> String {
    format!(
        "{} asked {}, available {}",
        line.sku, line.requested, line.available
    )
}

pub(crate) fn show(ledger: &Ledger, what: &str) -> String {
    let state = &ledger.state;
    let no = what.strip_prefix('r').and_then(|no| no.parse().ok());
    match (no, what.split_once('/')) {
        (Some(no), _) => reservation(state, ReservationNo(no)),
        (None, Some((location, sku))) => level(state, location, sku),
        (None, None) if what == "keys" => format!("{} keys\n", state.keys()),
        (None, None) if what == "transfers" => transfers(state),
        (None, None) => panic!("{what:?} cannot be shown"),
    }
}

fn level(state: &State, location: &str, sku: &str) -> String {
    let location = LocationId::new(location).expect("a name");
    let sku = Sku::new(sku).expect("a name");
    let Some((_, level)) = state.directory().find(&location, &sku) else {
        return "never stocked\n".to_owned();
    };
    format!(
        "on_hand {} reserved {} allocated {} unavailable {} in_transit {} safety {} available {}\n",
        level.on_hand(),
        level.reserved(),
        level.allocated(),
        level.unavailable(),
        level.in_transit(),
        level.policy().safety_stock,
        level.available(),
    )
}

fn reservation(state: &State, no: ReservationNo) -> String {
    let Some(one) = state.reservations().get(no) else {
        return "forgotten, or never made\n".to_owned();
    };
    let lines = one.lines.iter().map(|line| {
        format!(
            " {} requested {} reserved {} outstanding {} picked {} not_found {}",
            state.sku_of(line.level),
            line.requested,
            line.reserved,
            line.outstanding,
            line.picked,
            line.not_found
        )
    });
    let lines: Vec<_> = lines.collect();
    format!("{}:{}\n", one.state.name(), lines.join(";"))
}

fn transfers(state: &State) -> String {
    let outbox = state.transfers().outbox();
    let waiting: Vec<_> = outbox
        .map(|(no, _)| format!("t{}/{no}", Ledger::PARTITION))
        .collect();
    let incoming = state.transfers().all_incoming().map(|(id, one)| {
        let where_it_is = match one.arrived_at {
            Some(_) => "arrived",
            None => "on its way",
        };
        format!("t{}/{} {where_it_is}", id.source, id.no)
    });
    let incoming: Vec<_> = incoming.collect();
    format!(
        "outbox [{}] incoming [{}]\n",
        waiting.join(", "),
        incoming.join(", ")
    )
}

fn name(state: &State, no: LevelNo) -> String {
    let directory = state.directory();
    let (location, sku) = directory.names(no).expect("it was opened");
    format!(
        "{}/{}",
        directory.location_name(location),
        directory.sku_name(sku)
    )
}

fn time(at: Timestamp) -> String {
    let millis = at.millis().saturating_sub(MIDNIGHT);
    let (day, millis) = (millis / DAY + 1, millis % DAY);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let day = if day == 1 {
        String::new()
    } else {
        format!("day{day} ")
    };
    let millis = if millis == 0 {
        String::new()
    } else {
        format!(".{millis:03}")
    };
    format!("{day}{hour:02}:{minute:02}:{second:02}{millis}")
}
