//! Writing down what is served, so that it can be made again from the ledger and compared: `onhand features check`.
//!
//! Every so many rows one is written, one JSON object a line, until the file is as large as it may grow. A file that is
//! there is written anew. Lines are gathered, and go to the file once a second at the latest, whole ones only: a server that
//! is killed leaves those that are older. What fails is said once, and nothing more is written: serving goes on.

use onhand_core::Seq;
use onhand_features::{FeatureSet, Moment};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A row as it was served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The partition that was asked.
    pub partition: u16,
    /// The last entry that it showed.
    pub sequence: u64,
    /// Whose row.
    pub location: String,
    /// Whose row.
    pub sku: String,
    /// When it was asked, in milliseconds since the epoch.
    pub now: u64,
    /// The time that was asked about, likewise.
    pub target: u64,
    /// The hash of the definitions.
    pub set: u64,
    /// The bits of the values, in the order of the definitions.
    pub bits: Vec<u32>,
}

/// Writes samples down.
#[derive(Debug)]
pub struct Sampler {
    every: u64,
    served: AtomicU64,
    out: Mutex<Option<Out>>,
}

#[derive(Debug)]
struct Out {
    file: BufWriter<File>,
    left: u64,
}

impl Sampler {
    /// Writes every so many rows to a file, at most so many bytes.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, every: u64, most_bytes: u64) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let left = most_bytes;
        Ok(Self {
            every: every.max(1),
            served: AtomicU64::new(0),
            out: Mutex::new(Some(Out { file, left })),
        })
    }

    pub(crate) fn served(
        &self,
        (partition, seq): (u16, Seq),
        (location, sku): (&str, &str),
        moment: Moment,
        set: &FeatureSet,
        row: &[f32],
    ) {
        if !self
            .served
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(self.every)
        {
            return;
        }
        let sample = Sample {
            partition,
            sequence: seq.0,
            location: location.to_owned(),
            sku: sku.to_owned(),
            now: moment.now.millis(),
            target: moment.target.millis(),
            set: set.hash(),
            bits: row.iter().map(|value| value.to_bits()).collect(),
        };
        self.with(|open| open.write(&sample));
    }

    /// Gives what was gathered to the file.
    pub(crate) fn flush(&self) {
        self.with(|open| open.file.flush().map(|()| true));
    }

    /// Does something with the file, as long as there is room in it and nothing failed.
    fn with(&self, what: impl FnOnce(&mut Out) -> io::Result<bool>) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *out else { return };
        match what(open) {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!("the file of served features is full: no more are written down");
                *out = None;
            }
            Err(error) => {
                tracing::warn!(%error, "served features are no longer written down");
                *out = None;
            }
        }
    }
}

impl Out {
    /// Writes a line; `false` if there is no room for it.
    fn write(&mut self, sample: &Sample) -> io::Result<bool> {
        let mut line = serde_json::to_vec(sample)?;
        line.push(b'\n');
        let Some(left) = self.left.checked_sub(line.len() as u64) else {
            self.file.flush()?;
            return Ok(false);
        };
        self.left = left;
        self.file.write_all(&line)?;
        Ok(true)
    }
}
