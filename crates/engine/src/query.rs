//! Strong reads: questions that the writer answers, so that they include every write acknowledged before them.

use onhand_core::reservation::Reservation;
use onhand_core::transfer::{Incoming, Outgoing};
use onhand_core::{
    Body, Level, LocationId, ReservationNo, Seq, Sku, State, Timestamp, TransferId, TransferNo,
};
use onhand_planted::Defect;

/// A question to a partition.
#[derive(Clone, Debug)]
pub enum Query {
    /// Levels by name.
    Levels(Vec<(LocationId, Sku)>),
    /// A reservation.
    Reservation(ReservationNo),
    /// A transfer to here.
    Transfer(TransferId),
    /// A transfer from here that may not be known at its destination yet.
    Outgoing(TransferNo),
    /// All of these: for the courier.
    Outbox,
    /// The whole state, frozen: for a snapshot or a state hash.
    Freeze,
    /// Nothing, but only when all that was answered before is durable.
    Durable,
}

/// What the partition says. Given only when all that it reflects is as durable as an answer is ([`crate::durability`]),
/// and durable where the engine asked itself.
#[derive(Clone, Debug)]
pub struct Found {
    /// The last entry that it reflects.
    pub seq: Seq,
    /// The time of the ledger when it was asked.
    pub at: Timestamp,
    /// The answer itself.
    pub what: What,
}

/// The answer to a [`Query`], of the same name.
#[derive(Clone, Debug)]
pub enum What {
    /// In the order of the question; `None` where there is no such level.
    Levels(Vec<Option<Level>>),
    /// `None` if there is no such reservation, or one that ended longer ago than its retention.
    Reservation(Option<Box<ReservationView>>),
    /// `None` if there is no such transfer, or one that arrived longer ago than its retention.
    Transfer(Option<Box<TransferView>>),
    /// `None` if there is no such transfer, or its destination knows of it.
    Outgoing(Option<Box<Outgoing>>),
    /// By number.
    Outbox(Vec<(TransferNo, Outgoing)>),
    /// The frozen state.
    Freeze(Box<Body>),
    /// Nothing.
    Durable,
}

/// A reservation with the names of what it holds.
#[derive(Clone, Debug)]
pub struct ReservationView {
    /// Its number.
    pub no: ReservationNo,
    /// Where.
    pub location: LocationId,
    /// The reservation.
    pub reservation: Reservation,
    /// The SKUs of its lines, in their order.
    pub skus: Vec<Sku>,
}

/// A transfer with the names of what it carries.
#[derive(Clone, Debug)]
pub struct TransferView {
    /// Its name.
    pub id: TransferId,
    /// To where.
    pub to: LocationId,
    /// The transfer.
    pub incoming: Incoming,
    /// The SKUs of its lines, in their order.
    pub skus: Vec<Sku>,
}

impl Query {
    /// Answers from a state.
    pub(crate) fn answer(self, state: &State) -> What {
        match self {
            Self::Levels(names) => What::Levels(levels(state, &names)),
            Self::Reservation(no) => What::Reservation(reservation(state, no)),
            Self::Transfer(id) => What::Transfer(transfer(state, id)),
            Self::Outgoing(no) => {
                What::Outgoing(state.transfers().outgoing(no).cloned().map(Box::new))
            }
            Self::Outbox => What::Outbox(
                state
                    .transfers()
                    .outbox()
                    .map(|(no, outgoing)| (no, outgoing.clone()))
                    .collect(),
            ),
            Self::Freeze => What::Freeze(Box::new(state.freeze())),
            Self::Durable => What::Durable,
        }
    }
}

fn levels(state: &State, names: &[(LocationId, Sku)]) -> Vec<Option<Level>> {
    let find = |(location, sku)| Some(*state.directory().find(location, sku)?.1);
    let found = names.iter().map(|(location, sku)| find((location, sku)));
    match Defect::LevelsCutShort.is_on() {
        true => found.take_while(Option::is_some).collect(),
        false => found.collect(),
    }
}

fn reservation(state: &State, no: ReservationNo) -> Option<Box<ReservationView>> {
    let reservation = state.reservations().get(no)?.clone();
    Some(Box::new(ReservationView {
        no,
        location: state.location_of(reservation.location),
        skus: reservation
            .lines
            .iter()
            .map(|line| state.sku_of(line.level))
            .collect(),
        reservation,
    }))
}

fn transfer(state: &State, id: TransferId) -> Option<Box<TransferView>> {
    let mut incoming = state.transfers().incoming(id)?.clone();
    if Defect::TransferShownAsArrived.is_on() {
        incoming.arrived_at.get_or_insert(state.last().at);
    }
    Some(Box::new(TransferView {
        id,
        to: state.location_of(incoming.to),
        skus: incoming
            .lines
            .iter()
            .map(|line| state.sku_of(line.level))
            .collect(),
        incoming,
    }))
}
