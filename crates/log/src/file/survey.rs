//! What is in a log's folder, read without changing anything: the first half of a start, and of a check.
//!
//! One block of each segment says where it begins and, if it is sealed, where the next must continue it. So a missing
//! file shows without reading the log, wherever it is missing:
//! - at the beginning: the first segment lacks the mark that the log begins there;
//! - in the middle: the next does not begin where the seal says;
//! - at the end: the last one is sealed, and a seal is only written when the next segment is durable.
//!
//! Only the last segment is read through, and the one before it if a crash came between the creation of the last and
//! its own seal.

use super::again;
use super::frame::FrameHeader;
use super::header::{self, BEGIN, FRAMES, Header, HeaderFault, SEAL, Seal, Stamped};
use super::judge::{ADVICE, Verdict, changed, damaged, judge, stranger};
use super::walk::{Source, Stop, Walk, Walked};
use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::log::ReadError;
use crate::record::Record;
use onhand_planted::Defect;
use std::io;
use std::path::{Path, PathBuf};

const RESTORE: &str = "Nothing was changed. Put the file back, from a replica or a backup; without it the log \
     cannot be continued";

/// A segment's file with what its first block says.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) seal: Stamped<Seal>,
    begin: Stamped<()>,
}

impl Found {
    pub(crate) fn source<'a, F: DiskFile>(&'a self, file: &'a F) -> Source<'a, F> {
        Source::new(file, &self.path, &self.header)
    }

    /// Whether it is marked as the beginning of the log.
    pub(crate) fn begins(&self) -> bool {
        self.begin == Stamped::Sound(())
    }

    fn damaged(&self, offset: u64, what: &str) -> ReadError {
        damage(&self.path, offset, what.to_owned())
    }
}

fn damage(path: &Path, offset: u64, what: String) -> ReadError {
    let path = match Defect::DamageNamesNoFile.is_on() {
        true => Path::new("the log"),
        false => path,
    };
    ReadError::Damaged {
        path: path.to_owned(),
        offset,
        what,
        advice: ADVICE,
    }
}

fn missing(path: PathBuf, what: String) -> ReadError {
    ReadError::Missing {
        path,
        what,
        advice: RESTORE,
    }
}

/// A log's folder.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The segments of the log, in order; never empty.
    pub(crate) segments: Vec<Found>,
    /// How far the last segment is good.
    pub(crate) last: Walked,
    /// What comes after that.
    pub(crate) verdict: Verdict,
    /// The seal that the segment before the last still lacks.
    pub(crate) lacking: Option<Seal>,
    /// Files that belong to the log no more: trimmed away, or never completed.
    pub(crate) remains: Vec<PathBuf>,
}

impl Survey {
    /// Looks at a folder.
    pub(crate) fn of<D: Disk>(disk: &D, dir: &Path) -> Result<Self, ReadError> {
        let (firsts, mut remains) = names(disk, dir)?;
        let (trimmed, segments) = kept(disk, dir, &firsts)?;
        remains.extend(trimmed);
        let lacking = chain(disk, dir, &segments)?;
        let (last, verdict) = end(disk, dir, &segments[segments.len() - 1])?;
        Ok(Self {
            segments,
            last,
            verdict,
            lacking,
            remains,
        })
    }

    /// The segment that takes the next batch.
    pub(crate) fn last_segment(&self) -> &Found {
        &self.segments[self.segments.len() - 1]
    }

    /// The segment before the last, and the seal it has or must get.
    pub(crate) fn before_last(&self) -> Option<(&Found, Seal)> {
        let found = self.segments.iter().rev().nth(1)?;
        let written = match found.seal {
            Stamped::Sound(seal) => Some(seal),
            _ => self.lacking,
        };
        Some((found, written?))
    }

    /// All segments but the last, each with its seal.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = (&Found, Seal)> {
        let sealed = self.segments.iter().rev().skip(1).rev();
        sealed.filter_map(|found| match found.seal {
            Stamped::Sound(seal) => Some((found, seal)),
            _ => Some((found, self.lacking?)),
        })
    }
}

