//! The answer to a write, from its ledger entry and from nothing else.

use super::Names;
use super::adjustments::AdjustmentAnswer;
use super::counts::CountAnswer;
use super::facts::FactAnswer;
use super::fulfill::FulfillAnswer;
use super::observations::ObservationAnswer;
use super::policies::PolicyAnswer;
use super::receipts::ReceiptAnswer;
use super::reservations::{ConfirmAnswer, ExtendAnswer, ReleaseAnswer, ReservationAnswer};
use super::sales::SaleAnswer;
use super::transfers::{ArrivalAnswer, TransferAnswer};
use onhand_core::{Entry, Event};
use serde::Serialize;

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it made something new: 201, else 200.
    pub made: bool,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// The answer that an entry gives; `None` for entries that no client asked for.
pub fn answer(entry: &Entry, names: &dyn Names) -> Option<Answer> {
    let stamp = entry.stamp;
    Some(match &entry.event {
        Event::Received(event) => made(&ReceiptAnswer::of(stamp, event, names)),
        Event::Adjusted(event) => made(&AdjustmentAnswer::of(stamp, event, names)),
        Event::Counted(event) => made(&CountAnswer::of(stamp, event, names)),
        Event::PolicySet(event) => made(&PolicyAnswer::of(stamp, event, names)),
        Event::Dispatched(event) => made(&TransferAnswer::of(stamp, event, names)),
        Event::Held(event) => made(&ReservationAnswer::of(stamp, event, names)),
        Event::Confirmed(event) => done(&ConfirmAnswer::of(stamp, event, names)),
        Event::Extended(event) => done(&ExtendAnswer::of(stamp, event, names)),
        Event::Released(event) => done(&ReleaseAnswer::of(stamp, event, names)),
        Event::Fulfilled(event) => done(&FulfillAnswer::of(stamp, event, names)),
        Event::Sold(event) => made(&SaleAnswer::of(stamp, event, names)),
        Event::Observed(event) => made(&ObservationAnswer::of(stamp, event, names)),
        Event::Pushed(event) => made(&FactAnswer::of(stamp, event, names)),
        Event::Arrived(event) => done(&ArrivalAnswer::of(stamp, event, names)),
        Event::Configured(_) | Event::Expired(_) | Event::Announced(_) | Event::HandedOver(_) => {
            return None;
        }
    })
}

fn made(view: &impl Serialize) -> Answer {
    Answer {
        made: true,
        ..done(view)
    }
}

fn done(view: &impl Serialize) -> Answer {
    Answer {
        made: false,
        body: serde_json::to_vec(view).expect("an answer is plain data"),
    }
}
