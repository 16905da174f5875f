//! Between the plain words of the twin and the types of the core: the one place where both meet.

mod entries;
mod labels;
mod remarks;

pub use entries::Interpreter;

use crate::ask::{
    AdjustLine, Ask, Batch, Labels, Line, Look, Millis, Parcel, Pick, Rule, Rules, TransferName,
    Value, fact_name, item_name, item_of, shop_name, shop_of,
};
use crate::twin::{Promise, PromiseLine};
use onhand_core::facts::push::{Push, PushLine};
use onhand_core::level::OnNotFound;
use onhand_core::reservation::{
    Reservation, ReservationLine,
    confirm::Confirm,
    extend::Extend,
    fulfill::{Fulfill, PickLine, Substitution},
    hold::{Hold, HoldLine},
    release::Release,
};
use onhand_core::stock::{
    adjust::{Adjust, Adjusts, Direction},
    count::{Count, CountLine},
    observe::{Observe, ObserveLine},
    receive::{Receive, ReceiveLine},
    sell::{Sell, SellLine},
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
    Command, FactName, Label, Lines, LocationId, Millionths, Quantity, Refusal, ReservationNo,
    Settings, Sku, Span, Timestamp, TransferNo, stock,
};

/// 2026-03-02T00:00:00Z, in milliseconds since 1970.
const MIDNIGHT: u64 = 1_772_409_600_000;

/// A moment as the core has it; nothing is before 1970.
pub fn moment(at: Millis) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT.saturating_add_signed(at))
}

/// A moment as the twin has it.
pub fn millis(at: Timestamp) -> Millis {
    at.millis() as i64 - MIDNIGHT as i64
}

/// The location of a shop.
pub fn location(shop: usize) -> LocationId {
    LocationId::new(&shop_name(shop)).expect("a word and a number make a name")
}

/// The SKU of an item.
pub fn sku(item: usize) -> Sku {
    Sku::new(&item_name(item)).expect("a word and a number make a name")
}

/// The name of a transfer in the core.
pub fn transfer_id(name: TransferName) -> TransferId {
    TransferId {
        source: name.source,
        no: TransferNo(name.no),
    }
}

/// The name of a transfer in the twin.
pub fn transfer_name(id: TransferId) -> TransferName {
    TransferName {
        source: id.source,
        no: id.no.0,
    }
}

/// The settings that the rules stand for; `None` if one is below zero.
pub fn settings(rules: &Rules) -> Option<Settings> {
    Some(Settings {
        key_retention: span(rules.key_retention)?,
        ended_retention: span(rules.ended_retention)?,
        count_window: span(rules.count_window)?,
        most_open_reservations: rules.most_open,
        most_levels: rules.most_levels,
    })
}

/// The rules that the settings stand for.
pub fn rules(settings: &Settings) -> Rules {
    let millis = |span: Span| i64::try_from(span.millis()).unwrap_or(Millis::MAX);
    Rules {
        key_retention: millis(settings.key_retention),
        ended_retention: millis(settings.ended_retention),
        count_window: millis(settings.count_window),
        most_open: settings.most_open_reservations,
        most_levels: settings.most_levels,
    }
}

/// The command that a request stands for.
///
/// `None` if the core has no words for it: no lines or too many, a quantity of less than one or past a billion, a
/// number past 32 bits, a value past a billion, a time to live below zero.
pub fn command(ask: &Ask) -> Option<Command> {
    labelled(ask, &ask.labels())
}

/// The command of a line in a script, which has no labels but those that its parser gives it; `None` as above.
pub fn scripted(ask: &Ask) -> Option<Command> {
    labelled(ask, &ask.labels_in_a_script())
}

