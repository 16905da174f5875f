//! The answer to a write, from its ledger entry and from nothing else.

use super::{
    AdjustResponse, ConfirmResponse, CountResponse, ExtendResponse, FulfillResponse,
    ObserveResponse, PushFactsResponse, ReceiveGoodsResponse, ReceiveTransferResponse,
    ReleaseResponse, ReserveResponse, SellResponse, SendTransferResponse, SetPolicyResponse,
};
use crate::json::Names;
use crate::json::adjustments::AdjustmentAnswer;
use crate::json::counts::CountAnswer;
use crate::json::facts::FactAnswer;
use crate::json::fulfill::FulfillAnswer;
use crate::json::observations::ObservationAnswer;
use crate::json::policies::PolicyAnswer;
use crate::json::receipts::ReceiptAnswer;
use crate::json::reservations::{ConfirmAnswer, ExtendAnswer, ReleaseAnswer, ReservationAnswer};
use crate::json::sales::SaleAnswer;
use crate::json::transfers::{ArrivalAnswer, TransferAnswer};
use onhand_core::{Entry, Event};

/// An answer to a write.
pub trait OfEntry: Sized {
    /// The answer that an entry gives; `None` if the entry is that of another kind of write. `replayed` says whether the
    /// entry was made for an earlier request with the same key.
    fn of_entry(entry: &Entry, replayed: bool, names: &dyn Names) -> Option<Self>;
}

macro_rules! of_entry {
    ($($message:ident: $event:ident as $answer:ident,)+) => {$(
        impl OfEntry for $message {
            fn of_entry(entry: &Entry, replayed: bool, names: &dyn Names) -> Option<Self> {
                match &entry.event {
                    Event::$event(event) => Some(Self {
                        idempotent_replayed: replayed,
                        ..$answer::of(entry.stamp, event, names).into()
                    }),
                    _ => None,
                }
            }
        }
    )+};
}

of_entry! {
    ReceiveGoodsResponse: Received as ReceiptAnswer,
    AdjustResponse: Adjusted as AdjustmentAnswer,
    CountResponse: Counted as CountAnswer,
    SellResponse: Sold as SaleAnswer,
    ObserveResponse: Observed as ObservationAnswer,
    PushFactsResponse: Pushed as FactAnswer,
    SetPolicyResponse: PolicySet as PolicyAnswer,
    SendTransferResponse: Dispatched as TransferAnswer,
    ReceiveTransferResponse: Arrived as ArrivalAnswer,
    ReserveResponse: Held as ReservationAnswer,
    ConfirmResponse: Confirmed as ConfirmAnswer,
    ExtendResponse: Extended as ExtendAnswer,
    ReleaseResponse: Released as ReleaseAnswer,
    FulfillResponse: Fulfilled as FulfillAnswer,
}
