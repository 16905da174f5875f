//! Progress on standard error, when a terminal is there.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over so many steps.
pub(crate) fn bar(what: &'static str, steps: u64) -> ProgressBar {
    with_template(
        "{msg:<22} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta}",
        steps,
    )
    .with_message(what)
}

/// A bar over so many seconds, with a message that changes.
pub(crate) fn clock(seconds: u64) -> ProgressBar {
    with_template("{wide_bar} {pos}/{len} s  {msg}", seconds)
}

fn with_template(template: &str, steps: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps).with_style(style)
}
