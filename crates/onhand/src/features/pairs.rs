//! Questions from a file: SKUs at locations, each with its time.

use crate::dates::time;
use crate::failure::Failure;
use onhand_core::{LocationId, Sku};
use onhand_features::{Asked, Moment, Questions};
use serde::Deserialize;
use std::path::Path;

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    location: LocationId,
    sku: Sku,
    at: String,
    target: Option<String>,
}

/// Reads a CSV file with the columns `location`, `sku`, `at` (RFC 3339) and, if it has one, `target`.
pub(super) fn read(path: &Path) -> Result<Questions, Failure> {
    let say = |error: csv::Error| Failure::say(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(say)?;
    let mut asked = Asked::default();
    for line in reader.deserialize() {
        let line: Line = line.map_err(say)?;
        let wrong = |error: String| {
            let row = asked.len() + 1;
            Failure::say(format!("{}, row {row}: {error}", path.display()))
        };
        let at = time(&line.at).map_err(wrong)?;
        let target = line.target.as_deref().filter(|text| !text.is_empty());
        let target = target.map_or(Ok(at), time).map_err(wrong)?;
        if target < at {
            return Err(Failure::say(format!(
                "{}, row {}: target {} lies before at {}: ask about a time not before that of the question",
                path.display(),
                asked.len() + 1,
                line.target.unwrap_or_default(),
                line.at
            )));
        }
        let moment = Moment { now: at, target };
        asked.ask(line.location, line.sku, moment);
    }
    Ok(asked.into_questions())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_a_pair_is_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("asked.csv");
        let lines = "location,sku,at,target\ns1,milk,2024-01-01T08:00:00Z,\ns1,milk,2024-01-01T09:00:00Z,2024-01-01T10:00:00Z\ns2,milk,2024-01-01T09:00:00Z,\n";
        std::fs::write(&path, lines).unwrap();
        let asked = read(&path).unwrap();
        assert_eq!((asked.pairs.len(), asked.rows.len()), (2, 3));
        assert_eq!(asked.rows[0].moment.now, asked.rows[0].moment.target);
        assert_eq!(
            asked.rows[1]
                .moment
                .target
                .since(asked.rows[1].moment.now)
                .millis(),
            3_600_000
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("asked.csv");
        for (lines, what) in [
            ("location,sku\ns1,milk\n", "missing field `at`"),
            (
                "location,sku,at\ns 1,milk,2024-01-01T08:00:00Z\n",
                "visible ASCII",
            ),
            (
                "location,sku,at,target\ns1,milk,2024-01-01T08:00:00Z,2024-01-01T07:00:00Z\n",
                "row 1",
            ),
        ] {
            std::fs::write(&path, lines).unwrap();
            let failure = read(&path).unwrap_err().to_string();
            assert!(failure.contains(what), "{failure}");
        }
    }
}
