//! An engine that is stepped by hand, on a disk in memory.

use crate::running::{ManualClock, options};
use onhand_core::Command;
use onhand_engine::{
    Answer, Durability, Engine, OpenError, Options, Prepared, RecoveryReport, ReplyTo, Request,
    Step, Workers,
};
use onhand_log::disk::MemoryDisk;
use onhand_log::file::FileLog;
use prometheus_client::registry::Registry;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// It has one partition.
pub(crate) struct Bench {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Arc<Engine<MemoryDisk>>,
    pub(crate) workers: Workers,
    pub(crate) report: RecoveryReport,
    pub(crate) answers: Arc<Mutex<Vec<Answer>>>,
}

impl Bench {
    pub(crate) fn start(disk: MemoryDisk, durability: Durability) -> Result<Self, OpenError> {
        Self::start_with(disk, |clock| Options {
            durability,
            partitions: Some(1),
            ..options(clock)
        })
    }

    pub(crate) fn start_with(
        disk: MemoryDisk,
        options: impl FnOnce(&Arc<ManualClock>) -> Options,
    ) -> Result<Self, OpenError> {
        let clock = ManualClock::new();
        let options = options(&clock);
        let (path, mut registry) = (Path::new("/data"), Registry::default());
        let Prepared {
            engine,
            mut workers,
            mut reports,
        } = Engine::prepare(
            disk.clone(),
            path,
            options,
            &mut registry,
            &mut |_, _, _| {},
        )?;
        Ok(Self {
            disk,
            clock,
            engine,
            workers: workers.remove(0),
            report: reports.remove(0),
            answers: Arc::default(),
        })
    }

    pub(crate) fn submit(&self, command: Command) {
        let answers = Arc::clone(&self.answers);
        let sink = move |_, answer| answers.lock().unwrap().push(answer);
        let request = Request::Command {
            key: None,
            command,
            at: None,
        };
        let to = ReplyTo::Sink(Arc::new(sink), 0);
        self.engine.submit(0, request, to).unwrap();
    }

    /// Steps both workers until neither has anything to do.
    pub(crate) fn settle(&mut self) {
        while self.workers.write(&mut |_| {}) == Step::Done || self.workers.append() == Step::Done {
        }
    }

    /// Asks, and steps until it is answered.
    pub(crate) fn ask(&mut self, command: Command) -> Answer {
        self.submit(command);
        self.settle();
        self.answers.lock().unwrap().pop().unwrap()
    }

    pub(crate) fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return done;
            }
            self.settle();
        }
    }

    /// The last position in the log if power were lost now, and nothing that is not synced survived.
    pub(crate) fn durable(&self) -> u64 {
        let copy = self.disk.fork();
        copy.restart(&mut |_| 0);
        let log = onhand_engine::folder::log_dir(Path::new("/data"), 0);
        FileLog::inspect(&copy, &log, &mut |_| {}).unwrap().next - 1
    }

    /// The process ends.
    pub(crate) fn end(self) -> MemoryDisk {
        self.disk
    }
}
