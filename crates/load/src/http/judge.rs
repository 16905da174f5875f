//! What an answer says: how many units were done, and why the others were not.

use super::answer::Answer;
use crate::book::{Reason, Verdict};
use crate::work::Operation;
use memchr::memmem;
use serde::Deserialize;
use std::borrow::Cow;

/// How the result of a reservation that was made begins, as the server writes it today.
const MADE: &[u8] = br#"{"status":201,"#;
/// What a level that the server does not know has, as it writes it today.
const UNKNOWN: &[u8] = br#""known":false"#;

/// An answer to so many units. `wants_reservation` says whether the identifier of one that was made is of use.
pub(crate) fn judge(
    operation: Operation,
    units: u64,
    answer: &Answer<'_>,
    wants_reservation: bool,
) -> Verdict {
    if !(200..300).contains(&answer.status) {
        return Verdict::denied(Reason::new(answer.status, problem(answer.body)), units);
    }
    match operation {
        Operation::Batch => batch(units, answer.body),
        Operation::Reserve if wants_reservation => Verdict {
            reservation: reservation(answer.body),
            ..Verdict::accepted(units)
        },
        Operation::Read => {
            let unknown = memmem::find_iter(answer.body, UNKNOWN).count() as u64;
            Verdict::read(units, unknown)
        }
        _ => Verdict::accepted(units),
    }
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
}

/// The problem's name.
fn problem(body: &[u8]) -> String {
    match serde_json::from_slice::<Problem<'_>>(body) {
        Ok(problem) => problem.name().into(),
        Err(_) => String::new(),
    }
}

impl Problem<'_> {
    fn name(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    results: Vec<One<'a>>,
}

#[derive(Deserialize)]
struct One<'a> {
    status: u16,
    #[serde(borrow)]
    problem: Option<Problem<'a>>,
}

/// The most usual answer, all were made, is recognized without reading it whole. Any other is read properly, so an
/// answer whose fields come in another order costs time, and nothing else.
fn batch(units: u64, body: &[u8]) -> Verdict {
    if memmem::find_iter(body, MADE).count() as u64 == units {
        return Verdict::accepted(units);
    }
    let Ok(batch) = serde_json::from_slice::<Batch<'_>>(body) else {
        return Verdict::denied(Reason::silence("an answer that cannot be read"), units);
    };
    let mut verdict = Verdict::default();
    for one in &batch.results {
        if one.status == 201 {
            verdict.accepted += 1;
        } else {
            let name = one.problem.as_ref().map_or("", Problem::name);
            verdict.deny(one.status, name);
        }
    }
    let results = batch.results.len() as u64;
    if results < units {
        let missing = Reason::silence("missing in the answer to its batch");
        verdict.denied.push((missing, units - results));
    }
    verdict
}

/// The identifier of the reservation that was made.
fn reservation(body: &[u8]) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Made<'a> {
        id: Cow<'a, str>,
    }
    let made: Made<'_> = serde_json::from_slice(body).ok()?;
    Some(made.id.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(operation: Operation, units: u64, status: u16, body: &str) -> Verdict {
        let answer = Answer {
            status,
            durability: None,
            body: body.as_bytes(),
            length: 0,
            is_last: false,
        };
        judge(operation, units, &answer, true)
    }

    #[test]
    fn a_reservation_is_remembered() {
        let made = verdict(
            Operation::Reserve,
            1,
            201,
            r#"{"id":"r0-7","state":"held"}"#,
        );
        assert_eq!(
            (made.accepted, made.reservation.as_deref()),
            (1, Some("r0-7"))
        );
    }

    #[test]
    fn a_refusal_has_the_name_of_its_problem() {
        let busy = verdict(
            Operation::Read,
            10,
            429,
            r#"{"type":"urn:onhand:problem:busy","status":429}"#,
        );
        assert_eq!(busy.denied, [(Reason::new(429, "busy"), 10)]);
        let other = verdict(Operation::Read, 1, 502, "<html>");
        assert_eq!(other.denied, [(Reason::new(502, ""), 1)]);
        assert!(!other.denied[0].0.is_refusal());
    }

    #[test]
    fn levels_that_the_server_does_not_know_are_not_read() {
        let item = |known| format!(r#"{{"location":"a","sku":"b","available":0,"known":{known}}}"#);
        let body = |items: &[String]| format!(r#"{{"items":[{}]}}"#, items.join(","));
        let all = verdict(Operation::Read, 2, 200, &body(&[item(true), item(true)]));
        assert_eq!(all, Verdict::accepted(2));
        let some = verdict(Operation::Read, 2, 200, &body(&[item(true), item(false)]));
        assert_eq!(some.accepted, 1);
        assert_eq!(some.denied, [(Reason::new(404, "unknown-level"), 1)]);
    }

    #[test]
    fn every_reservation_of_a_batch_counts_for_itself() {
        let made = r#"{"status":201,"replayed":false,"reservation":{"id":"r0-7"}}"#;
        let reordered = r#"{"replayed":false,"reservation":{"id":"r0-7"},"status":201}"#;
        let short = r#"{"status":409,"problem":{"type":"urn:onhand:problem:insufficient-stock","status":409}}"#;
        let body = |results: &[&str]| format!(r#"{{"results":[{}]}}"#, results.join(","));
        let all = verdict(Operation::Batch, 2, 200, &body(&[made, made]));
        assert_eq!(all, Verdict::accepted(2));
        assert_eq!(
            verdict(Operation::Batch, 2, 200, &body(&[made, reordered])),
            all
        );
        let some = verdict(Operation::Batch, 4, 200, &body(&[made, short, short]));
        assert_eq!(some.accepted, 1);
        assert_eq!(some.denied[0], (Reason::new(409, "insufficient-stock"), 2));
        assert_eq!(some.denied[1].1, 1, "the missing one");
    }
}
