//! `POST /v1/features/frame`.
//!
//! Rows as of past times are made as `onhand features frame` makes them: the ledger is replayed from its first entry into
//! stores that are the frame's own, and each row is read before the first entry that it may not know. That takes as
//! long as the ledger is, so
//!
//! - **one frame is made at a time**, and holds its place until its answer is sent: memory is bounded by one frame.
//!   Another is refused at once, with the time after which to try again;
//! - **nothing is made for nobody**: when the client goes, or the time is over for which he waits, the replay ends at its
//!   next page;
//! - **nothing is missed**: before the replay each partition answers for what was recorded so far, so a row of a moment
//!   ago is the same as it will be tomorrow.

use super::{follower, names_of, table};
use crate::accept::{ARROW, Form};
use crate::app::{App, Shared};
use crate::body;
use crate::history::unreadable_ledger;
use crate::json;
use crate::openapi::Caller;
use crate::problem::Denied;
use crate::problem::described::TableProblems;
use crate::problem::refused::in_future;
use crate::problem::unavailable::{late, unavailable};
use crate::problem::unreadable::unfit;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use onhand_core::{LocationId, Seq, Sku, Timestamp};
use onhand_engine::history::Filter;
use onhand_engine::{Query, Unavailable};
use onhand_features::{
    Asked, FeatureSet, FrameBuilder, FrameRow, Limits, Moment, Question, Questions, Store,
};
use onhand_wire::json::frame::{FrameAnswer, FrameAnswerRow, FrameRequest};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::json::time::Time;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Entries read at once.
const PAGE: usize = 1_024;
/// Seconds after which to ask again for a frame.
const RETRY_AFTER: u16 = 5;

/// The features of levels as they were at past times, each row knowing only what was recorded by its own.
#[utoipa::path(
    post,
    path = "/v1/features/frame",
    operation_id = "features_frame",
    tag = "features",
    params(Caller),
    request_body = FrameRequest,
    responses(
        (
            status = 200,
            description = "The rows, in the order of their times. As Arrow it has the columns location, sku, at, target, \
                and one for each feature, where NaN is missing.",
            content((FrameAnswer = "application/json"), (Vec<u8> = "application/vnd.apache.arrow.stream"))
        ),
        TableProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let form = Form::wanted(request.headers());
    let body::Question::<FrameRequest> {
        request,
        room: _room,
        origin,
    } = body::question(&app, request).await?;
    let form = form?;
    follower(&app)?;
    let place = Arc::clone(&app.frames).try_acquire_owned();
    let place = place.map_err(|_| {
        unavailable(&Unavailable::Busy {
            retry_after: RETRY_AFTER,
        })
    })?;
    let asked = asked(&app, request)?;
    for partition in asked.keys() {
        app.find(origin, *partition, Query::Durable).await?;
    }
    // Dropped with this call: when it is answered, its time is over, or its client has gone.
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    let left = app.time_left(origin);
    let making = spawn_blocking(move || make(&app, asked, form, &is_wanted, place));
    let made = match left {
        Some(left) => timeout(left, making).await.map_err(|_| late())?,
        None => making.await,
    };
    made.unwrap_or_else(|error| Err(Denied::internal(&error)))
}

/// What is asked of each partition.
fn asked(app: &App, request: FrameRequest) -> Result<BTreeMap<u16, Questions>, Denied> {
    let now = app.engine.clock().now();
    let mut asked: BTreeMap<u16, Asked> = BTreeMap::new();
    for (number, row) in request.rows.into_inner().into_iter().enumerate() {
        let at = row.at.0;
        let target = row.target.map_or(at, |target| target.0);
        if at > now {
            return Err(in_future(Time(now)).at(format!("/rows/{number}/at"), "is in the future"));
        }
        if target < at {
            return Err(unfit(Fault {
                pointer: format!("/rows/{number}/target"),
                message: "say a time that is not before `at`".into(),
            }));
        }
        let of_partition = asked.entry(app.engine.partition_of(&row.location.0));
        let moment = Moment { now: at, target };
        of_partition
            .or_default()
            .ask(row.location.0, row.sku.0, moment);
    }
    let questions = |(partition, asked): (u16, Asked)| (partition, asked.into_questions());
    Ok(asked.into_iter().map(questions).collect())
}

