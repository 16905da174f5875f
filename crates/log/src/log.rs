//! The contract of a log, whatever keeps it.
//!
//! One leader appends; any number of readers read. [`Log::append`] returns when the batch and all before it are
//! durable, and not before. Who may lose a little for a faster answer uses [`Log::write`] and, soon after,
//! [`Log::sync`]: what is written outlives the process and is seen by readers, and what is lost with the machine is
//! always the end of what was written since the last sync, never a hole. The batch says what it follows (position and checksum of the batch before), so every
//! append is fenced: a leader that was overtaken by another finds a tail that it does not expect and stops. A
//! replicated provider maps this onto its own conditional append (in JetStream: the expected last sequence and message
//! id), so nothing here assumes that the log is on this machine. There, written is what one replica has, and durable what a
//! majority has; a provider that knows no weaker promise than durable keeps the default, and writes as it appends.
//!
//! Failures come in three kinds, and a caller does another thing for each:
//! - [`AppendError::Full`] and [`AppendError::Unavailable`]: nothing was appended; the same batch may be tried again.
//! - [`AppendError::Fenced`]: another leader writes; step down.
//! - [`AppendError::Broken`]: it is not known whether the batch, and what was written before it and not yet synced, is
//!   durable (a sync failed). The log takes no more appends until it is opened again, because after a failed sync a
//!   later one proves nothing.

use crate::batch::{Batch, Tail};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room. Nothing was appended, and the same batch may be tried again when there is.
    #[error("no room to append {bytes} bytes: {source}")]
    Full {
        /// How many bytes were to be written.
        bytes: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log cannot be reached now. Nothing was appended, and the same batch may be tried again.
    #[error("the log cannot be written now: {0}")]
    Unavailable(std::io::Error),
    /// The log ends elsewhere than the batch says.
    #[error("the log ends at position {} with checksum {:016x}, not where the batch expects", .0.next, .0.checksum.0)]
    Fenced(Tail),
    /// It is not known whether the batch is durable. The log must be opened again.
    #[error("the log failed and takes no more writes until it is opened again: {0}")]
    Broken(String),
    /// The batch breaks the contract: no records, no bytes or more than [`Batch::MOST_BYTES`], or a time before that
    /// of the batch before it.
    #[error("not a batch that can be appended: {0}")]
    Invalid(&'static str),
}

/// Why a log could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system failed.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is stored is not what was written.
    #[error("{} is damaged at byte {offset}: {what}. {advice}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file that must be there is not.
    #[error("{} is missing: {what}. {advice}", path.display())]
    Missing {
        /// Which file, or the folder it should be in.
        path: PathBuf,
        /// How it is known that it should be there.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// The position was trimmed away.
    #[error("position {wanted} is trimmed; the log begins at {first}")]
    Trimmed {
        /// What was asked for.
        wanted: u64,
        /// What there is.
        first: u64,
    },
}

impl ReadError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}

impl AppendError {
    /// For a failure after which nothing is appended and the same may be tried again.
    pub(crate) fn retriable(bytes: usize, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { bytes, source }
            }
            _ => Self::Unavailable(source),
        }
    }
}

/// Whether a batch may be appended to a log that ends with `tail` and whose last batch was closed at `last_millis`.
/// Every provider asks this first, so that all of them refuse the same.
///
/// # Errors
/// [`AppendError::Invalid`] and [`AppendError::Fenced`], in this order; a time that goes back is told last, because
/// only who follows the tail knows what it may not be before.
pub fn admit(batch: &Batch, tail: &Tail, last_millis: u64) -> Result<(), AppendError> {
    if batch.records == 0 || batch.payload.is_empty() {
        return Err(AppendError::Invalid("it holds no records"));
    }
    if batch.payload.len() > Batch::MOST_BYTES {
        return Err(AppendError::Invalid("its payload is over 32 MiB"));
    }
    if !batch.follows(tail) {
        return Err(AppendError::Fenced(*tail));
    }
    if batch.next() > Batch::LAST_POSITION {
        return Err(AppendError::Invalid("its positions are past the last one"));
    }
    if batch.at_millis < last_millis {
        return Err(AppendError::Invalid(
            "its time is before that of the batch before it",
        ));
    }
    Ok(())
}

/// The writing end of a log. It has one owner.
pub trait Log: Send {
    /// Appends a batch. Returns the new tail when the batch and all before it are durable.
    ///
    /// # Errors
    /// See [`AppendError`]; after `Full`, `Unavailable`, `Fenced` and `Invalid` the log is as it was before.
    fn append(&mut self, batch: &Batch) -> Result<Tail, AppendError>;

    /// Writes a batch without waiting until it is durable. It is in the log, for readers and for whoever opens the log
    /// after this process; if the machine stops before the next [`Log::sync`], the end of what was written may be lost.
    ///
    /// # Errors
    /// As for [`Log::append`].
    fn write(&mut self, batch: &Batch) -> Result<Tail, AppendError> {
        self.append(batch)
    }

    /// Makes durable what was written. Does nothing if all of it is.
    ///
    /// # Errors
    /// [`AppendError::Broken`]: it is not known how much of what was written since the last success is durable.
    fn sync(&mut self) -> Result<(), AppendError> {
        Ok(())
    }

    /// The position after the last record that is known to be durable.
    fn durable(&self) -> u64 {
        self.tail().next
    }

    /// Where the log ends, durable or not.
    fn tail(&self) -> Tail;

    /// Lets go of what lies before `before`, as far as whole pieces do. What is trimmed cannot be read any more;
    /// `before` itself always can.
    ///
    /// # Errors
    /// The system failed; the log can still be used.
    fn trim(&mut self, before: u64) -> Result<(), ReadError>;

    /// A reading end, for any number of threads.
    fn reader(&self) -> Arc<dyn LogReader>;
}

/// The reading end of a log: sees what was appended or written, and nothing that is under way.
pub trait LogReader: Send + Sync {
    /// The batch that holds the record at `position`; `None` if that is at or after the tail.
    ///
    /// # Errors
    /// The position was trimmed, the batch is damaged, or the system failed.
    fn batch_at(&self, position: u64) -> Result<Option<Batch>, ReadError>;

    /// The first position that can be read; equal to [`LogReader::next`] if there is none.
    fn first(&self) -> u64;

    /// The position after the last record.
    fn next(&self) -> u64;

    /// The position of the first batch that was closed at or after `at_millis`; [`LogReader::next`] if there is none.
    ///
    /// # Errors
    /// The system failed.
    fn first_since(&self, at_millis: u64) -> Result<u64, ReadError>;

    /// How many bytes the readable log takes.
    fn bytes(&self) -> u64;
}

impl dyn LogReader + '_ {
    /// All batches from the one that holds `position`, in order, up to what is there when each is read.
    pub fn read_from(&self, position: u64) -> ReadFrom<'_> {
        ReadFrom {
            reader: self,
            position,
        }
    }
}

/// Batches in order. Ends at the tail or after the first error.
pub struct ReadFrom<'a> {
    reader: &'a dyn LogReader,
    position: u64,
}

impl Iterator for ReadFrom<'_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.batch_at(self.position).transpose()? {
            Ok(batch) => {
                self.position = batch.next();
                Some(Ok(batch))
            }
            Err(error) => {
                self.position = u64::MAX;
                Some(Err(error))
            }
        }
    }
}
