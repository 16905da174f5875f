//! What the process has written.

use std::fs;
use std::io;
use std::ops::Sub;

/// Bytes that this process has written so far, as Linux counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Handed to the system.
    pub(super) bytes: u64,
    /// Of whole pages that go to a disk.
    pub(super) disk_bytes: u64,
}

impl Written {
    /// Until now.
    ///
    /// # Errors
    /// The system does not say.
    pub(super) fn so_far() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/self/io")?;
        let strange = || io::Error::other(format!("/proc/self/io says {text:?}"));
        parse(&text).ok_or_else(strange)
    }
}

impl Sub for Written {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            disk_bytes: self.disk_bytes.saturating_sub(earlier.disk_bytes),
        }
    }
}

fn parse(text: &str) -> Option<Written> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    Some(Written {
        bytes: field("wchar:")?,
        disk_bytes: field("write_bytes:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_taken_back_are_not_those_that_were_written() {
        let text = "rchar: 1\nwchar: 22\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n";
        let written = Written {
            bytes: 22,
            disk_bytes: 4096,
        };
        assert_eq!(parse(text), Some(written));
        assert_eq!(parse("rchar: 1\n"), None);
    }
}
