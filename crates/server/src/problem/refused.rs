//! What the core refuses, and which field it speaks of.

use super::Denied;
use onhand_core::reservation::ReservationState;
use onhand_core::{LocationId, Refusal, Shortage, Sku};
use onhand_wire::json::problem::{Kind, ShortLine};
use onhand_wire::json::time::Time;

/// Where the fields of a request lie that a refusal may speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// What comes before every pointer: empty, or the place in a batch.
    pub(crate) at: Place,
    /// The location that must be known.
    pub(crate) location: &'static str,
    /// In a line: the number of units.
    pub(crate) units: &'static str,
    /// In a line: where a SKU stands that must be stocked.
    pub(crate) sku: &'static str,
    /// The time that something happened at; in a line, if it stands there.
    pub(crate) time: &'static str,
}

/// Where a request begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// At the top of the body.
    Top,
    /// At this place of a batch.
    InBatch(usize),
}

impl Fields {
    /// The fields of most requests.
    pub(crate) const USUAL: Self = Self {
        at: Place::Top,
        location: "/location",
        units: "quantity",
        sku: "sku",
        time: "/occurred_at",
    };

    /// The fields of a count.
    pub(crate) const OF_A_COUNT: Self = Self {
        units: "on_hand",
        time: "/as_of",
        ..Self::USUAL
    };

    /// The fields of a sale.
    pub(crate) const OF_A_SALE: Self = Self {
        time: "/sold_at",
        ..Self::USUAL
    };

    /// The fields of looks at the shelf; the time stands in each line.
    pub(crate) const OF_A_LOOK: Self = Self {
        time: "at",
        ..Self::USUAL
    };

    /// The fields of a transfer.
    pub(crate) const OF_A_TRANSFER: Self = Self {
        location: "/from",
        ..Self::USUAL
    };

    /// The fields of a pick. The SKUs of its lines must be part of the reservation; those that must be stocked are the
    /// substitutes.
    pub(crate) const OF_A_PICK: Self = Self {
        sku: "substitutions",
        ..Self::USUAL
    };

    fn pointer(&self, field: &str) -> String {
        match self.at {
            Place::Top => field.into(),
            Place::InBatch(at) => format!("/reservations/{at}{field}"),
        }
    }

    fn in_line(&self, line: usize, field: &str) -> String {
        self.pointer(&format!("/lines/{line}/{field}"))
    }
}

/// The problem of a refusal. Nothing was changed, and the key is free.
pub(crate) fn refused(refusal: Refusal, fields: &Fields) -> Denied {
    match refusal {
        Refusal::KeyReused => key_reused(),
        Refusal::UnknownLocation(location) => unknown_location(&location, fields),
        Refusal::UnknownSku { line, sku } => unknown_sku(line, &sku, fields),
        Refusal::UnknownReservation => unknown_reservation(),
        Refusal::UnknownTransfer => unknown_transfer(),
        Refusal::WrongState { state, needs } => wrong_state(state, needs),
        Refusal::AlreadyReceived => already_received(),
        Refusal::SameLocation => same_location(fields),
        Refusal::InsufficientStock(short) => insufficient(short),
        Refusal::BelowZero { line, sku, on_hand } => below_zero(line, &sku, on_hand, fields),
        Refusal::TooMuch { line, sku } => too_much(line, &sku, fields),
        Refusal::MoreThanPromised {
            line,
            sku,
            outstanding,
        } => more_than_promised(line, &sku, outstanding, fields),
        Refusal::NotInReservation { line, sku } => not_in_reservation(line, &sku, fields),
        Refusal::SkuTwice { line, sku } => sku_twice(line, &sku, fields),
        Refusal::InFuture { line, now } => {
            let pointer = match line {
                Some(line) => fields.in_line(line, fields.time),
                None => fields.pointer(fields.time),
            };
            in_future(Time(now)).at(pointer, "is in the future")
        }
        Refusal::TooOld { oldest } => too_old(Time(oldest), fields),
        Refusal::Full(what) => full(what),
    }
}

fn unknown_location(location: &LocationId, fields: &Fields) -> Denied {
    let detail =
        format!("No stock was ever kept at {location}. A receipt or a count opens a location.");
    let message = format!("`{location}` is not known");
    Denied::new(Kind::UnknownLocation, detail).at(fields.pointer(fields.location), message)
}

fn unknown_sku(line: usize, sku: &Sku, fields: &Fields) -> Denied {
    let detail =
        format!("{sku} was never stocked at this location. A receipt or a count opens it.");
    let message = format!("`{sku}` is not stocked here");
    Denied::new(Kind::UnknownSku, detail).at(fields.in_line(line, fields.sku), message)
}

