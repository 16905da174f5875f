//! Many seeds, on as many threads as there are; each seed runs in one.

use crate::scenario::Scenario;
use crate::world::{Outcome, run};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;

/// Runs one seed.
pub fn run_seed(seed: u64, steps: usize, keeps_trace: bool) -> Outcome {
    run(Scenario::of(seed, steps), keeps_trace)
}

/// Runs seeds until one finds something or `wants_more` says no; gives the outcomes in the order in which they end.
pub fn run_seeds(
    seeds: Range<u64>,
    steps: usize,
    threads: usize,
    mut wants_more: impl FnMut(u64, &Outcome) -> bool,
) {
    let (next, is_over) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let (sender, outcomes) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, is_over) = (sender.clone(), &next, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end
                        || sender.send((seed, run_seed(seed, steps, false))).is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (seed, outcome) in outcomes {
            if !wants_more(seed, &outcome) {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    });
}