/// The first positions of the segments, in order, and the files that were never completed.
pub(crate) fn names<D: Disk>(disk: &D, dir: &Path) -> Result<(Vec<u64>, Vec<PathBuf>), ReadError> {
    let listed = match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|error| ReadError::io(dir, error))?,
    };
    let firsts: Vec<u64> = listed
        .iter()
        .filter_map(|name| header::first_of(name))
        .collect();
    if firsts.is_empty() {
        let what = "there is no segment of the log, not even an empty one".to_owned();
        return Err(missing(header::path(dir, 1), what));
    }
    let unfinished = listed.iter().filter(|name| header::is_unfinished(name));
    Ok((firsts, unfinished.map(|name| dir.join(name)).collect()))
}

type Kept = (Vec<PathBuf>, Vec<Found>);

/// The segments from the last that is marked as the beginning, and the files of those before it.
fn kept<D: Disk>(disk: &D, dir: &Path, firsts: &[u64]) -> Result<Kept, ReadError> {
    let mut found: Vec<Result<Found, ReadError>> =
        firsts.iter().map(|first| find(disk, dir, *first)).collect();
    // What cannot be read now may be the beginning.
    let fails = |one: &Result<Found, _>| matches!(one, Err(ReadError::Io { .. }));
    if let Some(failed) = found.iter().position(fails) {
        return found.swap_remove(failed).map(|_| Kept::default());
    }
    let begins = |one: &Result<Found, _>| matches!(one, Ok(one) if one.begin == Stamped::Sound(()));
    let Some(begin) = found.iter().rposition(begins) else {
        return Err(no_beginning(dir, found.swap_remove(0)));
    };
    let trimmed = firsts[..begin]
        .iter()
        .map(|first| header::path(dir, *first));
    let segments = found.drain(begin..).collect::<Result<Vec<_>, _>>()?;
    Ok((trimmed.collect(), segments))
}

fn no_beginning(dir: &Path, first: Result<Found, ReadError>) -> ReadError {
    match first {
        Err(error) => error,
        Ok(found) if found.begin == Stamped::Damaged => found.damaged(
            BEGIN,
            "the mark that the log begins here does not match its checksum",
        ),
        Ok(found) if found.header.first() == 1 => {
            found.damaged(BEGIN, "the mark that the log begins here is gone")
        }
        Ok(found) => {
            let next = found.header.first();
            let what = format!(
                "the segment that ends before position {next} is not there and was not trimmed"
            );
            missing(dir.to_owned(), what)
        }
    }
}

fn find<D: Disk>(disk: &D, dir: &Path, first: u64) -> Result<Found, ReadError> {
    let path = header::path(dir, first);
    let file = disk
        .open_read(&path)
        .map_err(|error| ReadError::io(&path, error))?;
    let (block, len) = first_block(&file).map_err(|error| ReadError::io(&path, error))?;
    let header = header_of(&path, &block)?;
    if header.first() != first {
        let what = format!(
            "it begins at position {}, not where its name says",
            header.first()
        );
        return Err(damage(&path, 0, what));
    }
    if header.bytes != len {
        let what = format!(
            "it is {len} bytes long and was created with {}",
            header.bytes
        );
        return Err(damage(&path, len.min(header.bytes), what));
    }
    let salt = header.salt();
    Ok(Found {
        seal: Seal::decode(&Record::read(&block[SEAL as usize..]), &header),
        begin: header::decode_begin(&Record::read(&block[BEGIN as usize..]), salt),
        path,
        header,
    })
}

fn first_block<F: DiskFile>(file: &F) -> io::Result<(Vec<u8>, u64)> {
    let mut block = vec![0; FRAMES as usize];
    file.read_at(0, &mut block)?;
    Ok((block, file.len()?))
}

fn header_of(path: &Path, block: &[u8]) -> Result<Header, ReadError> {
    Header::decode(&Record::read(block)).map_err(|fault| {
        let what = match fault {
            HeaderFault::Damaged => "the segment's header does not match its checksum".to_owned(),
            HeaderFault::Version(version) => {
                format!(
                    "it has format {version}, which this release does not know; use a newer one"
                )
            }
        };
        damage(path, 0, what)
    })
}

/// Checks that each segment continues the one before. Gives the seal that the one before the last lacks.
fn chain<D: Disk>(disk: &D, dir: &Path, segments: &[Found]) -> Result<Option<Seal>, ReadError> {
    let mut lacking = None;
    for (at, pair) in segments.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        let seal = match one.seal {
            Stamped::Sound(seal) => seal,
            Stamped::Absent | Stamped::Torn if at + 2 == segments.len() => {
                *lacking.insert(unsealed(disk, one)?)
            }
            Stamped::Damaged => {
                return Err(one.damaged(SEAL, "the segment's seal does not match its checksum"));
            }
            _ => {
                return Err(
                    one.damaged(SEAL, "the segment's seal is gone, and two segments follow")
                );
            }
        };
        continues(dir, &seal, one, next)?;
    }
    Ok(lacking)
}

