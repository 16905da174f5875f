//! Many seeds, on as many threads as there are; each seed runs in one.

use crate::counts::Counts;
use crate::finding::{Check, Finding};
use crate::scenario::Scenario;
use crate::world::{Outcome, run};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;

thread_local! {
    /// The seed that this thread runs.
    static SEED: Cell<u64> = const { Cell::new(0) };
    /// What a panic of this thread said, and where.
    static LAST_WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs one seed. A panic in the product is a finding like any other.
pub fn run_seed(seed: u64, steps: usize, keeps_trace: bool) -> Outcome {
    SEED.set(seed);
    let scenario = Scenario::of(seed, steps);
    let outcome = catch_unwind(AssertUnwindSafe(|| run(scenario, keeps_trace)));
    outcome.unwrap_or_else(|_| Outcome {
        counts: Counts::default(),
        trace_hash: 0,
        state_hash: 0,
        trace: String::new(),
        finding: Some(Finding::new(
            Check::Assertion,
            LAST_WORDS.with(|words| words.take()),
        )),
    })
}

/// Runs seeds until one finds something or `wants_more` says no; gives the outcomes in the order in which they end.
pub fn run_seeds(
    seeds: Range<u64>,
    steps: usize,
    threads: usize,
    mut wants_more: impl FnMut(u64, &Outcome) -> bool,
) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(remember));
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
    std::panic::set_hook(hook);
}

fn remember(panic: &PanicHookInfo<'_>) {
    if cfg!(panic = "abort") {
        // Nobody will be there to ask.
        eprintln!("seed {}: {panic}", SEED.get());
    }
    LAST_WORDS.with(|words| *words.borrow_mut() = panic.to_string());
}
