//! `POST /v1/predictions/availability`.
//!
//! A prediction has a time to be made in, and is told in it: what the model has not got to by then falls back to what
//! it said before, and to what is usual of the item's kind.

use super::{Predictions, rounded, shown};
use crate::app::{App, Shared};
use crate::body;
use crate::history::reading_in;
use crate::json;
use crate::openapi::Patience;
use crate::problem::Denied;
use crate::problem::described::QuestionProblems;
use crate::problem::unreadable::unfit;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use onhand_core::{LocationId, Sku, Span, Timestamp};
use onhand_engine::{Moment as Instant, Origin};
use onhand_features::{FellBack, Moment};
use onhand_modelops::predictor::Asked as Item;
use onhand_modelops::{Decision, Explanation, Prediction};
use onhand_wire::json::predictions as shape;
use onhand_wire::json::predictions::{Asked, PredictionItem, PredictionRequest};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::json::time::Time;
use std::sync::Arc;

const HOUR_MILLIS: u64 = 3_600_000;
/// A client's clock may be so much behind ours.
const BEHIND: Span = Span::from_secs(60);

/// Whether a shopper will find the items of a page.
#[utoipa::path(
    post,
    path = "/v1/predictions/availability",
    operation_id = "predict_availability",
    tag = "predictions",
    params(Patience),
    request_body = PredictionRequest,
    responses(
        (status = 200, description = "One for each item asked for, in order.", body = Vec<PredictionItem>),
        QuestionProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Question::<PredictionRequest> {
        origin,
        request,
        room: _room,
    } = body::question(&app, request).await?;
    let show = |items: Vec<PredictionItem<'_>>| PredictionItem::all_to_json(&items);
    let bytes = look(&app, origin, request, show).await?;
    Ok(json::with(StatusCode::OK, "application/json", bytes))
}

/// Predicts, and shows it.
pub(crate) async fn look<T: Send + 'static>(
    app: &Shared,
    origin: Origin,
    request: PredictionRequest,
    show: impl FnOnce(Vec<PredictionItem<'_>>) -> T + Send + 'static,
) -> Result<T, Denied> {
    let asked = request.asked().map_err(unfit)?;
    let until = app.predicted_by(origin);
    let turn = Arc::clone(&app.predictions()?.turns);
    reading_in(app, Origin::default(), turn, move |app| {
        let now = app.engine.clock().now();
        let target = target(asked.at, now)?;
        let moment = Moment { now, target };
        let told = told(app, &asked, moment, until)?;
        let model = app.predictions()?.model.scorer();
        let hour_never_learned = model.never_learned(moment);
        let items = asked.skus.iter().zip(told).map(|(sku, told)| {
            let (fallback, fallback_reason) = shown(told.fallback);
            PredictionItem {
                sku: sku.0.as_str().into(),
                probability_found: rounded(told.found),
                decision: decision(told.decision),
                model: model.name().into(),
                version: model.version().into(),
                features_age_ms: now.since(told.as_of).millis(),
                facts_age_ms: told.newest_fact.map(|at| now.since(at).millis()),
                fallback,
                fallback_reason,
                hour_never_learned,
                explanation: told.explanation.map(explanation),
            }
        });
        Ok(show(items.collect()))
    })
    .await
}

/// What is foretold of levels.
pub(crate) struct Foretold {
    pub(crate) now: Timestamp,
    /// One for each level.
    pub(crate) each: Vec<Prediction>,
    pub(crate) hour_never_learned: bool,
}

