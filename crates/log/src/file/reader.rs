//! The reading end of the file log.
//!
//! Any number of threads read while one appends and trims. What keeps them apart:
//! - A batch is published (one atomic store of the next position) after its sync, or after its write where the caller
//!   does not wait for the sync. A reader looks at no byte of a frame
//!   that is not published, so it never sees one half written.
//! - Published frames never change. A segment that is trimmed leaves the list first; a reader that still has its file
//!   reads on, one that comes later is told [`ReadError::Trimmed`].
//!
//! Every read checks the frame again. Reading in order is the common case (replay, followers, exports): the reader
//! remembers where the last batch ended, so the next needs no search, checks that it continues the chain, and reads
//! ahead where batches are small.

use super::frame::{FrameHeader, HEADER};
use super::header::FRAMES;
use super::index::Mark;
use super::judge::{changed, damaged};
use super::segment::{OpenSegments, Opened, Segment};
use super::walk::Source;
use super::window::{Window, whole_frame};
use crate::batch::{Batch, Checksum};
use crate::disk::{Disk, DiskFile};
use crate::log::{LogReader, ReadError};
use crate::record::Record;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The bytes of a first look at a frame: a small batch needs no second.
const LOOK: u64 = 4 << 10;

/// The bytes that are read ahead where batches are smaller than a look.
const AHEAD: u64 = 64 << 10;

/// The bytes that a search reads at once.
const SEARCH: u64 = 16 << 10;

/// What the appender and the readers of a log share.
pub(crate) struct Shared<D: Disk> {
    pub(crate) disk: D,
    pub(crate) dir: PathBuf,
    pub(crate) open: OpenSegments<D::File>,
    segments: RwLock<Vec<Arc<Segment<D::File>>>>,
    /// The position after the last record that readers may see.
    next: AtomicU64,
}

impl<D: Disk> Shared<D> {
    pub(crate) fn new(
        disk: D,
        dir: PathBuf,
        segments: Vec<Arc<Segment<D::File>>>,
        next: u64,
    ) -> Self {
        Self {
            disk,
            dir,
            open: OpenSegments::new(),
            segments: RwLock::new(segments),
            next: AtomicU64::new(next),
        }
    }

    // A panic while the lock is held leaves the list whole: every change is one push or drain.
    pub(crate) fn segments(&self) -> RwLockReadGuard<'_, Vec<Arc<Segment<D::File>>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change_segments(&self) -> RwLockWriteGuard<'_, Vec<Arc<Segment<D::File>>>> {
        self.segments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows everything before `next` to readers.
    pub(crate) fn publish(&self, next: u64) {
        self.next.store(next, Ordering::Release);
    }

    pub(crate) fn published(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    pub(crate) fn first(&self) -> u64 {
        self.segments()
            .first()
            .map_or_else(|| self.published(), |segment| segment.header.first())
    }

    /// The segment that holds a published position.
    fn segment_of(&self, position: u64) -> Result<Arc<Segment<D::File>>, ReadError> {
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.header.first() <= position);
        match after.checked_sub(1) {
            Some(at) => Ok(segments[at].clone()),
            None => {
                drop(segments);
                Err(self.trimmed(position))
            }
        }
    }

    fn trimmed(&self, wanted: u64) -> ReadError {
        let first = self.first();
        ReadError::Trimmed { wanted, first }
    }

    fn open(
        &self,
        segment: &Arc<Segment<D::File>>,
        position: u64,
    ) -> Result<Arc<Opened<D::File>>, ReadError> {
        self.open
            .open(&self.disk, segment)
            .map_err(|error| match error.kind() {
                // It was removed after it was looked up.
                io::ErrorKind::NotFound if position < self.first() => self.trimmed(position),
                _ => ReadError::io(&segment.path, error),
            })
    }
}

/// A place in the log, after a batch that was read.
#[derive(Debug, Default)]
struct Place {
    position: u64,
    checksum: Checksum,
    /// Where the next frame is, if it is in the segment that begins at `segment`.
    offset: u64,
    segment: u64,
    /// What was read ahead.
    window: Window,
    /// How much to read ahead next.
    ahead: u64,
}

impl Place {
    /// The frame at `offset`, out of what was read ahead if it is whole there.
    fn frame<F: DiskFile>(
        &mut self,
        source: &Source<'_, F>,
        segment: u64,
        offset: u64,
        position: u64,
    ) -> Result<(FrameHeader, Batch), ReadError> {
        let known = self.window.at(segment, offset);
        if let Some(found) = whole_frame(known, source.salt, position) {
            return Ok(found);
        }
        let in_order = position == self.position;
        let len = if in_order { self.ahead } else { LOOK };
        self.window.fill(source, segment, offset, len)?;
        frame(source, offset, position, self.window.at(segment, offset))
    }

