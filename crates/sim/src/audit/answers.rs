//! Every answer against what was foretold.

use super::{Book, Due, Foretold, Token};
use crate::ask::{item_of, shop_of};
use crate::finding::{Check, Finding, Verdict, must};
use crate::translate::{self, millis, refused, transfer_id};
use crate::twin::{Incoming, Outcome, Promise, Shelf};
use onhand_core::reservation::Reservation;
use onhand_core::{Entry, Level, LocationId, OnNotFound, Seq, Sku};
use onhand_engine::{Answer, Found, ReservationView, Seen, TransferView, Unavailable, What};

impl Book {
    /// A client got an answer; `is_out` says whether the partition was known to be unable to answer.
    ///
    /// # Errors
    /// It is not the one that was foretold.
    pub fn answered(&mut self, token: Token, answer: &Answer, is_out: bool) -> Verdict {
        let foretold = self.foretold.remove(&token);
        if let Answer::Unavailable(why) = answer {
            self.queued.retain(|(queued, ..)| *queued != token);
            let is_late = matches!(why, Unavailable::Late { .. });
            let is_foretold = matches!(
                foretold,
                Some(Due {
                    foretold: Foretold::Late,
                    ..
                })
            );
            let is_it = if is_late { is_foretold } else { is_out };
            return must(is_it, Check::Answer, || {
                format!("request {token} is not answered ({why}), and nothing is out of order")
            });
        }
        let Some(Due {
            foretold,
            position,
            turn,
        }) = foretold
        else {
            let what = format!("request {token} is answered before it was decided: {answer:?}");
            return Err(Finding::new(Check::Answer, what));
        };
        match foretold {
            Foretold::Outcome(outcome) => self.check_outcome(token, &outcome, position, answer)?,
            Foretold::Levels(shelves) => check_levels(token, &shelves, position, answer)?,
            Foretold::Promise(promise, is_kept) => {
                check_promise(token, promise.as_ref(), is_kept, position, answer)?;
            }
            Foretold::Transfer(incoming, is_kept) => {
                check_transfer(token, incoming.as_ref(), is_kept, position, answer)?;
            }
            Foretold::Late => return Err(odd(token, answer)),
        }
        if let Answer::Recorded(entry) = answer {
            self.compare_with_ledger(token, entry)?;
        }
        self.gone.are_answered(turn);
        self.show(position);
        self.answered = self.answered.max(position);
        Ok(())
    }

    fn check_outcome(
        &self,
        token: Token,
        foretold: &Outcome,
        position: u64,
        answer: &Answer,
    ) -> Verdict {
        let is_it = match (answer, foretold) {
            (Answer::Recorded(entry), Outcome::Recorded(_)) => {
                entry.stamp.seq.0 == position && self.is_recorded(entry)
            }
            (Answer::Repeated(seq), Outcome::Repeated(before)) => seq.0 == *before,
            (Answer::Nothing, Outcome::Nothing) => true,
            (Answer::Refused(refusal), outcome) => {
                outcome.allows(&Outcome::Refused(refused(refusal)))
            }
            _ => false,
        };
        must(is_it, Check::Answer, || {
            format!("request {token} is answered {answer:?}; foretold at {position}: {foretold:?}")
        })
    }

    /// An answer tells of an entry: the ledger must hold the very same.
    fn compare_with_ledger(&mut self, token: Token, told: &Entry) -> Verdict {
        let position = told.stamp.seq.0;
        let Some(entry) = self.entry(position) else {
            self.told.insert(position, told.clone());
            return Ok(());
        };
        must(entry == told, Check::Answer, || {
            format!("request {token} is answered {told:?}; the ledger has {entry:?}")
        })
    }

    /// Position, time and kind of an entry; the rest is compared with the ledger.
    fn is_recorded(&self, entry: &Entry) -> bool {
        self.record(entry.stamp.seq.0).is_some_and(|record| {
            (record.at, record.event) == (millis(entry.stamp.at), entry.event.name())
        })
    }
}

fn check_promise(
    token: Token,
    foretold: Option<&Promise>,
    is_kept: bool,
    position: u64,
    answer: &Answer,
) -> Verdict {
    let Answer::Found(Found {
        seq,
        what: What::Reservation(found),
        ..
    }) = answer
    else {
        return Err(odd(token, answer));
    };
    let is_it = match (found.as_deref(), foretold) {
        (None, None) => true,
        (None, Some(_)) => !is_kept,
        (Some(view), Some(promise)) => is_promise(view, promise),
        (Some(_), None) => false,
    };
    must(is_it && seq.0 == position, Check::StrongRead, || {
        format!("request {token} finds {found:?} at {seq}; foretold at {position}: {foretold:?}")
    })
}

