//! The messages of gRPC's writes, and of the questions about many levels, up to the answer, without a server.
//!
//! The input is a byte that names the request, then its message.
//!
//! Oracle: what is no message is told as such; what is one is the same when it is written and read again, and becomes a
//! request, or a fault that points into it. Its command is decided as that of a body in JSON is ([`crate::http_body`]); what is
//! recorded gives one answer, which is the same when it is written and read again.

use crate::http_body::{HELD, PICKED, StateNames, bare, command, decide, one, points};
use onhand_core::reservation::extend::Extend;
use onhand_core::{Command, Entry, State};
use onhand_wire::json::read::Fault;
use onhand_wire::json::{
    adjustments::AdjustmentRequest, availability::AvailabilityRequest as Question,
    batch::BatchRequest, counts::CountRequest as Count, facts::FactRequest,
    fulfill::FulfillRequest as Fulfill, observations::ObservationRequest, policies::PolicyRequest,
    receipts::ReceiptRequest, reservations::ExtendRequest as Longer,
    reservations::ReservationRequest, sales::SaleRequest, transfers::TransferRequest,
};
use onhand_wire::proto::{
    AdjustRequest, AdjustResponse, AvailabilityRequest, ConfirmResponse, CountRequest,
    CountResponse, ExtendRequest, ExtendResponse, FulfillRequest, FulfillResponse, ObserveRequest,
    ObserveResponse, OfEntry, PushFactsRequest, PushFactsResponse, ReceiveGoodsRequest,
    ReceiveGoodsResponse, ReceiveTransferResponse, ReleaseResponse, ReserveBatchRequest,
    ReserveRequest, ReserveResponse, SellRequest, SellResponse, SendTransferRequest,
    SendTransferResponse, SetPolicyRequest, SetPolicyResponse,
};
use prost::Message;

/// Runs one input. The byte is that of [`crate::http_body`].
pub fn run(input: &[u8]) {
    let (kind, message) = crate::first(input);
    match kind {
        b'r' => done::<ReceiveGoodsRequest, ReceiptRequest>(message, command),
        b'a' => done::<AdjustRequest, AdjustmentRequest>(message, command),
        b'c' => done::<CountRequest, Count>(message, command),
        b'h' => done::<ReserveRequest, ReservationRequest>(message, command),
        b's' => done::<SellRequest, SaleRequest>(message, command),
        b'o' => done::<ObserveRequest, ObservationRequest>(message, command),
        b'k' => done::<PushFactsRequest, FactRequest>(message, command),
        b't' => done::<SendTransferRequest, TransferRequest>(message, command),
        b'p' => {
            done::<SetPolicyRequest, PolicyRequest>(message, |request| request.command().map(one))
        }
        b'f' => {
            done::<FulfillRequest, Fulfill>(message, |request| request.command(PICKED).map(one))
        }
        b'e' => done::<ExtendRequest, Longer>(message, |request| {
            let (reservation, ttl) = (HELD, request.ttl_seconds.0);
            Ok(one(Command::Extend(Extend { reservation, ttl })))
        }),
        b'b' => done::<ReserveBatchRequest, BatchRequest>(message, |request| {
            let items = request.reservations.into_inner().into_iter();
            Ok(items.map(|item| item.split().1.into()).collect())
        }),
        b'v' => done::<AvailabilityRequest, Question>(message, |request| {
            request.asked().map(|_| Vec::new())
        }),
        _ => bare().iter().for_each(answered),
    }
}

fn done<M, T>(bytes: &[u8], commands: impl FnOnce(T) -> Result<Vec<Command>, Fault>)
where
    M: Message + Default,
    T: TryFrom<M, Error = Fault>,
{
    let message = match M::decode(bytes) {
        Ok(message) => message,
        Err(why) => return assert!(!why.to_string().is_empty(), "an error that says nothing"),
    };
    is_read_again(&message);
    match T::try_from(message).and_then(commands) {
        Ok(commands) => commands.iter().for_each(answered),
        Err(fault) => points(&fault),
    }
}

/// By its bytes: a number that is none is not equal to itself.
fn is_read_again<M: Message + Default>(message: &M) {
    let bytes = message.encode_to_vec();
    let again = M::decode(&*bytes).unwrap_or_else(|why| panic!("written and not readable: {why}"));
    assert_eq!(
        again.encode_to_vec(),
        bytes,
        "written and read, it is another"
    );
}

fn answered(command: &Command) {
    let Some((entry, state)) = decide(command) else {
        return;
    };
    let told = [
        tells::<ReceiveGoodsResponse>,
        tells::<AdjustResponse>,
        tells::<CountResponse>,
        tells::<SellResponse>,
        tells::<ObserveResponse>,
        tells::<PushFactsResponse>,
        tells::<SetPolicyResponse>,
        tells::<SendTransferResponse>,
        tells::<ReceiveTransferResponse>,
        tells::<ReserveResponse>,
        tells::<ConfirmResponse>,
        tells::<ExtendResponse>,
        tells::<ReleaseResponse>,
        tells::<FulfillResponse>,
    ];
    let answers = told.iter().filter(|tells| tells(&entry, &state)).count();
    assert_eq!(answers, 1, "answers to {entry:?}");
}

/// Whether an entry is answered by this message.
fn tells<A: OfEntry + Message + Default>(entry: &Entry, state: &State) -> bool {
    let answer = A::of_entry(entry, false, &StateNames(state));
    answer.iter().for_each(is_read_again);
    answer.is_some()
}
