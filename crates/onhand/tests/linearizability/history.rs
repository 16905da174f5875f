//! What happened to one level, as the clients saw it, and the question whether one level could have behaved so.
//!
//! A call is noted before its request is sent, and its end after its answer was read, both under one lock. So the
//! noted interval of an operation holds the true one, and the order of two operations is claimed only where it was
//! seen. A request that the server was killed under ends when the client sees the connection break: SIGKILL has ended
//! every thread of the server by then, so what was not done until then never will be.

use crate::level::{OneLevel, Operation, Outcome, Request};
use std::fmt::Write;
use todc_utils::linearizability::history::Action;
use todc_utils::{History as Actions, WGLChecker};

/// How much of a violation is shown: the last events before it.
const SHOWN: usize = 16;

/// The calls and ends of one level's operations, in order.
#[derive(Default)]
pub(crate) struct History {
    operations: Vec<Operation>,
    events: Vec<Event>,
}

#[derive(Clone, Copy)]
enum Event {
    Called(usize),
    Ended(usize),
}

impl History {
    /// Notes that a request is about to be sent, and gives the operation's number.
    pub(crate) fn call(&mut self, request: Request) -> usize {
        let number = self.operations.len();
        self.operations.push(Operation {
            request,
            outcome: Outcome::Unknown,
        });
        self.events.push(Event::Called(number));
        number
    }

    /// Notes what became of it.
    pub(crate) fn end(&mut self, number: usize, outcome: Outcome) {
        self.operations[number].outcome = outcome;
        self.events.push(Event::Ended(number));
    }

    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    pub(crate) fn unknown(&self) -> usize {
        let unknown = |operation: &&Operation| operation.outcome == Outcome::Unknown;
        self.operations.iter().filter(unknown).count()
    }

    /// Whether some order of the operations, each at a moment between its call and its end, explains every answer.
    /// If not, the error shows what led up to the first event that no order explains.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.is_explained(self.events.len()) {
            return Ok(());
        }
        let (mut explained, mut broken) = (0, self.events.len());
        while explained + 1 < broken {
            let middle = usize::midpoint(explained, broken);
            if self.is_explained(middle) {
                explained = middle;
            } else {
                broken = middle;
            }
        }
        Err(self.told(broken))
    }

    /// The same for the first events only: what has not ended by then ends unknown.
    fn is_explained(&self, first: usize) -> bool {
        let mut open = Vec::new();
        let mut actions = Vec::new();
        for event in &self.events[..first] {
            match *event {
                Event::Called(number) => {
                    open.push(number);
                    actions.push((number, Action::Call(self.operations[number].clone())));
                }
                Event::Ended(number) => {
                    open.retain(|other| *other != number);
                    actions.push((number, Action::Response(self.operations[number].clone())));
                }
            }
        }
        actions.extend(open.into_iter().map(|number| {
            let request = self.operations[number].request;
            let outcome = Outcome::Unknown;
            (number, Action::Response(Operation { request, outcome }))
        }));
        actions.is_empty()
            || WGLChecker::<OneLevel>::is_linearizable(Actions::from_actions(actions))
    }

    fn told(&self, broken: usize) -> String {
        let operations = self.events[..broken].iter();
        let ended = operations.filter(|event| matches!(event, Event::Ended(_)));
        let mut text = format!(
            "no order explains the answer to operation {}:\n",
            ended.count()
        );
        for event in &self.events[broken.saturating_sub(SHOWN)..broken] {
            let (number, what) = match *event {
                Event::Called(number) => (number, format!("{:?}", self.operations[number].request)),
                Event::Ended(number) => (number, format!("{:?}", self.operations[number].outcome)),
            };
            writeln!(text, "  {number:>4} {what}").unwrap();
        }
        text
    }
}
