//! What the process has written.

use std::fs;
use std::io;

/// Bytes that this process has handed to the system to write, so far, as Linux counts them.
///
/// # Errors
/// The system does not say.
pub(super) fn bytes() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let strange = || io::Error::other(format!("/proc/self/io says {text:?}"));
    parse(&text).ok_or_else(strange)
}

fn parse(text: &str) -> Option<u64> {
    let field = text.lines().find_map(|line| line.strip_prefix("wchar:"))?;
    field.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_was_written_and_not_what_was_read() {
        assert_eq!(parse("rchar: 1\nwchar: 22\nwrite_bytes: 4096\n"), Some(22));
        assert_eq!(parse("rchar: 1\n"), None);
    }
}
