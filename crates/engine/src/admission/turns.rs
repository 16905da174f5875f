//! Whose turn it is: deficit round robin over the flows that have something.
//!
//! The flow in front is served while it has credit; then it gets its weight as new credit and goes to the back. Who
//! takes more places than he had credit for pays in later rounds. A flow with nothing has no credit to save up, so who
//! comes back after a while gets his share and not more.
//!
//! All requests lie in one slab, chained by flow: memory follows what waits, not how many flows there ever were.

use super::Flow;
use crate::inbox::Envelope;
use onhand_planted::Defect;
use slab::Slab;
use std::collections::VecDeque;

/// Requests that wait for their turn.
pub(crate) struct Turns {
    /// The engine's own work.
    own: VecDeque<Envelope>,
    waiting: Slab<Node>,
    flows: Box<[Line]>,
    /// Flows that have something, in the order of their visits.
    round: VecDeque<Flow>,
}

struct Node {
    envelope: Envelope,
    next: Option<usize>,
}

/// Those of one flow, by their places in the slab.
#[derive(Clone, Copy, Default)]
struct Line {
    ends: Option<(usize, usize)>,
    credit: i64,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            own: VecDeque::new(),
            waiting: Slab::new(),
            flows: vec![Line::default(); Flow::COUNT].into(),
            round: VecDeque::new(),
        }
    }
}

impl Turns {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.waiting.len()
    }

    /// Puts a request behind those of its flow.
    pub(crate) fn push(&mut self, envelope: Envelope) {
        let Some(flow) = envelope.ticket.flow else {
            self.own.push_back(envelope);
            return;
        };
        let next = None;
        let node = self.waiting.insert(Node { envelope, next });
        let line = &mut self.flows[flow.index()];
        line.ends = match line.ends {
            Some((first, last)) if Defect::LastComesFirst.is_on() => {
                self.waiting[node].next = Some(first);
                Some((node, last))
            }
            Some((first, last)) => {
                self.waiting[last].next = Some(node);
                Some((first, node))
            }
            None => {
                self.round.push_back(flow);
                Some((node, node))
            }
        };
    }

    /// Takes out what the engine asks of itself, which comes before all else.
    pub(crate) fn pop_own(&mut self) -> Option<Envelope> {
        self.own.pop_front()
    }

    /// Takes out the request whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<Envelope> {
        if let Some(own) = self.pop_own() {
            return Some(own);
        }
        loop {
            let flow = *self.round.front()?;
            let line = &mut self.flows[flow.index()];
            if line.credit > 0 {
                return self.serve(flow);
            }
            line.credit += i64::from(flow.weight());
            self.round.rotate_left(1);
        }
    }

    fn serve(&mut self, flow: Flow) -> Option<Envelope> {
        let line = &mut self.flows[flow.index()];
        let (first, last) = line.ends?;
        let node = self.waiting.remove(first);
        line.credit -= i64::from(node.envelope.ticket.places);
        line.ends = node.next.map(|next| (next, last));
        if line.ends.is_none() {
            line.credit = line.credit.min(0);
            self.round.pop_front();
        }
        Some(node.envelope)
    }
}