fn wrong_state(state: ReservationState, needs: &str) -> Denied {
    let state = state.name();
    let detail =
        format!("The reservation is {state}; this needs one that is {needs}. Nothing was changed.");
    Denied::new(Kind::WrongState, detail)
}

fn already_received() -> Denied {
    let detail =
        "The transfer was received before; its units are on hand. Adjust what was missing.";
    Denied::new(Kind::AlreadyReceived, detail)
}

fn same_location(fields: &Fields) -> Denied {
    let detail = "Units cannot be sent to the location that they are at. Name another one.";
    Denied::new(Kind::SameLocation, detail).at(fields.pointer("/to"), "is the same as `from`")
}

fn below_zero(line: usize, sku: &Sku, on_hand: i64, fields: &Fields) -> Denied {
    let detail = format!(
        "{sku} has {on_hand} on hand; this would take more away, or make more unavailable, than is there. Nothing was \
         changed. Count the shelf if it holds something else."
    );
    let message = format!("more than the {on_hand} units on hand");
    Denied::new(Kind::BelowZero, detail).at(fields.in_line(line, fields.units), message)
}

fn too_much(line: usize, sku: &Sku, fields: &Fields) -> Denied {
    let detail = format!("{sku} would grow past 1,000,000,000 units, the most a level can hold.");
    let message = "the level would grow past 1,000,000,000 units";
    Denied::new(Kind::TooMuch, detail).at(fields.in_line(line, fields.units), message)
}

fn more_than_promised(line: usize, sku: &Sku, outstanding: u32, fields: &Fields) -> Denied {
    let detail = format!(
        "The reservation still holds {outstanding} of {sku}; picked and not found together are more. Nothing was \
         changed."
    );
    let message =
        format!("picked and not_found are more than the {outstanding} units still promised");
    Denied::new(Kind::MoreThanPromised, detail).at(fields.in_line(line, "picked"), message)
}

fn not_in_reservation(line: usize, sku: &Sku, fields: &Fields) -> Denied {
    let detail =
        format!("{sku} is not part of the reservation. What was picked instead is a substitution.");
    let message = format!("`{sku}` is not part of the reservation");
    Denied::new(Kind::NotInReservation, detail).at(fields.in_line(line, "sku"), message)
}

fn sku_twice(line: usize, sku: &Sku, fields: &Fields) -> Denied {
    let detail = format!(
        "{sku} stands in two lines; this request takes each SKU once. Nothing was changed."
    );
    let message = format!("`{sku}` stands in an earlier line too");
    Denied::new(Kind::SkuTwice, detail).at(fields.in_line(line, "sku"), message)
}

fn too_old(oldest: Time, fields: &Fields) -> Denied {
    let detail =
        format!("This can speak of {oldest} at the earliest: what happened before is not kept.");
    let message = format!("is before {oldest}");
    Denied::new(Kind::TooOld, detail).at(fields.pointer(fields.time), message)
}

fn full(what: &str) -> Denied {
    let detail = format!("The bound of {what} is reached. Nothing was changed; try again later.");
    Denied::new(Kind::Full, detail).retry_after(5)
}

fn key_reused() -> Denied {
    let detail = "The Idempotency-Key was used for a request with another content. Nothing was changed; use a new key \
                  for a new request.";
    Denied::new(Kind::IdempotencyKeyReused, detail)
}

/// The problem of a reservation that is not there.
pub(crate) fn unknown_reservation() -> Denied {
    let detail = "There is no such reservation, or it ended longer ago than ended ones are kept.";
    Denied::new(Kind::UnknownReservation, detail)
}

/// The problem of a transfer that is not there.
pub(crate) fn unknown_transfer() -> Denied {
    let detail = "There is no such transfer, or it arrived longer ago than arrived ones are kept.";
    Denied::new(Kind::UnknownTransfer, detail)
}

/// The problem of a time that has not come.
pub(crate) fn in_future(now: Time) -> Denied {
    let detail = format!(
        "The time is in the future; the ledger's time is {now}. Check the clock of the sender."
    );
    Denied::new(Kind::InFuture, detail)
}

fn insufficient(short: Vec<Shortage>) -> Denied {
    let told = short.iter().take(3);
    let told: Vec<String> = told
        .map(|line| {
            format!(
                "{} has {} available, {} requested",
                line.sku, line.available, line.requested
            )
        })
        .collect();
    let more = if short.len() > told.len() {
        ", and others"
    } else {
        ""
    };
    let detail = format!("Nothing was changed: {}{more}.", told.join("; "));
    let mut denied = Denied::new(Kind::InsufficientStock, detail);
    denied.problem.lines = short
        .into_iter()
        .map(|line| ShortLine {
            sku: line.sku.as_str().into(),
            requested: line.requested,
            available: line.available,
        })
        .collect();
    denied
}
