//! Durability: before the answer, or within N ms.

use super::{Ground, Site};
use crate::bench::closed_loop::{Measured, closed_loop};
use crate::bench::shop::{fill, reserve};
use crate::bench::stage::{Keys, Stock};
use crate::failure::Failure;
use onhand_engine::{Durability, Options};
use serde::Serialize;
use std::time::Instant;

/// The modes that are compared.
const MODES: [Durability; 4] = [
    Durability::BeforeAnswer,
    Durability::Within(5),
    Durability::Within(50),
    Durability::Within(500),
];

/// Requests in flight.
pub(super) const IN_FLIGHT: [usize; 3] = [1, 64, 4_096];

/// One mode.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) mode: String,
    /// What a loss of power may take, in milliseconds of answers.
    pub(super) lost_millis: u32,
    /// With each number in flight of [`IN_FLIGHT`].
    pub(super) runs: Vec<Measured>,
}

/// Reservations in each mode.
pub(super) fn measure(ground: Ground) -> Result<Vec<Row>, Failure> {
    MODES.iter().map(|mode| one(ground, *mode)).collect()
}

fn one(ground: Ground, durability: Durability) -> Result<Row, Failure> {
    let site = Site::open(Options {
        durability,
        ..Options::default()
    })?;
    fill(&site.engine, ground.stock)?;
    let runs = IN_FLIGHT.map(|in_flight| {
        let start = Instant::now();
        closed_loop(&site.engine, in_flight, |number| {
            let level = ground.stock.pick(Keys::Uniform, number);
            let partition = site.engine.partition_of(&Stock::location(level));
            let request = reserve(level, &format!("{in_flight}-{number}"));
            (start.elapsed() < ground.time).then_some((partition, request))
        })
    });
    Ok(Row {
        mode: durability.to_string(),
        lost_millis: match durability {
            Durability::BeforeAnswer => 0,
            Durability::Within(millis) => millis,
        },
        runs: runs.into_iter().collect::<Result<_, _>>()?,
    })
}
