//! A crash at every change of the disk: not where the dice say, but at each in turn.
//!
//! One small scenario without other faults is run once to count the changes. Then it is run again for each of them, with
//! a crash there, three times: of what was not synced survives nothing, everything, or a part. So every call is
//! interrupted before, within and after it. The same is done with the making of the folder, and with the first start
//! after one crash in forty, at every change of that. The segments are tiny, so that all that is done to a log is done: segments
//! are begun and sealed, snapshots are taken, the log is trimmed. Which kinds of calls were interrupted is counted, for
//! a kind that never was proves nothing.

use super::starts::CRASH_OF_A_START;
use super::{Outcome, World, run};
use crate::counts::Counts;
use crate::finding::{Finding, Verdict};
use crate::scenario::{Crashes, Scenario};
use onhand_engine::Durability;
use onhand_log::disk::Survives;

/// A start is interrupted everywhere after one crash in so many.
const CRASHES_FOR_A_START: u64 = 40;

/// Of what was not synced.
const OUTCOMES: [Survives; 3] = [Survives::Nothing, Survives::Everything, Survives::Part];

/// The small scenario of a seed.
pub fn small(seed: u64, durability: Durability) -> Scenario {
    Scenario {
        durability,
        flash_sale: 0,
        steps: 700,
        partitions: 1,
        capacity: 64,
        faults: 0,
        segment_bytes: 5 << 10,
        snapshot_bytes: 1 << 10,
        batch_bytes: 512,
        keep_ledger: Some(0),
        ..Scenario::of(seed, 0)
    }
}

/// Runs a scenario with a crash at every change; gives what was done.
///
/// # Errors
/// The first finding, and where the crash was.
pub fn crash_everywhere(scenario: &Scenario) -> Result<Counts, (Crashes, Finding)> {
    let begin = Crashes::default();
    let (made, changes) = count(scenario).map_err(|finding| (begin, finding))?;
    let making = (1..=made).map(|change| Crashes {
        making: Some(change),
        ..begin
    });
    let running = (1..=changes).map(|change| Crashes {
        running: Some(change),
        ..begin
    });
    let mut counts = Counts::default();
    for crashes in making.chain(running) {
        counts += &with_each_outcome(scenario, crashes)?;
    }
    for change in (1..=changes).step_by(CRASHES_FOR_A_START as usize) {
        let crashes = Crashes {
            running: Some(change),
            ..begin
        };
        counts += &crash_the_start(scenario, crashes)?;
    }
    Ok(counts)
}

/// Runs a scenario with a crash, and with another at every change of the start after it.
fn crash_the_start(scenario: &Scenario, crashes: Crashes) -> Result<Counts, (Crashes, Finding)> {
    let mut counts = Counts::default();
    for of_the_start in 1.. {
        let crashes = Crashes {
            starting: Some(of_the_start),
            ..crashes
        };
        let tried = with_each_outcome(scenario, crashes)?;
        counts += &tried;
        // No start has so many changes.
        if !tried.faults.contains_key(CRASH_OF_A_START) {
            break;
        }
    }
    Ok(counts)
}

/// Runs a scenario with a crash, once for each outcome of it.
fn with_each_outcome(scenario: &Scenario, crashes: Crashes) -> Result<Counts, (Crashes, Finding)> {
    let mut counts = Counts::default();
    for survives in OUTCOMES {
        let crashes = Crashes {
            survives,
            ..crashes
        };
        counts += &crash(scenario, crashes).map_err(|finding| (crashes, finding))?;
    }
    Ok(counts)
}

/// Runs a scenario with crashes that are said.
fn crash(scenario: &Scenario, crashes: Crashes) -> Verdict<Counts> {
    let scenario = Scenario {
        crashes,
        ..scenario.clone()
    };
    let Outcome {
        mut counts,
        finding,
        ..
    } = run(scenario, false);
    counts.fault("crash at a change that was said");
    finding.map_or(Ok(counts), Err)
}

/// How many changes the making of the folder and the life after it take.
fn count(scenario: &Scenario) -> Verdict<(u64, u64)> {
    let mut world = World::new(scenario.clone(), false)?;
    let made = world.disk.changes();
    world.run()?;
    Ok((made, world.disk.changes() - made))
}
