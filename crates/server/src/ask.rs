//! Asking a partition and waiting for its answer, but not for ever.

use crate::app::App;
use crate::problem::Denied;
use crate::problem::unavailable::{late, no_answer, unavailable};
use onhand_engine::{Answer, Found, Origin, Query, Request};
use std::time::Duration;
use tokio::time::timeout;

impl App {
    /// Asks a partition.
    pub(crate) async fn ask(
        &self,
        origin: Origin,
        partition: u16,
        request: Request,
    ) -> Result<Answer, Denied> {
        let answer = self.engine.call_from(origin, partition, request);
        match timeout(self.options.answer_timeout, answer).await {
            Ok(Answer::Unavailable(why)) => Err(unavailable(&why)),
            Ok(answer) => Ok(answer),
            Err(_) => Err(no_answer()),
        }
    }

    /// How long a caller waits at most, and what he is told then.
    pub(crate) fn patience(&self, origin: Origin) -> (Duration, Denied) {
        let most = self.options.answer_timeout;
        match self.time_left(origin).filter(|left| *left < most) {
            Some(left) => (left, late()),
            None => (most, no_answer()),
        }
    }

    /// How long a caller still waits, if he says how long.
    pub(crate) fn time_left(&self, origin: Origin) -> Option<Duration> {
        let now = self.engine.clock().moment();
        origin.deadline.map(|deadline| deadline.since(now))
    }

    /// Asks a partition something that changes nothing, and that includes every write answered before.
    pub(crate) async fn find(
        &self,
        origin: Origin,
        partition: u16,
        query: Query,
    ) -> Result<Found, Denied> {
        match self.ask(origin, partition, Request::Query(query)).await? {
            Answer::Found(found) => Ok(found),
            other => Err(Denied::internal(&format!(
                "a query was answered with {other:?}"
            ))),
        }
    }
}