    fn move_past(&mut self, header: &FrameHeader, segment: u64, offset: u64) {
        self.position = header.next();
        self.checksum = header.checksum;
        self.offset = offset + header.size();
        self.segment = segment;
        self.ahead = if header.size() < LOOK { AHEAD } else { LOOK };
    }
}

/// The reading end.
pub(crate) struct FileReader<D: Disk> {
    shared: Arc<Shared<D>>,
    last: Mutex<Place>,
}

impl<D: Disk> FileReader<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>) -> Self {
        Self {
            shared,
            last: Mutex::default(),
        }
    }

    /// Reads the batch of a published position. Threads that share a reader never wait for each other: one that finds
    /// the place taken only loses the short cut.
    fn read(&self, position: u64) -> Result<Batch, ReadError> {
        match self.last.try_lock() {
            Ok(mut place) => self.read_from(&mut place, position),
            Err(_) => self.read_from(&mut Place::default(), position),
        }
    }

    fn read_from(&self, place: &mut Place, position: u64) -> Result<Batch, ReadError> {
        let segment = self.shared.segment_of(position)?;
        let opened = self.shared.open(&segment, position)?;
        let source = Source::new(&opened.file, &segment.path, &segment.header);
        let first = segment.header.first();
        let in_order = position == place.position;
        let offset = match position {
            _ if in_order && place.segment == first => place.offset,
            // The first frame of a segment is at a known place, too.
            _ if position == first => FRAMES,
            _ => find(&source, &opened, position)?,
        };
        let (header, batch) = place.frame(&source, first, offset, position)?;
        if in_order && place.checksum != header.before {
            let what = "the batch does not continue the one before it".to_owned();
            return Err(damaged(&source, offset, what));
        }
        opened.index().note(mark(&header, offset));
        place.move_past(&header, first, offset);
        Ok(batch)
    }

    /// The segment in which the first batch at or after a time is, if there is one at all.
    fn segment_since(&self, at_millis: u64) -> Option<(Arc<Segment<D::File>>, u64)> {
        let segments = self.shared.segments();
        let after = segments.partition_point(|one| one.header.start.at_millis < at_millis);
        let segment = segments.get(after.checked_sub(1)?)?;
        let end = segments.get(after).map(|next| next.header.first());
        Some((
            segment.clone(),
            end.unwrap_or_else(|| self.shared.published()),
        ))
    }
}

fn mark(header: &FrameHeader, offset: u64) -> Mark {
    Mark {
        first: header.first,
        at_millis: header.at_millis,
        offset,
    }
}

/// Headers one after another, for a search.
struct Headers<'a, F> {
    source: &'a Source<'a, F>,
    opened: &'a Opened<F>,
    window: Window,
    offset: u64,
}

impl<'a, F: DiskFile> Headers<'a, F> {
    fn new(source: &'a Source<'a, F>, opened: &'a Opened<F>, from: Mark) -> Self {
        Self {
            source,
            opened,
            window: Window::default(),
            offset: from.offset,
        }
    }

