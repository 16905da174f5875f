//! Problems.

use super::{FieldError, Problem, ShortLine};
use crate::json::problem::Problem as Told;

impl Problem {
    /// A problem that may be worth trying again after some seconds. What HTTP calls a parameter is a field of the
    /// message here.
    pub fn of(problem: Told) -> Self {
        let errors = problem.errors.into_iter().map(|error| FieldError {
            pointer: match error.parameter {
                Some(name) => format!("/{name}"),
                None => error.pointer.unwrap_or_default(),
            },
            message: error.message,
        });
        let lines = problem.lines.into_iter().map(|line| ShortLine {
            sku: line.sku,
            requested: line.requested,
            available: line.available,
        });
        Self {
            r#type: problem.r#type,
            title: problem.title,
            status: problem.status.into(),
            detail: problem.detail,
            errors: errors.collect(),
            lines: lines.collect(),
            retry_after_seconds: problem.retry_after_seconds.map(u32::from),
        }
    }
}