fn labelled(ask: &Ask, labels: &Labels) -> Option<Command> {
    let (reference, by) = (
        label(labels.reference.as_deref())?,
        label(labels.by.as_deref())?,
    );
    let reservation = |no: &u64| ReservationNo(*no);
    Some(match ask {
        Ask::Settings(rules) => Command::Configure(settings(rules)?),
        Ask::Receive {
            shop,
            lines,
            happened,
        } => receive(*shop, lines, *happened, labels)?,
        Ask::Adjust {
            shop,
            lines: all,
            happened,
        } => Command::Adjust(Adjust {
            location: location(*shop),
            lines: lines(all, |line| adjust_line(line, by.as_ref()?))?,
            reference,
            occurred_at: happened.map(moment),
        }),
        Ask::Count {
            shop,
            as_of,
            complete,
            lines,
        } => count(*shop, *as_of, *complete, lines, by?)?,
        Ask::Sell {
            shop,
            lines,
            happened,
        } => sell(*shop, lines, *happened, reference)?,
        Ask::Observe { shop, looks } => Command::Observe(Observe {
            location: location(*shop),
            source: by?,
            lines: lines(looks, look)?,
        }),
        Ask::Push { shop, values } => Command::Push(Push {
            location: location(*shop),
            source: by?,
            values: lines(values, value)?,
        }),
        Ask::Policy { shop, rules } => Command::SetPolicy(SetPolicy {
            location: location(*shop),
            lines: lines(rules, policy_line)?,
            reason: by,
        }),
        Ask::Hold {
            shop,
            lines,
            ttl,
            partial,
        } => hold(*shop, lines, *ttl, *partial, reference)?,
        Ask::Confirm(no) => Command::Confirm(Confirm {
            reservation: reservation(no),
        }),
        Ask::Extend(no, ttl) => Command::Extend(Extend {
            reservation: reservation(no),
            ttl: span(*ttl)?,
        }),
        Ask::Release(no) => Command::Release(Release {
            reservation: reservation(no),
        }),
        Ask::Fulfill {
            no,
            picks,
            happened,
        } => Command::Fulfill(Fulfill {
            reservation: reservation(no),
            lines: lines(picks, pick_line)?,
            occurred_at: happened.map(moment),
        }),
        Ask::Dispatch { from, to, lines } => dispatch(*from, *to, lines, reference)?,
        Ask::Announce(parcel) => Command::Announce(Announce {
            transfer: transfer_id(parcel.name),
            outgoing: outgoing(parcel)?,
        }),
        Ask::HandOver(name) => Command::HandOver(HandOver {
            transfer: TransferNo(name.no),
        }),
        Ask::Arrive(name) => Command::Arrive(Arrive {
            transfer: transfer_id(*name),
        }),
    })
}

fn lines<T, L>(from: &[T], line: impl Fn(&T) -> Option<L>) -> Option<Lines<L>> {
    let lines: Vec<L> = from.iter().map(line).collect::<Option<_>>()?;
    Lines::new(lines).ok()
}

fn span(millis: Millis) -> Option<Span> {
    Some(Span::from_millis(millis.try_into().ok()?))
}

fn number(units: i64) -> Option<u32> {
    units.try_into().ok()
}

fn quantity(units: i64) -> Option<Quantity> {
    Quantity::new(number(units)?)
}

fn label(text: Option<&str>) -> Option<Option<Label>> {
    text.map_or(Some(None), |text| Label::new(text).ok().map(Some))
}

fn receive(
    shop: usize,
    all: &[Line],
    happened: Option<Millis>,
    labels: &Labels,
) -> Option<Command> {
    let line = |((item, units), batch): &(Line, &Batch)| {
        let (sku, quantity) = (sku(*item), quantity(*units)?);
        Some(ReceiveLine {
            sku,
            quantity,
            lot: label(batch.lot.as_deref())?,
            expires_on: batch.expires_on,
        })
    };
    let all: Vec<_> = all.iter().copied().zip(&labels.lines).collect();
    Some(Command::Receive(Receive {
        location: location(shop),
        lines: lines(&all, line)?,
        reference: label(labels.reference.as_deref())?,
        occurred_at: happened.map(moment),
    }))
}

fn adjust_line(line: &AdjustLine, reason: &Label) -> Option<stock::adjust::AdjustLine> {
    Some(stock::adjust::AdjustLine {
        sku: sku(line.item),
        direction: if line.by > 0 {
            Direction::Up
        } else {
            Direction::Down
        },
        quantity: quantity(line.by.checked_abs()?)?,
        reason: reason.clone(),
        of: if line.unavailable {
            Adjusts::Unavailable
        } else {
            Adjusts::OnHand
        },
    })
}

fn count(
    shop: usize,
    as_of: Millis,
    complete: bool,
    all: &[Line],
    source: Label,
) -> Option<Command> {
    let line = |(item, units): &Line| {
        Some(CountLine {
            sku: sku(*item),
            on_hand: number(*units)?,
        })
    };
    Some(Command::Count(Count {
        location: location(shop),
        as_of: moment(as_of),
        source,
        complete,
        lines: lines(all, line)?,
    }))
}

fn sell(
    shop: usize,
    all: &[Line],
    happened: Option<Millis>,
    reference: Option<Label>,
) -> Option<Command> {
    let line = |(item, units): &Line| {
        Some(SellLine {
            sku: sku(*item),
            quantity: quantity(*units)?,
        })
    };
    Some(Command::Sell(Sell {
        location: location(shop),
        lines: lines(all, line)?,
        reference,
        sold_at: happened.map(moment),
    }))
}

fn look(look: &Look) -> Option<ObserveLine> {
    Some(ObserveLine {
        sku: sku(look.item),
        at: moment(look.at),
        found: look.found,
    })
}

fn value(value: &Value) -> Option<PushLine> {
    Some(PushLine {
        sku: value.item.map(sku),
        name: FactName::new(&fact_name(value.fact)).ok()?,
        at: moment(value.at),
        value: match value.is_text() {
            true => onhand_core::Value::Text(Label::new(&value.millionths.to_string()).ok()?),
            false => onhand_core::Value::Number(Millionths::new(value.millionths)?),
        },
    })
}

