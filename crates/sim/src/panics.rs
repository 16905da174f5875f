//! A panic in the product is a finding like any other.

use crate::finding::{Check, Finding, Verdict};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The seed that this thread runs, and what a panic said meanwhile, and where.
    static RUNNING: RefCell<Option<(u64, String)>> = const { RefCell::new(None) };
}

/// Does a part of a seed's run; a panic in it becomes a finding and is not printed.
pub(crate) fn caught<T>(seed: u64, part: impl FnOnce() -> Verdict<T>) -> Verdict<T> {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !is_heard(panic) {
                others(panic);
            }
        }));
    });
    RUNNING.replace(Some((seed, String::new())));
    let done = catch_unwind(AssertUnwindSafe(part));
    let said = RUNNING.take().map_or_else(String::new, |(_, said)| said);
    done.unwrap_or_else(|_| Err(Finding::new(Check::Assertion, said)))
}

/// Keeps what a panic says, if it is that of a run that goes on to tell of it.
fn is_heard(panic: &PanicHookInfo<'_>) -> bool {
    RUNNING.with_borrow_mut(|running| match running {
        None => false,
        Some((seed, _)) if cfg!(panic = "abort") => {
            eprintln!("seed {seed}: {panic}");
            true
        }
        Some((_, said)) => {
            *said = panic.to_string();
            true
        }
    })
}
