//! What an answer says: how many units were done, and why the others were not.
//!
//! A refusal carries its problem in the details of its status, with the HTTP status that the same refusal has over HTTP,
//! so that runs over both protocols compare.

use super::connection::Answer;
use super::messages::{AvailabilityResponse, Outcome, Problem, ReserveResponse, Results, Status};
use crate::book::{Reason, Verdict};
use crate::work::Operation;
use prost::Message;

const PROBLEM: &str = "type.googleapis.com/onhand.v1.Problem";

/// An answer to so many units. `wants_reservation` says whether the identifier of one that was made is of use.
pub(super) fn judge(
    operation: Operation,
    units: u64,
    answer: &Answer,
    wants_reservation: bool,
) -> Verdict {
    if answer.code != 0 {
        return Verdict::denied(reason(answer), units);
    }
    let unreadable = || Verdict::denied(Reason::silence("an answer that cannot be read"), units);
    let Some(message) = &answer.message else {
        return unreadable();
    };
    match operation {
        Operation::Batch => Results::decode(message.clone())
            .map_or_else(|_| unreadable(), |batch| batched(units, batch)),
        Operation::Reserve if wants_reservation => ReserveResponse::decode(message.clone())
            .map_or_else(
                |_| unreadable(),
                |made| Verdict {
                    reservation: Some(made.id.into()),
                    ..Verdict::accepted(units)
                },
            ),
        Operation::Read => AvailabilityResponse::decode(message.clone()).map_or_else(
            |_| unreadable(),
            |read| {
                let unknown = read.items.iter().filter(|item| !item.known).count();
                Verdict::read(units, unknown as u64)
            },
        ),
        _ => Verdict::accepted(units),
    }
}

fn batched(units: u64, batch: Results) -> Verdict {
    let mut verdict = Verdict::default();
    let results = batch.results.len() as u64;
    for one in batch.results {
        count(&mut verdict, one.outcome);
    }
    if results < units {
        let missing = Reason::silence("missing in the answer to its batch");
        verdict.denied.push((missing, units - results));
    }
    verdict
}

/// Counts what became of one reservation.
pub(super) fn count(verdict: &mut Verdict, outcome: Option<Outcome>) {
    match outcome {
        Some(Outcome::Made(_)) => verdict.accepted += 1,
        Some(Outcome::Problem(problem)) => verdict.deny(problem.status as u16, problem.name()),
        None => verdict.deny(0, "a result that says nothing"),
    }
}

impl Problem {
    fn name(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }
}

fn reason(answer: &Answer) -> Reason {
    let details = answer
        .details
        .clone()
        .and_then(|details| Status::decode(details).ok());
    let details = details.map_or(Vec::new(), |status| status.details);
    let problem = details.into_iter().find(|any| any.type_url == PROBLEM);
    match problem.and_then(|any| Problem::decode(any.value).ok()) {
        Some(problem) => Reason::new(problem.status as u16, problem.name()),
        None => Reason::silence(&format!("gRPC status {}", answer.code)),
    }
}
