//! Progress on standard error, when a terminal is there.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A bar over so many steps.
pub(crate) fn bar(what: &'static str, steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:<22} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps).with_style(style).with_message(what)
}

/// A spinner for work of unknown length.
pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