    /// The header of the next published frame.
    fn peek(&mut self) -> Result<FrameHeader, ReadError> {
        if self.window.at(0, self.offset).len() < Record::BYTES {
            self.window.fill(self.source, 0, self.offset, SEARCH)?;
        }
        let record = Record::read(self.window.at(0, self.offset));
        decode(self.source, self.offset, &record)
    }

    /// Goes past a frame and leaves a mark for it.
    fn pass(&mut self, header: &FrameHeader) {
        self.opened.index().note(mark(header, self.offset));
        self.offset += header.size();
    }
}

fn decode<F: DiskFile>(
    source: &Source<'_, F>,
    offset: u64,
    record: &Record,
) -> Result<FrameHeader, ReadError> {
    FrameHeader::decode(record, source.salt)
        .filter(|header| offset + header.size() <= source.end)
        .ok_or_else(|| {
            let what = "the header of a batch does not match its checksum".to_owned();
            damaged(source, offset, what)
        })
}

/// Walks from the nearest mark over the headers to the frame that holds a published position.
fn find<F: DiskFile>(
    source: &Source<'_, F>,
    opened: &Opened<F>,
    position: u64,
) -> Result<u64, ReadError> {
    let nearest = opened.index().before_position(position);
    let mut headers = Headers::new(source, opened, nearest);
    loop {
        let header = headers.peek()?;
        if position < header.next() {
            return Ok(headers.offset);
        }
        headers.pass(&header);
    }
}

/// Reads and checks the frame at `offset`, which must hold `position` and whose first bytes are `seen`.
fn frame<F: DiskFile>(
    source: &Source<'_, F>,
    offset: u64,
    position: u64,
    seen: &[u8],
) -> Result<(FrameHeader, Batch), ReadError> {
    let header = decode(source, offset, &Record::read(seen))?;
    if !header.holds(position) {
        let what = format!("the batch of position {position} is not here");
        return Err(damaged(source, offset, what));
    }
    let seen = seen.get(HEADER as usize..).unwrap_or_default();
    let payload = payload(source, offset, &header, seen)?;
    match header.batch(payload) {
        Some(batch) => Ok((header, batch)),
        None => Err(changed(source, offset, &header)),
    }
}

/// The payload, of which the first bytes were read already.
fn payload<F: DiskFile>(
    source: &Source<'_, F>,
    offset: u64,
    header: &FrameHeader,
    seen: &[u8],
) -> Result<Vec<u8>, ReadError> {
    let len = header.payload as usize;
    if len <= seen.len() {
        return Ok(seen[..len].to_vec());
    }
    let mut payload = vec![0; len];
    payload[..seen.len()].copy_from_slice(seen);
    let rest = offset + HEADER + seen.len() as u64;
    source.read(rest, &mut payload[seen.len()..])?;
    Ok(payload)
}

impl<D: Disk> LogReader for FileReader<D> {
    fn batch_at(&self, position: u64) -> Result<Option<Batch>, ReadError> {
        if position >= self.shared.published() {
            return Ok(None);
        }
        self.read(position).map(Some)
    }

    fn first(&self) -> u64 {
        self.shared.first()
    }

    fn next(&self) -> u64 {
        self.shared.published()
    }

    fn first_since(&self, at_millis: u64) -> Result<u64, ReadError> {
        let Some((segment, end)) = self.segment_since(at_millis) else {
            return Ok(self.shared.first());
        };
        let opened = self.shared.open(&segment, segment.header.first())?;
        let source = Source::new(&opened.file, &segment.path, &segment.header);
        let nearest = opened.index().before_time(at_millis);
        let mut headers = Headers::new(&source, &opened, nearest);
        let mut first = nearest.first;
        while first < end {
            let header = headers.peek()?;
            if header.at_millis >= at_millis {
                return Ok(first);
            }
            headers.pass(&header);
            first = header.next();
        }
        Ok(end)
    }

    fn bytes(&self) -> u64 {
        let segments = self.shared.segments();
        segments.iter().map(|segment| segment.header.bytes).sum()
    }
}
