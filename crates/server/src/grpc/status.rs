//! The one map from problems to the statuses of gRPC.
//!
//! A status carries the whole problem in its details ([`Problem`]), so its stable `type` and its pointers are the same as
//! over HTTP. Beside it stand the details that clients of gRPC know in general: `google.rpc.BadRequest` with the fields at
//! fault, and `google.rpc.RetryInfo` where trying again makes sense.

use crate::problem::Denied;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::proto::Problem;
use prost::Message;
use prost_types::{Any, Duration};
use tonic::body::Body;
use tonic::codegen::http::Response;
use tonic::{Code, Status};
use tonic_types::pb::bad_request::FieldViolation;
use tonic_types::pb::{BadRequest, RetryInfo, Status as RpcStatus};

/// The code of a kind of problem.
fn code(kind: Kind) -> Code {
    match kind.status() {
        404 if kind == Kind::UnknownRoute => Code::Unimplemented,
        404 => Code::NotFound,
        // The state of the stock does not allow it; the same request may be right later.
        409 => Code::FailedPrecondition,
        408 => Code::DeadlineExceeded,
        429 => Code::ResourceExhausted,
        503 if kind == Kind::Late => Code::DeadlineExceeded,
        503 => Code::Unavailable,
        400..=499 => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

/// A problem as a message.
pub(super) fn problem(denied: Denied) -> Problem {
    Problem::of(*denied.problem)
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        let code = code(denied.kind);
        let problem = problem(denied);
        let detail = problem.detail.clone();
        let status = RpcStatus {
            code: code.into(),
            message: detail.clone(),
            details: details(&problem),
        };
        Self::with_details(code, detail, status.encode_to_vec().into())
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        crate::problem::unreadable::unfit(fault)
    }
}

fn details(problem: &Problem) -> Vec<Any> {
    let mut details = vec![any("onhand.v1.Problem", problem)];
    if !problem.errors.is_empty() {
        let violation = |error: &onhand_wire::proto::FieldError| FieldViolation {
            field: error.pointer.clone(),
            description: error.message.clone(),
            ..FieldViolation::default()
        };
        let field_violations = problem.errors.iter().map(violation).collect();
        details.push(any(
            "google.rpc.BadRequest",
            &BadRequest { field_violations },
        ));
    }
    if let Some(seconds) = problem.retry_after_seconds {
        let retry_delay = Some(Duration {
            seconds: seconds.into(),
            nanos: 0,
        });
        details.push(any("google.rpc.RetryInfo", &RetryInfo { retry_delay }));
    }
    details
}

fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

/// The status of an answer that is refused: it stands in the head. An answer that begins well has none yet.
pub(super) fn of(answer: &Response<Body>) -> Option<Status> {
    Status::from_header_map(answer.headers())
}

/// Gives a refusal that the protocol's own code made the shape of all others: it says of a message that it is too large,
/// or none. One that is packed in a way that this server does not take stays as it is; clients know what to do then.
pub(super) fn shaped(status: Status, limit: usize) -> Status {
    let is_ours = !status.details().is_empty();
    match status.code() {
        Code::Ok | Code::Unimplemented => status,
        _ if is_ours => status,
        Code::OutOfRange => too_large(limit).into(),
        _ => unreadable(status.message()).into(),
    }
}

fn too_large(limit: usize) -> Denied {
    let detail =
        format!("The message is longer than {limit} bytes. Nothing was changed; send it in parts.");
    Denied::new(Kind::BodyTooLarge, detail)
}

fn unreadable(why: &str) -> Denied {
    let detail = format!("The message cannot be read: {why}. Nothing was changed.");
    Denied::new(Kind::MalformedRequest, detail)
}
