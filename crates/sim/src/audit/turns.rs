//! Whose turn it is, and who is turned away.
//!
//! Which of many requests comes next is the engine's choice. But those of one tenant and one class are taken in the
//! order in which they came; what is done is done in time; and who is turned away when his turn comes was too late.

use super::{Book, Foretold, Question, Token};
use crate::ask::{Ask, Millis};
use crate::finding::{Check, Finding, Verdict, must};
use onhand_engine::{Moment, Origin, Tenant};
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
    pub fn turned_away(
        &mut self,
        now: Millis,
        token: Option<Token>,
        queue_time: Option<Millis>,
    ) -> Verdict {
        let (token, caller, _) = self.dequeue(token)?;
        let has_waited = queue_time.is_some_and(|most| now - caller.came > 2 * most);
        must(caller.is_too_late(now) || has_waited, Check::Turn, || {
            let waited = now - caller.came;
            format!("request {token} is turned away after {waited} ms, and was not too late")
        })?;
        self.foretold
            .insert(token, (Foretold::Late, self.twin.position()));
        Ok(())
    }
}