/// The seal of a segment that has none, though the next is there: a crash came between the two.
fn unsealed<D: Disk>(disk: &D, found: &Found) -> Result<Seal, ReadError> {
    let (walked, verdict) = read_through(disk, found)?;
    if verdict != Verdict::Clean {
        let what = "the segment ends in a torn write, though another was begun after it";
        return Err(found.damaged(walked.offset, what));
    }
    Ok(Seal {
        end: walked.end,
        offset: walked.offset,
    })
}

fn continues(dir: &Path, seal: &Seal, one: &Found, next: &Found) -> Result<(), ReadError> {
    let (end, start) = (seal.end.tail.next, next.header.first());
    if next.header.start == seal.end || Defect::MissingSegmentSkipped.is_on() {
        Ok(())
    } else if start <= end || one.seal != Stamped::Sound(*seal) {
        let what = format!(
            "the segment ends before position {end}, but the next begins at {start} and does not continue it"
        );
        Err(damage(&one.path, seal.offset, what))
    } else {
        Err(next_missing(dir, one, end))
    }
}

fn next_missing(dir: &Path, one: &Found, next: u64) -> ReadError {
    let what = format!(
        "{} is sealed and says that the log goes on at position {next}",
        one.path.display()
    );
    missing(header::path(dir, next), what)
}

/// Reads the last segment through.
fn end<D: Disk>(disk: &D, dir: &Path, last: &Found) -> Result<(Walked, Verdict), ReadError> {
    match last.seal {
        Stamped::Absent => match read_through(disk, last) {
            Err(error @ ReadError::Damaged { offset, .. }) => {
                match again::covers(disk, dir, last, offset)? {
                    true => passed_over(disk, last),
                    false => Err(error),
                }
            }
            other => other,
        },
        Stamped::Sound(seal) => Err(next_missing(dir, last, seal.end.tail.next)),
        Stamped::Torn | Stamped::Damaged => {
            Err(last.damaged(SEAL, "there is something where the segment's seal will be"))
        }
    }
}

/// The end of a segment whose last frame an interrupted start was writing again: who only reads passes over it.
fn passed_over<D: Disk>(disk: &D, found: &Found) -> Result<(Walked, Verdict), ReadError> {
    let file = open(disk, &found.path)?;
    let source = found.source(&file);
    let walked = Walk::new(source, found.header.start).finish(|_, _, _| Ok(()))?;
    let bytes = source.end - walked.offset;
    Ok((walked, Verdict::Torn { bytes }))
}

fn read_through<D: Disk>(disk: &D, found: &Found) -> Result<(Walked, Verdict), ReadError> {
    let file = open(disk, &found.path)?;
    let source = found.source(&file);
    let walked = Walk::new(source, found.header.start).finish(|_, _, _| Ok(()))?;
    Ok((walked, judge(&source, &walked)?))
}

pub(crate) fn open<D: Disk>(disk: &D, path: &Path) -> Result<D::File, ReadError> {
    disk.open_read(path)
        .map_err(|error| ReadError::io(path, error))
}

/// Reads a sealed segment through: every frame up to the seal must be whole, and the seal must agree.
pub(crate) fn verify_sealed<F: DiskFile>(
    found: &Found,
    seal: &Seal,
    file: &F,
    each: impl FnMut(u64, &FrameHeader, &Batch) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut source = found.source(file);
    source.end = seal.offset;
    let walked = Walk::new(source, found.header.start).finish(each)?;
    if walked.offset == seal.offset && walked.end == seal.end {
        return Ok(());
    }
    Err(match walked.stop {
        Stop::NoPayload(header) => changed(&source, walked.offset, &header),
        Stop::Stranger(header) => stranger(&source, walked.offset, &header),
        Stop::Blank | Stop::NoHeader => {
            let what = format!(
                "a batch at or after position {} is not there",
                walked.end.tail.next
            );
            damaged(&source, walked.offset, what)
        }
    })
}
