//! Whether the checks can fail: every planted defect must be found, each by itself.

use crate::campaign::{run_seed, run_seeds};
use crate::finding::Finding;
use onhand_planted::Defect;
use std::ops::Range;

/// Who looks for a defect, if it is not the simulator.
pub fn elsewhere(defect: Defect) -> Option<&'static str> {
    match defect {
        Defect::StaleRead => Some("the linearizability test"),
        _ if Defect::FOR_FUZZING.contains(&defect) => Some("its fuzz target"),
        _ => None,
    }
}

/// What became of the search for one defect.
#[derive(Clone, Debug)]
pub struct Search {
    /// Which.
    pub defect: Defect,
    /// How many seeds it took, and what the last of them found; `None` if none did.
    pub found: Option<(u64, Finding)>,
    /// What that seed finds without the defect. It must be nothing, or the finding proves nothing.
    pub without: Option<Finding>,
}

/// Whether this build can plant defects.
pub const fn can_plant() -> bool {
    cfg!(feature = "planted")
}

/// The defects that the simulator looks for.
pub fn all() -> impl Iterator<Item = Defect> {
    let all = Defect::ALL.iter().copied();
    all.filter(|defect| elsewhere(*defect).is_none())
}

/// Plants a defect and runs seeds until one finds it. Nothing is planted afterwards.
pub fn search(defect: Defect, seeds: Range<u64>, steps: usize, threads: usize) -> Search {
    plant(Some(defect));
    let (first, mut found) = (seeds.start, None);
    run_seeds(seeds, steps, threads, |seed, outcome| {
        let needed = seed - first + 1;
        // Seeds end out of order, but begin in order: the first that finds it has begun by now.
        let is_first = found.as_ref().is_none_or(|(earlier, _)| needed < *earlier);
        if let Some(finding) = outcome.finding.as_ref().filter(|_| is_first) {
            found = Some((needed, finding.clone()));
        }
        found.is_none()
    });
    plant(None);
    let without = found.as_ref().and_then(|(needed, _)| {
        let seed = first + needed - 1;
        run_seed(seed, steps, false).finding
    });
    Search {
        defect,
        found,
        without,
    }
}

#[cfg(feature = "planted")]
fn plant(defect: Option<Defect>) {
    onhand_planted::plant(defect);
}

/// A build without the defects has nothing to plant.
#[cfg(not(feature = "planted"))]
fn plant(_: Option<Defect>) {}
