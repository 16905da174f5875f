//! What kind of turn a request gets, and how many places it takes.

use crate::machine::Request;
use crate::query::Query;
use onhand_core::Command;

/// So many lines of a command take as long as one more command.
const LINES_A_PLACE: usize = 8;
/// So many levels of a question do.
const LEVELS_A_PLACE: usize = 32;

/// What kind of turn a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// What settles a promise that was made, or says what is really there: confirms, releases, picks, receipts, counts.
    Settle,
    /// Strong reads.
    Read,
    /// New promises, which are the only work that a shop can do without for a moment. Also facts that nobody waits
    /// for, and whatever is told with a time of its own: a replay of the past must stay in its order.
    New,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Settle, Self::Read, Self::New];

    /// The class of a request.
    pub(crate) fn of(request: &Request) -> Self {
        match request {
            Request::Query(_) => Self::Read,
            Request::Command { at: Some(_), .. } => Self::New,
            Request::Command { command, .. } => match command {
                Command::Hold(_) | Command::Observe(_) | Command::Push(_) => Self::New,
                _ => Self::Settle,
            },
        }
    }

    /// Places in each round, for each tenant that has something of this class. While all have something, new promises
    /// get one place in thirteen: enough that a flood of reads does not stop the sale.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::Settle => 64,
            Self::Read => 32,
            Self::New => 8,
        }
    }
}

/// How many places a request takes: one, and more if it is long.
pub(crate) fn places(request: &Request) -> u32 {
    let more = match request {
        Request::Query(Query::Levels(names)) => names.len() / LEVELS_A_PLACE,
        Request::Query(_) => 0,
        Request::Command { command, .. } => lines(command) / LINES_A_PLACE,
    };
    u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1)
}

fn lines(command: &Command) -> usize {
    match command {
        Command::Receive(receive) => receive.lines.len(),
        Command::Adjust(adjust) => adjust.lines.len(),
        Command::Count(count) => count.lines.len(),
        Command::SetPolicy(policy) => policy.lines.len(),
        Command::Hold(hold) => hold.lines.len(),
        Command::Fulfill(pick) => pick.lines.len(),
        Command::Dispatch(dispatch) => dispatch.lines.len(),
        Command::Sell(sell) => sell.lines.len(),
        Command::Observe(observe) => observe.lines.len(),
        Command::Push(push) => push.values.len(),
        Command::Configure(_)
        | Command::Confirm(_)
        | Command::Extend(_)
        | Command::Release(_)
        | Command::Announce(_)
        | Command::HandOver(_)
        | Command::Arrive(_) => 1,
    }
}
