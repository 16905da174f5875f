//! The sequential specification: what one level answers when requests come one after another.
//!
//! Written from `docs/semantics.md` alone, in plain integers, and sharing nothing with the engine: a mistake in the
//! engine's rules must not be repeated here.

use std::collections::{BTreeMap, BTreeSet};
use todc_utils::Specification;

/// Units on hand of every level when the clients begin.
pub(crate) const OPENING: i64 = 12;

/// What a client asks of one level. Reservations have the names that the test gives them, so that also one whose
/// answer never came can be spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Receive {
        units: i64,
    },
    Adjust {
        units: i64,
    },
    Reserve {
        name: u32,
        units: i64,
        partial: bool,
    },
    Confirm {
        name: u32,
    },
    Release {
        name: u32,
    },
    Fulfill {
        name: u32,
        picked: i64,
    },
    Level,
    Reservation {
        name: u32,
    },
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// Units that were reserved, allocated or given back.
    Units(i64),
    /// Not enough stock: so much is available.
    Short(i64),
    /// Refused for another reason: the problem's name.
    Refused(String),
    Level(Numbers),
    Reservation(Reservation),
}

/// A level as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) allocated: i64,
    pub(crate) available: i64,
}

/// A reservation of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reservation {
    pub(crate) state: String,
    pub(crate) outstanding: i64,
    pub(crate) picked: i64,
}

/// The state of one level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Level {
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    reservations: BTreeMap<u32, Reservation>,
}

impl Level {
    fn opening() -> Self {
        Self {
            on_hand: OPENING,
            reserved: 0,
            allocated: 0,
            reservations: BTreeMap::new(),
        }
    }

    fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.allocated
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match *request {
            Request::Receive { units } => self.receive(units),
            Request::Adjust { units } => self.adjust(units),
            Request::Reserve {
                name,
                units,
                partial,
            } => self.reserve(name, units, partial),
            Request::Confirm { name } => self.confirm(name),
            Request::Release { name } => self.release(name),
            Request::Fulfill { name, picked } => self.fulfill(name, picked),
            Request::Level => Answer::Level(self.numbers()),
            Request::Reservation { name } => self.view(name),
        }
    }

    fn numbers(&self) -> Numbers {
        Numbers {
            on_hand: self.on_hand,
            reserved: self.reserved,
            allocated: self.allocated,
            available: self.available(),
        }
    }

    fn receive(&mut self, units: i64) -> Answer {
        self.on_hand += units;
        Answer::Done
    }

    fn adjust(&mut self, units: i64) -> Answer {
        if self.on_hand + units < 0 {
            return refused("below-zero");
        }
        self.on_hand += units;
        Answer::Done
    }

    fn reserve(&mut self, name: u32, units: i64, partial: bool) -> Answer {
        let promisable = self.available().max(0);
        let got = if partial {
            units.min(promisable)
        } else {
            units
        };
        if got == 0 || got > promisable {
            return Answer::Short(promisable);
        }
        self.reserved += got;
        let held = Reservation {
            state: "held".into(),
            outstanding: got,
            picked: 0,
        };
        self.reservations.insert(name, held);
        Answer::Units(got)
    }

    fn confirm(&mut self, name: u32) -> Answer {
        let Some(one) = self.reservations.get_mut(&name) else {
            return unknown();
        };
        if one.state != "held" {
            return wrong_state();
        }
        one.state = "confirmed".into();
        self.reserved -= one.outstanding;
        self.allocated += one.outstanding;
        Answer::Units(one.outstanding)
    }

    fn release(&mut self, name: u32) -> Answer {
        let Some(one) = self.reservations.get_mut(&name) else {
            return unknown();
        };
        let promised = match one.state.as_str() {
            "held" => &mut self.reserved,
            "confirmed" => &mut self.allocated,
            _ => return wrong_state(),
        };
        *promised -= one.outstanding;
        one.state = "released".into();
        Answer::Units(std::mem::take(&mut one.outstanding))
    }

    /// What was picked leaves the shelf, even if the record says that there is less.
    fn fulfill(&mut self, name: u32, picked: i64) -> Answer {
        let Some(one) = self.reservations.get_mut(&name) else {
            return unknown();
        };
        if one.state != "confirmed" {
            return wrong_state();
        }
        if picked > one.outstanding {
            return refused("more-than-promised");
        }
        one.outstanding -= picked;
        one.picked += picked;
        if one.outstanding == 0 {
            one.state = "fulfilled".into();
        }
        self.allocated -= picked;
        self.on_hand = (self.on_hand - picked).max(0);
        Answer::Done
    }

    fn view(&self, name: u32) -> Answer {
        let found = self.reservations.get(&name).cloned();
        found.map_or_else(unknown, Answer::Reservation)
    }

    /// The states in which the level can be after an operation, if it can answer so.
    fn after(&self, operation: &Operation) -> Vec<Self> {
        let mut after = self.clone();
        let answer = after.answer(&operation.request);
        match &operation.outcome {
            Outcome::Answered(told) if *told == answer => vec![after],
            Outcome::Answered(_) => Vec::new(),
            Outcome::Unknown => vec![self.clone(), after],
        }
    }
}

fn refused(problem: &str) -> Answer {
    Answer::Refused(problem.into())
}

fn unknown() -> Answer {
    refused("unknown-reservation")
}

fn wrong_state() -> Answer {
    refused("wrong-state")
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(Answer),
    /// The server was killed under it: it was done, or not.
    Unknown,
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
}

/// The specification for the checker. An unanswered request makes two states possible, so the state is the set of
/// those in which the level can be.
pub(crate) struct OneLevel;

impl Specification for OneLevel {
    type State = BTreeSet<Level>;
    type Operation = Operation;

    fn init() -> Self::State {
        BTreeSet::from([Level::opening()])
    }

    fn apply(operation: &Operation, levels: &Self::State) -> (bool, Self::State) {
        let after: BTreeSet<Level> = levels
            .iter()
            .flat_map(|level| level.after(operation))
            .collect();
        (!after.is_empty(), after)
    }
}
