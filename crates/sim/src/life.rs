//! One life of the engine: from a start to a crash or a stop.

use onhand_engine::{
    Answer, Engine, Move, OpenError, Options, Origin, ReplyTo, Request, Step, Unavailable, Workers,
};
use onhand_engine::{Prepared, RecoveryReport};
use onhand_log::disk::MemoryDisk;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot::{self, Receiver, error::TryRecvError};

/// Answers that were given and not looked at yet.
type Answers = Arc<Mutex<Vec<(u64, Answer)>>>;

/// Something that the engine does in the background.
struct Task {
    name: &'static str,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

/// A running engine, stepped by hand.
pub(crate) struct Life {
    /// The engine.
    pub(crate) engine: Arc<Engine<MemoryDisk>>,
    /// The workers of each partition.
    pub(crate) workers: Vec<Workers>,
    /// Of the workers those that have ended, by partition: they are not stepped any more.
    ended_writers: BTreeSet<usize>,
    ended_appenders: BTreeSet<usize>,
    tasks: Vec<Task>,
    answers: Answers,
    /// Clients that each wait for one answer, by the number of the request.
    alone: BTreeMap<u64, Receiver<Answer>>,
}

/// The life that goes on now. Between two there is none: the old one must have let go of the folder before the next.
pub(crate) struct Current(Option<Life>);

impl Current {
    /// A life goes on.
    pub(crate) const fn of(life: Life) -> Self {
        Self(Some(life))
    }

    /// It ends, as with the process.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}

impl Deref for Current {
    type Target = Life;

    fn deref(&self) -> &Life {
        self.0.as_ref().expect("nobody acts between two lives")
    }
}

impl DerefMut for Current {
    fn deref_mut(&mut self) -> &mut Life {
        self.0.as_mut().expect("nobody acts between two lives")
    }
}

impl Life {
    /// Starts the engine on a disk.
    ///
    /// # Errors
    /// The engine refuses to start.
    pub(crate) fn start(
        disk: &MemoryDisk,
        path: &Path,
        options: Options,
    ) -> Result<(Self, Vec<RecoveryReport>), OpenError> {
        let mut registry = Registry::default();
        let disk = disk.clone();
        let Prepared {
            engine,
            workers,
            reports,
        } = Engine::prepare(disk, path, options, &mut registry, &mut |_, _, _| {})?;
        let life = Self {
            engine,
            workers,
            ended_writers: BTreeSet::new(),
            ended_appenders: BTreeSet::new(),
            tasks: Vec::new(),
            answers: Answers::default(),
            alone: BTreeMap::new(),
        };
        Ok((life, reports))
    }

    /// Queues a request; its answer comes with [`Life::answers`]. The client waits alone for it, as over HTTP, or takes
    /// it with all its others, as from a stream.
    ///
    /// # Errors
    /// It is refused at once.
    pub(crate) fn submit(
        &mut self,
        origin: Origin,
        partition: u16,
        token: u64,
        request: Request,
        waits_alone: bool,
    ) -> Result<(), Unavailable> {
        if !waits_alone {
            let to = self.stream(token);
            return self.engine.submit_from(origin, partition, request, to);
        }
        let (sender, receiver) = oneshot::channel();
        let to = ReplyTo::Once(sender, Some(token));
        self.engine.submit_from(origin, partition, request, to)?;
        self.alone.insert(token, receiver);
        Ok(())
    }

    fn stream(&self, token: u64) -> ReplyTo {
        let answers = Arc::clone(&self.answers);
        let sink = move |token, answer| {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.push((token, answer));
        };
        ReplyTo::Sink(Arc::new(sink), token)
    }

    /// The answers that came since this was last asked. Whoever waits alone and is forgotten is told what the engine
    /// tells its own callers: that it is not known.
    pub(crate) fn answers(&mut self) -> Vec<(u64, Answer)> {
        let mut streamed = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = std::mem::take(&mut *streamed);
        self.alone.retain(|token, receiver| {
            let answer = match receiver.try_recv() {
                Err(TryRecvError::Empty) => return true,
                Ok(answer) => answer,
                Err(TryRecvError::Closed) => {
                    Answer::Unavailable(Unavailable::Stopped("the answer was lost".to_owned()))
                }
            };
            answers.push((*token, answer));
            false
        });
        answers
    }

    /// How many wait alone for an answer.
    pub(crate) fn alone(&self) -> usize {
        self.alone.len()
    }

    /// One of those who wait alone goes away; gives the number of its request.
    pub(crate) fn vanish(&mut self, which: usize) -> Option<u64> {
        let token = *self.alone.keys().nth(which)?;
        self.alone.remove(&token);
        Some(token)
    }

    /// Begins something in the background, unless it is under way already.
    pub(crate) fn begin<F: Future<Output = ()> + 'static>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(Arc<Engine<MemoryDisk>>) -> F,
    ) {
        if self.tasks.iter().all(|task| task.name != name) {
            let future = Box::pin(work(Arc::clone(&self.engine)));
            self.tasks.push(Task { name, future });
        }
    }

    /// How many things are under way in the background.
    pub(crate) fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Lets one of them go on; gives its name if it has ended.
    pub(crate) fn go_on(&mut self, which: usize) -> Option<&'static str> {
        let task = self.tasks.get_mut(which)?;
        let mut context = Context::from_waker(Waker::noop());
        match task.future.as_mut().poll(&mut context) {
            Poll::Ready(()) => Some(self.tasks.swap_remove(which).name),
            Poll::Pending => None,
        }
    }

    /// A writer goes on, unless it has ended.
    pub(crate) fn write(&mut self, which: usize, watch: &mut dyn FnMut(Move<'_>)) -> Step {
        if self.ended_writers.contains(&which) {
            return Step::Ended;
        }
        let step = self.workers[which].write(watch);
        if step == Step::Ended {
            self.ended_writers.insert(which);
        }
        step
    }

    /// An appender goes on, unless it has ended.
    pub(crate) fn append(&mut self, which: usize) -> Step {
        if self.has_ended(which) {
            return Step::Ended;
        }
        let step = self.workers[which].append();
        if step == Step::Ended {
            self.ended_appenders.insert(which);
        }
        step
    }

    /// Whether a partition was stopped in order: its appender has done the last that it had to do.
    pub(crate) fn has_ended(&self, which: usize) -> bool {
        self.ended_appenders.contains(&which)
    }

    /// Whether a partition is stopped for good.
    pub(crate) fn is_stopped(&self, partition: u16) -> bool {
        matches!(self.engine.outage(partition), Some(Unavailable::Stopped(_)))
    }
}