fn check_transfer(
    token: Token,
    foretold: Option<&Incoming>,
    is_kept: bool,
    position: u64,
    answer: &Answer,
) -> Verdict {
    let Answer::Found(Found {
        seq,
        what: What::Transfer(found),
        ..
    }) = answer
    else {
        return Err(odd(token, answer));
    };
    let is_it = match (found.as_deref(), foretold) {
        (None, None) => true,
        (None, Some(_)) => !is_kept,
        (Some(view), Some(incoming)) => is_incoming(view, incoming),
        (Some(_), None) => false,
    };
    must(is_it && seq.0 == position, Check::StrongRead, || {
        format!("request {token} finds {found:?} at {seq}; foretold at {position}: {foretold:?}")
    })
}

fn is_incoming(view: &TransferView, foretold: &Incoming) -> bool {
    let TransferView {
        id,
        to,
        incoming,
        skus,
    } = view;
    let parcel = &foretold.parcel;
    let units = incoming.lines.iter().map(|line| i64::from(line.units));
    let lines: Option<Vec<_>> = skus
        .iter()
        .zip(units)
        .map(|(sku, units)| Some((item_of(sku.as_str())?, units)))
        .collect();
    *id == transfer_id(parcel.name)
        && (shop_of(incoming.from.as_str()), shop_of(to.as_str()))
            == (Some(parcel.from), Some(parcel.to))
        && incoming.arrived_at.map(millis) == foretold.arrived
        && skus.len() == incoming.lines.len()
        && lines.as_ref() == Some(&parcel.lines)
}

fn is_promise(view: &ReservationView, promise: &Promise) -> bool {
    promise_of(&view.reservation, &view.location, &view.skus).as_ref() == Some(promise)
}

/// A reservation in the twin's words, from the names of what it holds.
pub(super) fn promise_of(
    found: &Reservation,
    location: &LocationId,
    skus: &[Sku],
) -> Option<Promise> {
    let items = skus.iter().map(|sku| item_of(sku.as_str()));
    translate::promise(found, shop_of(location.as_str()), items)
}

fn check_levels(
    token: Token,
    foretold: &[Option<Shelf>],
    position: u64,
    answer: &Answer,
) -> Verdict {
    let Answer::Found(Found {
        seq,
        what: What::Levels(levels),
        ..
    }) = answer
    else {
        return Err(odd(token, answer));
    };
    let is_same = |(level, shelf): (&Option<Level>, &Option<Shelf>)| match (level, shelf) {
        (Some(level), Some(shelf)) => is_level(level, shelf),
        (None, None) => true,
        _ => false,
    };
    let is_it = seq.0 == position
        && levels.len() == foretold.len()
        && levels.iter().zip(foretold).all(is_same);
    must(is_it, Check::StrongRead, || {
        format!("request {token} sees {levels:?} at {seq}; foretold at {position}: {foretold:?}")
    })
}

/// Whether a level has the numbers of a shelf.
pub(super) fn is_level(level: &Level, shelf: &Shelf) -> bool {
    is_seen(&Seen::of(level, Seq::ZERO), shelf)
}

/// Whether a reader sees the numbers of a shelf.
pub(super) fn is_seen(seen: &Seen, shelf: &Shelf) -> bool {
    let found = [
        seen.on_hand,
        seen.reserved.into(),
        seen.allocated.into(),
        seen.unavailable.into(),
        seen.in_transit.into(),
        seen.safety_stock.into(),
        seen.oversell_limit.into(),
        seen.available,
    ];
    let foretold = [
        shelf.on_hand,
        shelf.reserved,
        shelf.allocated,
        shelf.unavailable,
        shelf.in_transit,
        shelf.safety,
        shelf.oversell,
        shelf.available(),
    ];
    let corrects = seen.on_not_found == OnNotFound::Correct;
    found == foretold && corrects == shelf.corrects
}

fn odd(token: Token, answer: &Answer) -> Finding {
    let what = format!("request {token} gets another kind of answer: {answer:?}");
    Finding::new(Check::StrongRead, what)
}
