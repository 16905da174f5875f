//! Walking over the frames of a segment, from its beginning, believing nothing.

use super::frame::{self, FrameHeader};
use super::header::{FRAMES, Header, Joint};
use crate::batch::Batch;
use crate::disk::DiskFile;
use crate::log::ReadError;
use crate::record::Record;
use onhand_planted::Defect;
use std::collections::VecDeque;
use std::path::Path;

/// A segment's file, for reading.
pub(crate) struct Source<'a, F> {
    pub(crate) file: &'a F,
    pub(crate) path: &'a Path,
    pub(crate) salt: u64,
    /// Where frames end at the latest.
    pub(crate) end: u64,
}

// Copied by hand: a derive would ask it of the file too.
impl<F> Clone for Source<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Source<'_, F> {}

impl<'a, F: DiskFile> Source<'a, F> {
    pub(crate) fn new(file: &'a F, path: &'a Path, header: &Header) -> Self {
        Self {
            file,
            path,
            salt: header.salt(),
            end: header.bytes,
        }
    }

    /// Fills `buffer`; an end of the file before that is an error, because the header says how long it is.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let wanted = buffer.len();
        match self.file.read_at(offset, buffer) {
            Ok(count) if count == wanted => Ok(()),
            Ok(_) => Err(ReadError::io(
                self.path,
                std::io::ErrorKind::UnexpectedEof.into(),
            )),
            Err(source) => Err(ReadError::io(self.path, source)),
        }
    }

    /// Reads `len` bytes.
    pub(crate) fn bytes(&self, offset: u64, len: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; len as usize];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads the record at `offset`; blank if the file ends there.
    pub(crate) fn record(&self, offset: u64) -> Result<Record, ReadError> {
        let mut bytes = [0; Record::BYTES];
        if offset + frame::HEADER <= self.end {
            self.read(offset, &mut bytes)?;
        }
        Ok(Record::read(&bytes))
    }
}

/// Why a walk stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is no frame.
    Blank,
    /// There is something that is not a frame's header.
    NoHeader,
    /// The header is whole, and what follows it is not what it says.
    NoPayload(FrameHeader),
    /// The frame's header is whole, but it does not continue the log or has no room.
    Stranger(FrameHeader),
}

/// A walk over a segment. After [`Walk::next`] gave a frame, `offset` and `end` are those after it.
pub(crate) struct Walk<'a, F> {
    source: Source<'a, F>,
    pub(crate) offset: u64,
    pub(crate) end: Joint,
    /// The frames that no later one says were durable: first position and offset.
    in_doubt: VecDeque<(u64, u64)>,
}

impl<'a, F: DiskFile> Walk<'a, F> {
    pub(crate) fn new(source: Source<'a, F>, start: Joint) -> Self {
        Self {
            source,
            offset: FRAMES,
            end: start,
            in_doubt: VecDeque::new(),
        }
    }

    /// The next batch, whole and in its place in the chain, or why there is none.
    pub(crate) fn next(&mut self) -> Result<Result<(FrameHeader, Batch), Stop>, ReadError> {
        if Defect::HoleTaken.is_on() {
            self.offset = self.past_hole()?;
        }
        let record = self.source.record(self.offset)?;
        let header = match self.expected(&record) {
            Ok(header) => header,
            Err(stop) => return Ok(Err(stop)),
        };
        let payload = self
            .source
            .bytes(self.offset + frame::HEADER, u64::from(header.payload))?;
        let Some(batch) = header.batch(payload) else {
            return Ok(Err(Stop::NoPayload(header)));
        };
        self.pass(&header);
        self.offset += header.size();
        self.end = Joint {
            tail: batch.tail(),
            at_millis: batch.at_millis,
        };
        Ok(Ok((header, batch)))
    }

    /// A planted defect: the next frame, though others were lost before it.
    fn past_hole(&self) -> Result<u64, ReadError> {
        for at in (self.offset..self.source.end).step_by(Record::BYTES) {
            if FrameHeader::decode(&self.source.record(at)?, self.source.salt).is_some() {
                return Ok(at);
            }
        }
        Ok(self.offset)
    }

    /// Notes what a good frame says about those before it.
    fn pass(&mut self, header: &FrameHeader) {
        let durable = header.durable();
        while self
            .in_doubt
            .front()
            .is_some_and(|(first, _)| *first < durable)
        {
            self.in_doubt.pop_front();
        }
        self.in_doubt.push_back((header.first, self.offset));
    }

    fn expected(&self, record: &Record) -> Result<FrameHeader, Stop> {
        if record.is_blank() {
            return Err(Stop::Blank);
        }
        let header = FrameHeader::decode(record, self.source.salt).ok_or(Stop::NoHeader)?;
        let fits = self.offset + header.size() <= self.source.end;
        let follows = header.follows(&self.end.tail) && header.at_millis >= self.end.at_millis
            || Defect::HoleTaken.is_on();
        if (fits || Defect::FrameLengthTrusted.is_on()) && follows {
            Ok(header)
        } else {
            Err(Stop::Stranger(header))
        }
    }

    /// Walks to the end, showing each frame and where it is.
    pub(crate) fn finish(
        mut self,
        mut each: impl FnMut(u64, &FrameHeader, &Batch) -> Result<(), ReadError>,
    ) -> Result<Walked, ReadError> {
        loop {
            let offset = self.offset;
            match self.next()? {
                Ok((header, batch)) => each(offset, &header, &batch)?,
                Err(stop) => return Ok(self.walked(stop)),
            }
        }
    }

    fn walked(&self, stop: Stop) -> Walked {
        Walked {
            offset: self.offset,
            end: self.end,
            doubtful: self.in_doubt.front().map_or(self.offset, |(_, at)| *at),
            stop,
        }
    }
}

/// Where a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The byte after the last good frame.
    pub(crate) offset: u64,
    /// The log there.
    pub(crate) end: Joint,
    /// Where the good frames begin that may not be on the disk as they are shown; `offset` if there are none.
    pub(crate) doubtful: u64,
    /// Why it goes no further.
    pub(crate) stop: Stop,
}
