//! The messages of `onhand.v1` that a load needs, and of those the fields that it needs: the generator is a client like
//! any other, so it has its own. `crates/wire/proto/onhand/v1` has them whole.

use bytes::{BufMut, Bytes, BytesMut};
use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReserveRequest {
    #[prost(string, tag = "1")]
    pub(super) idempotency_key: String,
    #[prost(string, tag = "2")]
    pub(super) location: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) lines: Vec<Line>,
    #[prost(uint32, tag = "4")]
    pub(super) ttl_seconds: u32,
}

/// A line of a reservation, or of a receipt.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Line {
    #[prost(string, tag = "1")]
    pub(super) sku: String,
    #[prost(uint32, tag = "2")]
    pub(super) quantity: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReserveResponse {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReserveBatchRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) reservations: Vec<ReserveRequest>,
}

/// The answer to a batch, and a message of answers of a stream.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Results {
    #[prost(message, repeated, tag = "1")]
    pub(super) results: Vec<ReserveResult>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReserveResult {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub(super) outcome: Option<Outcome>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Outcome {
    #[prost(message, tag = "2")]
    Made(ReserveResponse),
    #[prost(message, tag = "3")]
    Problem(Problem),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReserveStreamRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) reservations: Vec<NumberedReservation>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NumberedReservation {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(message, optional, tag = "2")]
    pub(super) reservation: Option<ReserveRequest>,
}

/// A confirmation, or a release.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SettleRequest {
    #[prost(string, tag = "1")]
    pub(super) idempotency_key: String,
    #[prost(string, tag = "2")]
    pub(super) id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AvailabilityRequest {
    #[prost(message, repeated, tag = "4")]
    pub(super) items: Vec<LevelName>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AvailabilityResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) items: Vec<AvailabilityItem>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct AvailabilityItem {
    #[prost(bool, tag = "5")]
    pub(super) known: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PredictAvailabilityRequest {
    #[prost(string, tag = "1")]
    pub(super) location: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) skus: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LevelName {
    #[prost(string, tag = "1")]
    pub(super) location: String,
    #[prost(string, tag = "2")]
    pub(super) sku: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Problem {
    #[prost(string, tag = "1")]
    pub(super) r#type: String,
    #[prost(uint32, tag = "3")]
    pub(super) status: u32,
}

/// `google.rpc.Status`: what stands in the details of a refusal.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// Bytes before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// A message as it goes over a call.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(PREFIX + length);
    out.put_u8(0);
    out.put_u32(length as u32);
    message.encode(&mut out).expect("there is room for it");
    out.freeze()
}

/// Takes the next whole message out of what came in.
pub(super) fn unframed(bytes: &mut BytesMut) -> Option<Bytes> {
    let length = bytes.get(1..PREFIX)?;
    let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
    if bytes.len() < PREFIX + length {
        return None;
    }
    let whole = bytes.split_to(PREFIX + length).freeze();
    Some(whole.slice(PREFIX..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in_however_it_is_cut() {
        let message = SettleRequest {
            idempotency_key: "k".into(),
            id: "r0-1".into(),
        };
        let sent = framed(&message);
        let mut bytes = BytesMut::new();
        for byte in &sent {
            assert!(unframed(&mut bytes).is_none());
            bytes.put_u8(*byte);
        }
        bytes.put_slice(&sent[..7]);
        let received = unframed(&mut bytes).unwrap();
        assert_eq!(SettleRequest::decode(received).unwrap(), message);
        assert_eq!(&bytes[..], &sent[..7]);
    }
}
