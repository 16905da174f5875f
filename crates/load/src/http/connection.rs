//! One keep-alive connection: what is to be sent, what came in, and which requests wait for their answers.

use super::answer::{Answer, Parsed, parse};
use crate::book::Pending;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Requests to be sent, and how much of them was.
    pub(crate) out: Vec<u8>,
    sent: usize,
    /// An answer that has begun to come in, and how long it must be at least.
    partial: Vec<u8>,
    needed: usize,
    /// In the order of their answers.
    pub(crate) pending: VecDeque<Pending>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            out: Vec::new(),
            sent: 0,
            partial: Vec::new(),
            needed: 0,
            pending: VecDeque::new(),
        })
    }

    /// Sends as much as the system takes now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.out.len() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Takes what came in, and calls for every whole answer.
    ///
    /// The system tells only once that there is something, so it is asked until it has no more; a read that leaves
    /// room in the buffer was the last.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        on_answer: &mut impl FnMut(Pending, &Answer<'_>),
    ) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.digest(&buffer[..read], on_answer)?;
                    if read < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn digest(
        &mut self,
        bytes: &[u8],
        on_answer: &mut impl FnMut(Pending, &Answer<'_>),
    ) -> io::Result<()> {
        if self.partial.is_empty() {
            let used = self.answers(bytes, on_answer)?;
            self.partial.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() >= self.needed {
            let mut whole = std::mem::take(&mut self.partial);
            let used = self.answers(&whole, on_answer)?;
            whole.drain(..used);
            self.partial = whole;
        }
        Ok(())
    }

    /// Calls for every whole answer in these bytes, and says where they end.
    fn answers(
        &mut self,
        bytes: &[u8],
        on_answer: &mut impl FnMut(Pending, &Answer<'_>),
    ) -> io::Result<usize> {
        let mut used = 0;
        while used < bytes.len() {
            match parse(&bytes[used..]).map_err(io::Error::other)? {
                Parsed::Partial(needed) => {
                    self.needed = needed;
                    break;
                }
                Parsed::Whole(answer) => {
                    let pending = self.pending.pop_front();
                    let pending = pending
                        .ok_or_else(|| io::Error::other("an answer that nobody asked for"))?;
                    on_answer(pending, &answer);
                    used += answer.length;
                }
            }
        }
        Ok(used)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
