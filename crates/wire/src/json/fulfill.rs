//! `POST /v1/reservations/{id}/fulfill`: the pick.

use super::Names;
use super::id::ReservationId;
use super::lines::Listed;
use super::number::{Units, UnitsOrNone};
use super::object::objects;
use super::read::Fault;
use super::reservations::{StateName, id};
use super::text::SkuText;
use super::time::Time;
use onhand_core::reservation::fulfill::{Fulfill, Fulfilled, PickLine, Substitution};
use onhand_core::{Command, Lines, ReservationNo, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Tells what was picked for a confirmed reservation, all of it or a part. Units of a line that are neither picked
/// nor not found stay allocated; the reservation is fulfilled when none are left.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "lines": [
        {"sku": "milk-1l", "picked": 1, "not_found": 1, "substitutions": [{"sku": "milk-2l", "quantity": 1}]},
        {"sku": "bread", "picked": 1}
    ]
}))]
pub struct FulfillRequest {
    /// What happened, 1 to 10,000 lines, each SKU once. All substitutions together are at most 10,000.
    #[schema(value_type = Vec<PickRequest>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<PickRequest>,
    /// When it happened, not in the future; now if not said.
    pub occurred_at: Option<Time>,
}

/// What happened to one SKU of the reservation: something must have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PickRequest {
    /// What.
    pub sku: SkuText,
    /// Units picked.
    #[serde(default)]
    pub picked: UnitsOrNone,
    /// Units not found: a label, and a correction of on hand if the level's policy says so.
    #[serde(default)]
    pub not_found: UnitsOrNone,
    /// What was picked in place of what was not found.
    #[schema(value_type = Option<Vec<SubstitutionRequest>>, min_items = 1, max_items = 10_000)]
    pub substitutions: Option<Listed<SubstitutionRequest>>,
}

/// Units of another SKU picked instead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubstitutionRequest {
    /// What.
    pub sku: SkuText,
    /// How many units.
    pub quantity: Units,
}

objects!(FulfillRequest, PickRequest, SubstitutionRequest);

impl FulfillRequest {
    /// The command on a reservation.
    ///
    /// # Errors
    /// A line says nothing, or there are too many substitutions.
    pub fn command(self, reservation: ReservationNo) -> Result<Command, Fault> {
        let mut substitutions = 0;
        let lines = self.lines.try_map(|at, line| {
            let line = line.checked(at)?;
            substitutions += line.substitutions.len();
            let fits = substitutions <= Lines::<()>::MOST;
            fits.then_some(line).ok_or_else(|| Fault {
                pointer: format!("/lines/{at}/substitutions"),
                message: format!(
                    "{substitutions} substitutions so far, expected at most 10000 in all"
                ),
            })
        })?;
        Ok(Command::Fulfill(Fulfill {
            reservation,
            lines,
            occurred_at: self.occurred_at.map(|time| time.0),
        }))
    }
}

impl PickRequest {
    fn checked(self, at: usize) -> Result<PickLine, Fault> {
        let substitutions = self
            .substitutions
            .map(Listed::into_inner)
            .unwrap_or_default();
        let substitutions: Vec<Substitution> = substitutions
            .into_iter()
            .map(|one| Substitution {
                sku: one.sku.0,
                quantity: one.quantity.0,
            })
            .collect();
        if self.picked.0 == 0 && self.not_found.0 == 0 && substitutions.is_empty() {
            return Err(Fault {
                pointer: format!("/lines/{at}"),
                message: "says nothing: at least one of picked, not_found and substitutions must be more than 0"
                    .into(),
            });
        }
        Ok(PickLine {
            sku: self.sku.0,
            picked: self.picked.0,
            not_found: self.not_found.0,
            substitutions,
        })
    }
}

/// A pick, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7",
    "state": "fulfilled",
    "lines": [{"sku": "milk-1l", "picked": 1, "not_found": 1, "corrected": 0}],
    "substitutions": [{"instead_of": "milk-1l", "sku": "milk-2l", "quantity": 1}],
    "occurred_at": "2026-03-01T10:10:00.000Z",
    "sequence": 19
}))]
pub struct FulfillAnswer<'a> {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands: fulfilled, or still confirmed if something is left to pick.
    pub state: StateName,
    /// What happened to the lines.
    pub lines: Vec<PickedLineAnswer<'a>>,
    /// What was picked in place of something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<SubstitutedAnswer<'a>>,
    /// Units that were there though the record said they were not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<SurplusAnswer<'a>>,
    /// When it happened.
    pub occurred_at: Time,
    /// The position of the pick in the ledger.
    pub sequence: u64,
}

/// What happened to one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PickedLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units picked.
    pub picked: u32,
    /// Units not found.
    pub not_found: u32,
    /// Of those, units by which on hand was corrected.
    pub corrected: u32,
}

/// Units picked in place of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubstitutedAnswer<'a> {
    /// In place of what.
    pub instead_of: Cow<'a, str>,
    /// What was picked.
    pub sku: Cow<'a, str>,
    /// How many units.
    pub quantity: u32,
}

/// Units that the record did not know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SurplusAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// How many units.
    pub quantity: u32,
}

impl<'a> FulfillAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &Fulfilled, names: &'a dyn Names) -> Self {
        let sku = |level| Cow::from(names.of_level(level).1);
        let lines = event.lines.iter().map(|line| PickedLineAnswer {
            sku: sku(line.level),
            picked: line.picked,
            not_found: line.not_found,
            corrected: line.corrected,
        });
        let substitutions = event.substitutes.iter().map(|one| SubstitutedAnswer {
            instead_of: sku(one.instead_of),
            sku: sku(one.picked.level),
            quantity: one.picked.units,
        });
        let surplus = event.surplus.iter().map(|one| SurplusAnswer {
            sku: sku(one.level),
            quantity: one.units,
        });
        Self {
            id: id(event.reservation, names),
            state: if event.is_complete {
                StateName::Fulfilled
            } else {
                StateName::Confirmed
            },
            lines: lines.collect(),
            substitutions: substitutions.collect(),
            surplus: surplus.collect(),
            occurred_at: Time(event.occurred_at),
            sequence: stamp.seq.0,
        }
    }
}
