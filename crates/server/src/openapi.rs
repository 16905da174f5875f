//! The OpenAPI document. Each call describes itself beside its handler; this adds what they share.

use onhand_wire::json::problem::{FieldError, Problem, ShortLine};
use utoipa::{IntoParams, OpenApi};

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Onhand",
        description = "How many of an item can be promised at a location, and how sure that is.\n\n\
            Every write carries an `Idempotency-Key`: a repeat with the same body gives the first answer again, a \
            repeat with another body is refused. A refusal (409) changes nothing and frees the key.\n\n\
            Every answer says in `Onhand-Durability` when what it shows is on disk: `before-answer`, or \
            `within-50ms`, where a loss of power may take what was answered in the last 50 ms.\n\n\
            A caller may say in `Onhand-Timeout-Ms` how long it waits: what cannot be begun by then is not done, but a \
            prediction is answered all the same, from before or as a prior.\n\n\
            Errors are `application/problem+json`; `type` is stable, `errors` names the fields at fault.",
    ),
    components(schemas(Problem, FieldError, ShortLine)),
    tags(
        (name = "stock", description = "What is there, and what happens to it"),
        (name = "reservations", description = "Units promised to one buyer"),
        (name = "facts", description = "What others know, to learn from"),
        (name = "features", description = "What can be learned from the ledger, as numbers"),
        (name = "predictions", description = "What models foretell"),
        (name = "ledger", description = "Everything that happened, in order"),
        (name = "operations", description = "Running the server"),
    )
)]
pub(crate) struct Document;

/// The header of every write.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read from the headers by hand; this describes it")]
pub(crate) struct IdempotencyKey {
    /// A text of the caller's own, 1 to 128 visible ASCII characters: new for every new request, the same for every
    /// repeat of it. Kept for 24 hours by default.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 128,
        example = "7b0f2c0a-5d0e-4c4c-9a53-0d6f2f1f8a10"
    )]
    key: String,
}

/// The headers of every request that a partition answers.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read in `origin`; this describes it")]
pub(crate) struct Caller {
    /// How many milliseconds the caller waits. If its turn comes later, it is not done, and answered with 503 (`late`).
    #[param(
        rename = "Onhand-Timeout-Ms",
        minimum = 1,
        maximum = 600_000,
        example = 200
    )]
    timeout_ms: Option<u32>,
    /// Who asks, 1 to 128 visible ASCII characters: under overload each tenant gets the same share. Taken only by a
    /// server that runs with `--tenants-from-header`.
    #[param(
        rename = "Onhand-Tenant",
        min_length = 1,
        max_length = 128,
        example = "marketplace-7"
    )]
    tenant: Option<String>,
}

/// The headers of a request that is answered in its time, whatever there is by then.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read in `origin`; this describes it")]
pub(crate) struct Patience {
    /// How many milliseconds the caller waits, if that is less than the server gives a prediction (`--prediction-ms`). What
    /// the model has not got to by then is answered all the same: from before (`cached`), or as a `prior`.
    #[param(
        rename = "Onhand-Timeout-Ms",
        minimum = 1,
        maximum = 600_000,
        example = 50
    )]
    timeout_ms: Option<u32>,
    /// Who asks, as in a write. Predictions wait for no partition, so nothing depends on it here.
    #[param(
        rename = "Onhand-Tenant",
        min_length = 1,
        max_length = 128,
        example = "marketplace-7"
    )]
    tenant: Option<String>,
}

/// The OpenAPI document of the server.
pub fn openapi() -> utoipa::openapi::OpenApi {
    crate::app::routes(None).into_openapi()
}