fn policy_line(rule: &Rule) -> Option<PolicyLine> {
    let on_not_found = |correct| match correct {
        true => OnNotFound::Correct,
        false => OnNotFound::Label,
    };
    let limit = |units: Option<i64>| {
        units
            .map(number)
            .map_or(Some(None), |units| units.map(Some))
    };
    Some(PolicyLine {
        sku: sku(rule.item),
        safety_stock: limit(rule.safety)?,
        oversell_limit: limit(rule.oversell)?,
        on_not_found: rule.correct.map(on_not_found),
    })
}

fn hold(
    shop: usize,
    all: &[Line],
    ttl: Millis,
    partial: bool,
    reference: Option<Label>,
) -> Option<Command> {
    let line = |(item, units): &Line| {
        Some(HoldLine {
            sku: sku(*item),
            quantity: quantity(*units)?,
        })
    };
    Some(Command::Hold(Hold {
        location: location(shop),
        lines: lines(all, line)?,
        ttl: span(ttl)?,
        allow_partial: partial,
        reference,
    }))
}

fn pick_line(pick: &Pick) -> Option<PickLine> {
    let substitution = |(item, units): &Line| {
        Some(Substitution {
            sku: sku(*item),
            quantity: quantity(*units)?,
        })
    };
    Some(PickLine {
        sku: sku(pick.item),
        picked: number(pick.picked)?,
        not_found: number(pick.missing)?,
        substitutions: pick
            .instead
            .iter()
            .map(substitution)
            .collect::<Option<_>>()?,
    })
}

fn dispatch(from: usize, to: usize, all: &[Line], reference: Option<Label>) -> Option<Command> {
    let line = |(item, units): &Line| {
        Some(DispatchLine {
            sku: sku(*item),
            quantity: quantity(*units)?,
        })
    };
    Some(Command::Dispatch(Dispatch {
        from: location(from),
        to: location(to),
        lines: lines(all, line)?,
        reference,
    }))
}

/// What a parcel is in the source's outbox.
pub fn outgoing(parcel: &Parcel) -> Option<Outgoing> {
    let line = |(item, units): &Line| {
        Some(TransferLine {
            sku: sku(*item),
            units: number(*units)?,
        })
    };
    Some(Outgoing {
        settled: TransferNo(parcel.settled),
        from: location(parcel.from),
        to: location(parcel.to),
        lines: parcel.lines.iter().map(line).collect::<Option<_>>()?,
    })
}

/// The parcel that lies in an outbox; `None` if it has a name that no shop or item has.
pub fn parcel(id: TransferId, outgoing: &Outgoing) -> Option<Parcel> {
    let line = |line: &TransferLine| Some((item_of(line.sku.as_str())?, i64::from(line.units)));
    Some(Parcel {
        name: transfer_name(id),
        from: shop_of(outgoing.from.as_str())?,
        to: shop_of(outgoing.to.as_str())?,
        lines: outgoing.lines.iter().map(line).collect::<Option<_>>()?,
        settled: outgoing.settled.0,
    })
}

/// A refusal in the twin's words.
pub fn refused(refusal: &Refusal) -> String {
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
            let line = |line: &onhand_core::Shortage| {
                format!(" {} {}/{}", line.sku, line.requested, line.available)
            };
            format!("insufficient{}", lines.iter().map(line).collect::<String>())
        }
        Refusal::BelowZero { line, sku, on_hand } => format!("below zero {sku} {line} {on_hand}"),
        Refusal::TooMuch { line, sku } => format!("too much {sku} {line}"),
        Refusal::MoreThanPromised {
            line,
            sku,
            outstanding,
        } => {
            format!("more than promised {sku} {line} {outstanding}")
        }
        Refusal::NotInReservation { line, sku } => format!("not in reservation {sku} {line}"),
        Refusal::SkuTwice { line, sku } => format!("twice {sku} {line}"),
        Refusal::InFuture { line: None, .. } => "in future".to_owned(),
        Refusal::InFuture {
            line: Some(line), ..
        } => format!("in future {line}"),
        Refusal::TooOld { .. } => "too old".to_owned(),
        Refusal::Full(_) => "full".to_owned(),
    }
}

/// A reservation in the twin's words, from the shop and the items that it is of; `None` for names that nobody gave.
pub fn promise(
    found: &Reservation,
    shop: Option<usize>,
    items: impl ExactSizeIterator<Item = Option<usize>>,
) -> Option<Promise> {
    let line = |(line, item): (&ReservationLine, Option<usize>)| {
        Some(PromiseLine {
            item: item?,
            asked: line.requested.into(),
            got: line.reserved.into(),
            left: line.outstanding.into(),
            picked: line.picked.into(),
            missing: line.not_found.into(),
        })
    };
    if items.len() != found.lines.len() {
        return None;
    }
    Some(Promise {
        shop: shop?,
        state: found.state.name(),
        expires: millis(found.expires_at),
        ended: (!found.state.is_open()).then(|| millis(found.ended_at)),
        lines: found
            .lines
            .iter()
            .zip(items)
            .map(line)
            .collect::<Option<_>>()?,
    })
}
