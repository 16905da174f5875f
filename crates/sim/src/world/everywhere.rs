//! A crash at every change of the disk: not where the dice say, but at each in turn.
//!
//! One small scenario without other faults is run once to count the changes. Then it is run again for each of them, with
//! a crash there, and what survives of the unsynced writes is thrown: none, all, some sectors, or up to some byte. So
//! every call is interrupted before, within and after it. The same is done with the making of the folder, and with the
//! first start after a crash, at every change of that.

use super::{Outcome, World, run};
use crate::counts::Counts;
use crate::finding::{Finding, Verdict};
use crate::scenario::{Crashes, Scenario};

/// How many changes of a start are tried for each crash.
const CHANGES_OF_A_START: u64 = 40;

/// A start is interrupted everywhere after one crash in so many.
const CRASHES_FOR_A_START: u64 = 8;

/// Runs a scenario with a crash at every change; gives what was done.
///
/// # Errors
/// The first finding, and where the crash was.
pub fn crash_everywhere(scenario: &Scenario) -> Result<Counts, (Crashes, Finding)> {
    let calm = Scenario {
        faults: 0,
        ..scenario.clone()
    };
    let begin = Crashes::default();
    let (made, changes) = count(&calm).map_err(|finding| (begin, finding))?;
    let making = (1..=made).map(|change| Crashes {
        making: Some(change),
        ..begin
    });
    let running = (1..=changes).map(|change| Crashes {
        running: Some(change),
        ..begin
    });
    let again = (1..=changes).step_by(CRASHES_FOR_A_START as usize);
    let starting = again.flat_map(|change| {
        (1..=CHANGES_OF_A_START).map(move |of_the_start| Crashes {
            running: Some(change),
            starting: Some(of_the_start),
            ..begin
        })
    });
    let mut counts = Counts::default();
    for crashes in making.chain(running).chain(starting) {
        let Outcome {
            counts: more,
            finding,
            ..
        } = run(
            Scenario {
                crashes,
                ..calm.clone()
            },
            false,
        );
        counts += &more;
        match finding {
            Some(finding) => return Err((crashes, finding)),
            None => counts.fault("crash at a change that was said"),
        }
    }
    Ok(counts)
}

/// How many changes the making of the folder and the life after it take.
fn count(scenario: &Scenario) -> Verdict<(u64, u64)> {
    let mut world = World::new(scenario.clone(), false)?;
    let made = world.disk.changes();
    world.run()?;
    Ok((made, world.disk.changes() - made))
}
