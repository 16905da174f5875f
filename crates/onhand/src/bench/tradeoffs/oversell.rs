//! Overselling: denied, or allowed up to a limit. One item, and twice as many buyers as units.

use super::Site;
use crate::bench::closed_loop::{Measured, closed_loop};
use crate::bench::shop::reserve;
use crate::bench::stage::Stock;
use crate::failure::Failure;
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::stock::set_policy::{PolicyLine, SetPolicy};
use onhand_core::{Command, Few, Lines, Quantity};
use onhand_engine::{Answer, Engine, Options, Request};
use serde::Serialize;

/// Units of the item.
const UNITS: u32 = 20_000;

/// Who wants one.
const BUYERS: u64 = 2 * UNITS as u64;

/// Buyers that wait for an answer at a time.
pub(super) const IN_FLIGHT: usize = 64;

/// One policy.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) limit: u32,
    pub(super) units: u32,
    /// Units promised that are not there.
    pub(super) oversold: u64,
    #[serde(flatten)]
    pub(super) run: Measured,
}

/// The same sale under each policy.
pub(super) fn measure() -> Result<Vec<Row>, Failure> {
    [0, UNITS / 4].into_iter().map(one).collect()
}

fn one(limit: u32) -> Result<Row, Failure> {
    let site = Site::open(Options::default())?;
    stock(&site.engine, limit)?;
    let partition = site.engine.partition_of(&Stock::location(0));
    let run = closed_loop(&site.engine, IN_FLIGHT, |number| {
        (number < BUYERS).then(|| (partition, reserve(0, &number.to_string())))
    })?;
    Ok(Row {
        limit,
        units: UNITS,
        oversold: run.recorded.saturating_sub(UNITS.into()),
        run,
    })
}

fn stock(engine: &Engine, limit: u32) -> Result<(), Failure> {
    let (location, sku) = (Stock::location(0), Stock::sku(0));
    let receive = Command::Receive(Receive {
        location: location.clone(),
        lines: lines(ReceiveLine {
            sku: sku.clone(),
            quantity: Quantity::new(UNITS).expect("it is within the bounds of a quantity"),
            lot: None,
            expires_on: None,
        }),
        reference: None,
        occurred_at: None,
    });
    let policy = Command::SetPolicy(SetPolicy {
        location,
        lines: lines(PolicyLine {
            sku,
            oversell_limit: Some(limit),
            safety_stock: None,
            on_not_found: None,
        }),
        reason: None,
    });
    for command in [receive, policy] {
        let partition = engine.partition_of(&Stock::location(0));
        let request = Request::Command {
            key: None,
            command,
            at: None,
        };
        if let Answer::Unavailable(why) = engine.call_blocking(partition, request) {
            return Err(Failure::say(why));
        }
    }
    Ok(())
}

fn lines<T>(line: T) -> Lines<T> {
    Lines::new(Few::from_vec(vec![line])).expect("one line")
}
