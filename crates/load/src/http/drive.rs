//! The loop: send what is due, wait for answers, enter them in the book.

use super::answer::Answer;
use super::connection::Connection;
use super::judge::judge;
use super::request::Writer;
use crate::arrivals::{Arrivals, Nanos};
use crate::book::{Book, Pending};
use crate::clerk::Clerk;
use crate::lane::{Lane, Place, Target};
use crate::timer::Timer;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

/// How long one wait takes at most, so that the end is noticed when nothing comes in any more.
const LONGEST_WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Bytes read at once: a whole answer to most requests.
const READ: usize = 256 << 10;
/// Events taken at once. Few, so that none of them gets old while the others are handled.
const EVENTS: usize = 64;
/// The event of the timer; the others are numbers of connections.
const TIMER: u64 = u64::MAX;

/// Asks until nothing is due any more, and waits for the answers.
///
/// # Errors
/// The server cannot be reached at the start. Later, what goes wrong with a connection is an error of its requests.
pub(crate) fn drive(target: &Target, lane: Lane, place: Place<'_>) -> io::Result<Book> {
    let driver = Driver::new(target, lane);
    drop(place);
    driver?.run()
}

struct Driver<'a> {
    target: &'a Target,
    epoll: OwnedFd,
    timer: Timer,
    /// A connection that broke and could not be opened again is `None`.
    connections: Vec<Option<Connection>>,
    depth: usize,
    /// Connections with room for a request, each once; and since when there is one.
    free: VecDeque<usize>,
    free_since: Nanos,
    /// Connections with requests that were not sent yet.
    unsent: Vec<usize>,
    arrivals: Arrivals,
    writer: Writer,
    clerk: Clerk<'a>,
    buffer: Vec<u8>,
}

impl<'a> Driver<'a> {
    fn new(target: &'a Target, lane: Lane) -> io::Result<Self> {
        let writer = Writer::new(target, &lane.workload.recipe().tenants.names());
        let mut driver = Self {
            target,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            timer: Timer::new()?,
            connections: Vec::new(),
            depth: lane.depth,
            free: VecDeque::new(),
            free_since: 0,
            unsent: Vec::new(),
            arrivals: lane.arrivals,
            writer,
            clerk: Clerk::new(target, lane.workload),
            buffer: vec![0; READ],
        };
        let timer = epoll::EventData::new_u64(TIMER);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&driver.epoll, &driver.timer, timer, flags)?;
        for at in 0..lane.connections {
            driver.connections.push(None);
            driver.open(at)?;
        }
        Ok(driver)
    }

    fn open(&mut self, at: usize) -> io::Result<()> {
        let connection = Connection::open(self.target.address)?;
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(
            &self.epoll,
            &connection,
            epoll::EventData::new_u64(at as u64),
            flags,
        )?;
        self.connections[at] = Some(connection);
        self.set_free(at);
        Ok(())
    }

    fn set_free(&mut self, at: usize) {
        if self.free.is_empty() {
            self.free_since = self.target.now();
        }
        self.free.push_back(at);
    }

    fn run(mut self) -> io::Result<Book> {
        let mut events = Vec::with_capacity(EVENTS);
        let mut ended = None;
        loop {
            self.send_due();
            let now = self.target.now();
            let is_alone = self.connections.iter().all(Option::is_none);
            if is_alone || self.arrivals.have_ended(now) {
                let patience_ends = *ended.get_or_insert(now) + self.target.grace;
                let is_done = self.arrivals.are_over(now) && self.in_flight() == 0;
                if is_alone || is_done || now >= patience_ends {
                    break;
                }
            }
            self.wait(&mut events, now)?;
            for event in events.drain(..) {
                let at = event.data.u64();
                if at != TIMER {
                    self.attend(at as usize);
                    self.send_due();
                }
            }
        }
        self.give_up();
        Ok(self.clerk.book)
    }

    fn in_flight(&self) -> usize {
        let open = self.connections.iter().flatten();
        open.map(|connection| connection.pending.len()).sum()
    }

    /// Sends every request that is due, as long as there is a connection with room for it.
    fn send_due(&mut self) {
        while let Some(&at) = self.free.front() {
            let now = self.target.now();
            let Some(due) = self.arrivals.take(now) else {
                break;
            };
            self.free.pop_front();
            self.ask(at, due, now);
        }
        while let Some(at) = self.unsent.pop() {
            self.flush(at);
        }
    }

    fn ask(&mut self, at: usize, due: Nanos, now: Nanos) {
        let Some(connection) = &mut self.connections[at] else {
            return;
        };
        let (ask, pending) = self.clerk.next(due);
        let workload = &mut self.clerk.workload;
        self.writer.write(&mut connection.out, &ask, workload);
        connection.pending.push_back(pending);
        let is_full = connection.pending.len() >= self.depth;
        let could_be_sent = due.max(self.free_since);
        self.clerk.book.sent(
            due,
            now.saturating_sub(could_be_sent),
            due < self.free_since,
        );
        match is_full {
            true => self.flush(at),
            false => {
                self.unsent.push(at);
                self.free.push_back(at);
            }
        }
    }

    fn flush(&mut self, at: usize) {
        if let Some(connection) = &mut self.connections[at]
            && let Err(error) = connection.flush()
        {
            self.lost(at, &error);
        }
    }

    fn wait(&mut self, events: &mut Vec<epoll::Event>, now: Nanos) -> io::Result<()> {
        if !self.free.is_empty()
            && let Some(due) = self.arrivals.next_due()
        {
            self.timer.set(due, now)?;
        }
        match epoll::wait(&self.epoll, spare_capacity(events), Some(&LONGEST_WAIT)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Something happened on a connection.
    fn attend(&mut self, at: usize) {
        let Some(connection) = &mut self.connections[at] else {
            return;
        };
        let was_full = connection.pending.len() >= self.depth;
        let (clerk, buffer) = (&mut self.clerk, &mut self.buffer);
        let received = connection.flush().and_then(|()| {
            connection.receive(buffer, &mut |pending, answer| take(clerk, pending, answer))
        });
        let has_room = connection.pending.len() < self.depth;
        match received {
            Err(error) => self.lost(at, &error),
            Ok(()) if was_full && has_room => self.set_free(at),
            Ok(()) => {}
        }
    }

    /// A connection broke: its requests have no answer, and another one takes its place if the server is there.
    fn lost(&mut self, at: usize, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::Other => error.to_string(),
            _ => "the connection broke".into(),
        };
        if let Some(connection) = self.connections[at].take() {
            self.clerk.none_came(connection.pending, &why);
        }
        self.free.retain(|free| *free != at);
        // A server that has gone away is no failure of the generator: the book shows it.
        self.open(at).ok();
    }

    /// What was not answered is an error, and so is what was due and never had its turn.
    fn give_up(&mut self) {
        for connection in self.connections.drain(..).flatten() {
            self.clerk
                .none_came(connection.pending, "no answer in time");
        }
        self.clerk.never_sent(&mut self.arrivals);
    }
}

/// Enters an answer.
fn take(clerk: &mut Clerk<'_>, pending: Pending, answer: &Answer<'_>) {
    let units = clerk.workload.recipe().units(pending.operation);
    let wants = clerk.workload.wants_reservations();
    let verdict = judge(pending.operation, units, answer, wants);
    clerk.settle(pending, verdict, answer.durability);
}
