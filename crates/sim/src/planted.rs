//! Whether the checks can fail: every planted defect must be found, each by itself.

use crate::campaign::run_seeds;
use crate::finding::Finding;
use onhand_planted::Defect;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Defects that the simulator does not look for, and who does.
pub const ELSEWHERE: &[(Defect, &str)] = &[(
    Defect::StaleRead,
    "the linearizability test of the real binary",
)];

/// What became of the search for one defect.
#[derive(Clone, Debug)]
pub struct Search {
    /// Which.
    pub defect: Defect,
    /// The seed that found it, how many were run until then, and what was found; `None` if no seed did.
    pub found: Option<(u64, u64, Finding)>,
    /// How long it took.
    pub took: Duration,
}

/// Whether this build can plant defects.
pub const fn can_plant() -> bool {
    cfg!(feature = "planted")
}

/// The defects that the simulator looks for.
pub fn all() -> impl Iterator<Item = Defect> {
    let is_elsewhere = |defect: &Defect| ELSEWHERE.iter().any(|(other, _)| other == defect);
    Defect::ALL
        .iter()
        .copied()
        .filter(move |defect| !is_elsewhere(defect))
}

/// Plants a defect and runs seeds until one finds it. Nothing is planted afterwards.
#[expect(
    clippy::disallowed_methods,
    reason = "it tells how long the search took"
)]
pub fn search(defect: Defect, seeds: Range<u64>, steps: usize, threads: usize) -> Search {
    let start = Instant::now();
    plant(Some(defect));
    let (mut runs, mut found) = (0, None);
    run_seeds(seeds, steps, threads, |seed, outcome| {
        runs += 1;
        if let (None, Some(finding)) = (&found, &outcome.finding) {
            found = Some((seed, runs, finding.clone()));
        }
        found.is_none()
    });
    plant(None);
    Search {
        defect,
        found,
        took: start.elapsed(),
    }
}

#[cfg(feature = "planted")]
fn plant(defect: Option<Defect>) {
    onhand_planted::plant(defect);
}

/// A build without the defects has nothing to plant.
#[cfg(not(feature = "planted"))]
fn plant(_: Option<Defect>) {}