/// The probabilities that levels are found now, in their order; asked for beside what the ledger says of them.
pub(crate) async fn of_levels(
    app: &Shared,
    origin: Origin,
    names: Vec<(LocationId, Sku)>,
) -> Result<Foretold, Denied> {
    let until = app.predicted_by(origin);
    let turn = Arc::clone(&app.predictions()?.turns);
    reading_in(app, Origin::default(), turn, move |app| {
        let predictions = app.predictions()?;
        let now = app.engine.clock().now();
        let mut told = Vec::with_capacity(names.len());
        let partition = |name: &(LocationId, Sku)| app.engine.partition_of(&name.0);
        // Most requests ask about one location.
        for names in names.chunk_by(|one, next| partition(one) == partition(next)) {
            let items: Vec<_> = names.iter().map(|(place, sku)| item(place, sku)).collect();
            let go_on = || app.engine.clock().moment() < until;
            told.extend(predictions.model.predict(
                partition(&names[0]),
                &items,
                Moment::of(now),
                &go_on,
            ));
        }
        predictions.count(&told);
        let model = predictions.model.scorer();
        Ok(Foretold {
            now,
            each: told,
            hour_never_learned: model.never_learned(Moment::of(now)),
        })
    })
    .await
}

fn told(
    app: &App,
    asked: &Asked,
    moment: Moment,
    until: Instant,
) -> Result<Vec<Prediction>, Denied> {
    let predictions = app.predictions()?;
    let partition = app.engine.partition_of(&asked.location);
    let items = asked.skus.iter().map(|sku| item(&asked.location, &sku.0));
    let items: Vec<_> = items.collect();
    let go_on = || app.engine.clock().moment() < until;
    let told = match asked.explain {
        true => predictions.model.explain(partition, &items, moment, &go_on),
        false => predictions.model.predict(partition, &items, moment, &go_on),
    };
    predictions.count(&told);
    Ok(told)
}

fn item<'a>(location: &'a LocationId, sku: &'a Sku) -> Item<'a> {
    Item {
        location: location.as_str(),
        sku: sku.as_str(),
    }
}

impl App {
    /// What models foretell, if this server has one.
    pub(crate) fn predictions(&self) -> Result<&Predictions, Denied> {
        self.predictions.as_ref().ok_or_else(|| {
            let detail = "This server runs without an availability model: train one (onhand train availability) and \
                          start it with --availability-model FILE.";
            Denied::new(Kind::NoModel, detail)
        })
    }

    /// Until when a prediction is made that is asked for now. Of the time that a caller leaves, a quarter is for the answer
    /// to be written and sent: he would have none of what is done in the last moment.
    fn predicted_by(&self, origin: Origin) -> Instant {
        let now = self.engine.clock().moment();
        let time = origin.deadline.map(|deadline| deadline.since(now) * 3 / 4);
        let usual = self.options.prediction_time;
        now.plus(time.map_or(usual, |time| time.min(usual)))
    }
}

fn target(at: Option<Time>, now: Timestamp) -> Result<Timestamp, Denied> {
    let Some(Time(at)) = at else { return Ok(now) };
    // The model learned to tell of the hour that has begun: of a later one it knows nothing.
    let next_hour = Timestamp::from_millis((now.millis() / HOUR_MILLIS + 1) * HOUR_MILLIS);
    let is_in_range = now.minus(BEHIND) <= at && at < next_hour;
    match is_in_range {
        true => Ok(at.max(now)),
        false => Err(unfit(Fault {
            pointer: "/at".into(),
            message: format!(
                "must lie from now ({}) to the end of the hour ({}): the model foretells no more",
                Time(now),
                Time(next_hour)
            ),
        })),
    }
}

fn decision(decision: Decision) -> shape::Decision {
    match decision {
        Decision::Show => shape::Decision::Show,
        Decision::Warn => shape::Decision::Warn,
        Decision::Hide => shape::Decision::Hide,
    }
}

fn explanation(why: Explanation) -> shape::Explanation<'static> {
    let parts = why.parts.into_iter().map(|part| shape::ExplanationPart {
        feature: part.feature.into(),
        part: part.part,
        value: part.value,
        age_ms: part.age.map(Span::millis),
        is_default: part.fell_back.is_some(),
        is_stale: part.fell_back == Some(FellBack::Stale),
    });
    shape::Explanation {
        expected: why.expected,
        score: why.score,
        calibration: why.calibration.into(),
        parts: parts.collect(),
    }
}