/// Makes the frame; blocks.
fn make(
    app: &App,
    asked: BTreeMap<u16, Questions>,
    form: Form,
    is_wanted: &Weak<()>,
    place: OwnedSemaphorePermit,
) -> Result<Response, Denied> {
    let set = follower(app)?.set();
    let mut made = Made::new(set.len());
    for (partition, questions) in asked {
        made.add(app, set, (partition, questions), is_wanted)?;
    }
    let (content_type, bytes) = match form {
        Form::Json => ("application/json", made.json(set)),
        Form::Arrow => (ARROW, made.arrow(set)?),
    };
    drop(made);
    let bytes = Bytes::from_owner(Answer {
        bytes,
        _place: place,
    });
    Ok(json::with(StatusCode::OK, content_type, bytes))
}

/// An answer that holds its place until it is sent.
struct Answer {
    bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The rows that are made.
struct Made {
    /// The SKUs at locations that each partition is asked about.
    pairs: Vec<Vec<(LocationId, Sku)>>,
    /// Of each row: the place of its partition's pairs, and its question.
    rows: Vec<(usize, Question)>,
    width: usize,
    values: Vec<f32>,
}

impl Made {
    fn new(width: usize) -> Self {
        Self {
            pairs: Vec::new(),
            rows: Vec::new(),
            width,
            values: Vec::new(),
        }
    }

    /// Replays a partition, and adds its rows.
    fn add(
        &mut self,
        app: &App,
        set: &Arc<FeatureSet>,
        (partition, questions): (u16, Questions),
        is_wanted: &Weak<()>,
    ) -> Result<(), Denied> {
        let of = self.pairs.len();
        self.pairs.push(questions.pairs.clone());
        let store = Store::new(Arc::clone(set), Limits::default());
        let builder = FrameBuilder::new(store, questions);
        replay(app, partition, builder, is_wanted, &mut |row| {
            self.rows.push((of, *row.question));
            self.values.extend_from_slice(row.values);
        })
    }

    fn each(&self) -> impl Iterator<Item = (&str, &str, Moment)> {
        self.rows.iter().map(|(of, question)| {
            let (location, sku) = &self.pairs[*of][question.pair as usize];
            (location.as_str(), sku.as_str(), question.moment)
        })
    }

    fn json(&self, set: &FeatureSet) -> Vec<u8> {
        let values = self.values.chunks_exact(self.width);
        let rows = self.each().zip(values);
        let rows = rows.map(|((location, sku, moment), values)| FrameAnswerRow {
            location: location.into(),
            sku: sku.into(),
            at: Time(moment.now),
            target: Time(moment.target),
            values: values.into(),
        });
        let answer = FrameAnswer {
            set: format!("{:016x}", set.hash()).into(),
            features: names_of(set),
            rows: rows.collect(),
        };
        serde_json::to_vec(&answer).expect("an answer is plain data")
    }

    fn arrow(&self, set: &FeatureSet) -> Result<Vec<u8>, Denied> {
        let columns = vec![
            table::texts("location", self.each().map(|row| row.0)),
            table::texts("sku", self.each().map(|row| row.1)),
            table::times("at", self.each().map(|row| row.2.now)),
            table::times("target", self.each().map(|row| row.2.target)),
        ];
        let rows: Vec<&[f32]> = self.values.chunks_exact(self.width).collect();
        table::stream(set, columns, &rows)
    }
}

/// Replays a partition from its first entry until every row is made.
fn replay(
    app: &App,
    partition: u16,
    mut builder: FrameBuilder,
    is_wanted: &Weak<()>,
    each: &mut dyn FnMut(FrameRow<'_>),
) -> Result<(), Denied> {
    let ledger = app.engine.ledger(partition);
    if ledger.positions().start > Seq::ZERO.next().0 {
        let detail = "Frames are made from the ledger's first entry, and this ledger does not reach back to it any more.";
        return Err(Denied::new(Kind::TooOld, detail).at("/rows", "their past is not kept"));
    }
    let mut next = Some(Seq::ZERO);
    while let Some(first) = next
        && !builder.is_done()
    {
        if is_wanted.strong_count() == 0 {
            let detail = "The client has gone, so the frame was not made.";
            return Err(Denied::new(Kind::NoAnswer, detail));
        }
        let filter = Filter {
            first,
            from: Timestamp::default(),
            to: Timestamp::MAX,
            limit: PAGE,
        };
        let page = ledger.page(&filter, |_| true).map_err(unreadable_ledger)?;
        for entry in &page.entries {
            let taken = builder.take(entry, each);
            taken.map_err(|error| Denied::internal(&error))?;
        }
        next = page.next;
    }
    builder.finish(each);
    Ok(())
}
