//! Whose turn it is, and who is turned away.
//!
//! Which of many requests comes next is the engine's choice. But those of one tenant and one class are taken in the
//! order in which they came; what is done is done in time; and who is turned away when his turn comes was too late.
//!
//! How long a request would wait is the engine's guess. But the guess has a bound: at the door each place ahead counts
//! for what a place took those who came to their turn before, which is at most a 64th of the longest wait that there was
//! in this life (`crates/engine/src/admission/door.rs` says why a 64th). Who is refused for a longer wait than that was
//! refused without need, and so was who has few waiting. No request of the workload is so long that it takes more than one
//! place. What is delivered for a client takes its place among the clients', too: see [`Beside`].

use super::{Book, Foretold, Question, Token};
use crate::ask::{Ask, Millis};
use crate::finding::{Check, Finding, Verdict, must};
use onhand_engine::{Moment, Origin, Policy, Tenant};
use std::fmt;
use std::time::Duration;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which tenant.
    pub tenant: u64,
    /// When the request came: milliseconds since the beginning of the world.
    pub came: Millis,
    /// Until when an answer is of use.
    pub deadline: Option<Millis>,
}

/// What the world has on its way beside the requests of the workload: deliveries for clients, who wait as they do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// The most places that it takes.
    pub places: usize,
    /// The longest that any of it can have waited in this life.
    pub waited: Millis,
}

impl Caller {
    /// What the engine is told.
    pub fn origin(&self) -> Origin {
        let moment = |millis| Moment::after_beginning(Duration::from_millis(millis as u64));
        Origin {
            tenant: match self.tenant {
                0 => Tenant::DEFAULT,
                tenant => Tenant::named(&format!("tenant-{tenant}")),
            },
            deadline: self.deadline.map(moment),
        }
    }

    fn is_too_late(&self, now: Millis) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tenant > 0 {
            write!(f, " for t{}", self.tenant)?;
        }
        let Some(deadline) = self.deadline else {
            return Ok(());
        };
        write!(f, " within {} ms", deadline - self.came)
    }
}

/// A place ahead is taken to last so small a part of the longest wait, at most.
const LEAST_EVIDENCE: Millis = 64;

/// Those who wait behind each other, of one tenant.
fn kind(question: &Question) -> &'static str {
    match question {
        Question::Levels(_) | Question::Promise(_) | Question::Transfer(_) => "read",
        Question::Ask { at: Some(_), .. } => "new",
        Question::Ask {
            ask: Ask::Hold { .. } | Ask::Observe { .. } | Ask::Push { .. },
            ..
        } => "new",
        Question::Ask { .. } => "settle",
    }
}

fn most_wait(policy: &Policy) -> Option<Millis> {
    policy.queue_time.map(|most| most.as_millis() as Millis)
}

impl Book {
    /// Takes out the request that the writer says it takes.
    pub(super) fn dequeue(&mut self, token: Option<Token>) -> Verdict<(Token, Caller, Question)> {
        let at = self.queued.iter().position(|(one, ..)| Some(*one) == token);
        let Some(found) = at.and_then(|at| self.queued.remove(at)) else {
            let what = format!("the writer takes a request that nobody made: {token:?}");
            return Err(Finding::new(Check::Answer, what));
        };
        let (number, caller, question) = &found;
        let is_before = |(other, who, what): &&(Token, Caller, Question)| {
            (who.tenant, kind(what)) == (caller.tenant, kind(question)) && other < number
        };
        match self.queued.iter().find(is_before) {
            Some((first, ..)) => {
                let what = format!("request {number} is taken before {first}, which came first");
                Err(Finding::new(Check::Turn, what))
            }
            None => Ok(found),
        }
    }

    /// A request came to its turn.
    pub(super) fn has_waited(&mut self, caller: &Caller, now: Millis) {
        self.longest_wait = self.longest_wait.max(now - caller.came);
    }

    /// Whether a request may be refused at the door because too many must wait, or for too long.
    pub fn may_be_busy(
        &self,
        caller: &Caller,
        question: &Question,
        policy: &Policy,
        beside: Beside,
    ) -> bool {
        let is_late = most_wait(policy).is_some_and(|most| self.may_take_longer_than(most, beside))
            && self.is_long(caller, question, policy, beside);
        is_late || self.queued.len() + beside.places > policy.capacity.div_ceil(2)
    }

    /// How many may wait for an answer, in all, for this request to be let in: a flood of new promises leaves a quarter.
    pub fn room_for(&self, caller: &Caller, question: &Question, policy: &Policy) -> usize {
        let is_flood =
            kind(question) == "new" && self.is_long(caller, question, policy, Beside::default());
        policy.capacity - usize::from(is_flood) * (policy.capacity / 4)
    }

    /// Whether a request may be refused at the door because its deadline would come first.
    pub fn may_be_late(
        &self,
        caller: &Caller,
        question: &Question,
        policy: &Policy,
        beside: Beside,
        now: Millis,
    ) -> bool {
        let is_long = self.is_long(caller, question, policy, beside);
        let left = caller.deadline.map(|deadline| deadline - now);
        let is_slow = |left: Millis| is_long && self.may_take_longer_than(left - 1, beside);
        left.is_some_and(|left| left <= 0 || is_slow(left))
    }

    fn may_take_longer_than(&self, most: Millis, beside: Beside) -> bool {
        let ahead = (self.queued.len() + beside.places) as Millis;
        ahead * self.longest_wait.max(beside.waited) > most * LEAST_EVIDENCE
    }

    /// Whether more wait behind each other than are decided in one go, the caller's requests among them.
    fn is_long(
        &self,
        caller: &Caller,
        question: &Question,
        policy: &Policy,
        beside: Beside,
    ) -> bool {
        let is_one_of_them = |(_, who, what): &&(Token, Caller, Question)| {
            (who.tenant, kind(what)) == (caller.tenant, kind(question))
        };
        self.queued.iter().filter(is_one_of_them).count() + beside.places > policy.slice
    }

    /// The writer takes a client's request to do it: it must not be too late for that.
    pub(super) fn check_in_time(token: Token, caller: &Caller, now: Millis) -> Verdict {
        must(!caller.is_too_late(now), Check::Turn, || {
            format!("request {token} is done after its deadline")
        })
    }

    /// The writer turns a request away whose turn has come.
    ///
    /// # Errors
    /// Nobody made it, or it was not too late.
    pub fn turned_away(&mut self, now: Millis, token: Option<Token>, policy: &Policy) -> Verdict {
        let (token, caller, question) = self.dequeue(token)?;
        self.has_waited(&caller, now);
        let is_stale = most_wait(policy).is_some_and(|most| now - caller.came > 2 * most);
        // It was one of them itself.
        let others = Policy {
            slice: policy.slice - 1,
            ..*policy
        };
        let has_waited = is_stale
            && kind(&question) == "new"
            && self.is_long(&caller, &question, &others, Beside::default());
        must(caller.is_too_late(now) || has_waited, Check::Turn, || {
            let waited = now - caller.came;
            format!("request {token} is turned away after {waited} ms, and was not too late")
        })?;
        self.is_due(token, Foretold::Late);
        Ok(())
    }
}
