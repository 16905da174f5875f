//! Leaves: what a formula begins with. Each names something that is kept, or that comes with the request.

use crate::entity::Entity;
use crate::filter::Filter;
use crate::formula::Formula;
use crate::measure::Measure;
use crate::window::{Anchor, Window};
use std::fmt;

/// How the buckets of a window become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Added up.
    Sum,
    /// How many are not zero.
    Busy,
    /// The greatest.
    Most,
    /// The hour of the day of the earliest that is not zero; missing if none is.
    Earliest,
}

/// Hours of which the usual amounts are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsualFor {
    /// A whole day.
    Day,
    /// The hours of a window; its days do not matter.
    Hours(Window),
    /// The full hours since the measure was last more than zero, at most a week.
    Silence,
}

/// What a level has now, as the ledger adds it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Balance {
    /// Units on hand.
    OnHand,
    /// Units reserved and allocated.
    Promised,
}

/// What a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Hour of the day, 0 to 23.
    Hour,
    /// Day of the week, Monday is 0.
    Weekday,
    /// Hours from now to the time that is asked about.
    Lead,
}

/// What a formula begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// Buckets of a window.
    Window(Entity, Measure, How, Window),
    /// Hours since a measure last grew.
    Since(Entity, Measure),
    /// Usual amounts, with a half-life in days.
    Usual(Entity, Measure, u16, UsualFor),
    /// The mean sum of a measure over the days of a window on which another had anything, with a half-life in days.
    OnDaysWith(Entity, Measure, Measure, u16, Window),
    /// What today's sales and silences tell of the shelf.
    Filter(Filter, Filtered),
    /// How many SKUs at locations the entity is made of.
    Members(Entity),
    /// Full days known, weighted by the same half-life.
    DaysKnown(Entity, Measure, u16),
    /// Whether the newest look found the item: 1 or 0.
    Found,
    /// Days since the entity was first heard of.
    Age(Entity),
    /// What the ledger says is there.
    Balance(Balance),
    /// A pushed number that holds at a time.
    Pushed(Entity, &'static str, Anchor),
    /// For how many hours it has held.
    PushedFor(Entity, &'static str, Anchor),
    /// The number of the group, in the order in which groups were first heard of.
    Code(Entity),
    /// What the request brings, of now or of the time asked about.
    Context(Context, Anchor),
}

/// What is read from a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filtered {
    /// The chance that the shelf is empty at the end of the last full hour.
    Now,
    /// The chance that it is empty in the hour asked about.
    Ahead,
    /// How unlikely the hours without a sale at today's end would be with goods on the shelf: minus the logarithm of
    /// the chance.
    Silence,
}

impl Leaf {
    /// Whether only what is told of a SKU at a location can change it there; the past of the SKU for filters.
    pub(crate) fn is_of_member(&self) -> bool {
        match *self {
            Self::Window(entity, ..)
            | Self::Since(entity, _)
            | Self::Usual(entity, ..)
            | Self::OnDaysWith(entity, ..)
            | Self::DaysKnown(entity, ..)
            | Self::Age(entity)
            | Self::Pushed(entity, ..)
            | Self::PushedFor(entity, ..) => entity == Entity::SkuAtLocation,
            Self::Found | Self::Balance(_) | Self::Filter(..) | Self::Context(..) => true,
            Self::Members(_) | Self::Code(_) => false,
        }
    }
}

impl Entity {
    /// The sum of a measure over a window.
    pub fn sum(self, measure: Measure, window: Window) -> Formula {
        Formula::Leaf(Leaf::Window(self, measure, How::Sum, window))
    }

    /// In how many buckets of a window there was anything.
    pub fn busy(self, measure: Measure, window: Window) -> Formula {
        Formula::Leaf(Leaf::Window(self, measure, How::Busy, window))
    }

    /// The greatest bucket of a window.
    pub fn most(self, measure: Measure, window: Window) -> Formula {
        Formula::Leaf(Leaf::Window(self, measure, How::Most, window))
    }

    /// Hours since the measure last grew; missing if it never did.
    pub fn since(self, measure: Measure) -> Formula {
        Formula::Leaf(Leaf::Since(self, measure))
    }

    /// What is usual in a day: the mean of all full days known, each half as heavy as one `half_life` days later.
    /// Missing until a full day is known.
    pub fn usual(self, measure: Measure, half_life: u16) -> Formula {
        Formula::Leaf(Leaf::Usual(self, measure, half_life, UsualFor::Day))
    }

    /// What is usual in the hours of a window.
    pub fn usual_in(self, measure: Measure, half_life: u16, hours: Window) -> Formula {
        Formula::Leaf(Leaf::Usual(
            self,
            measure,
            half_life,
            UsualFor::Hours(hours),
        ))
    }

    /// What would have been usual in the hours since the measure last grew: a silence, measured in what is missing.
    pub fn silence(self, measure: Measure, half_life: u16) -> Formula {
        Formula::Leaf(Leaf::Usual(self, measure, half_life, UsualFor::Silence))
    }

    /// The hour of the day, 0 to 23, of the earliest bucket of a window in which there was anything; missing if there was
    /// none.
    pub fn earliest(self, measure: Measure, window: Window) -> Formula {
        Formula::Leaf(Leaf::Window(self, measure, How::Earliest, window))
    }

    /// The mean sum of a measure over those days of a window on which `with` had anything, each half as heavy as one
    /// `half_life` days later. Missing if there was no such day.
    pub fn mean_on_days_with(
        self,
        with: Measure,
        measure: Measure,
        half_life: u16,
        days: Window,
    ) -> Formula {
        Formula::Leaf(Leaf::OnDaysWith(self, measure, with, half_life, days))
    }

    /// How many SKUs at locations it is made of.
    pub fn members(self) -> Formula {
        Formula::Leaf(Leaf::Members(self))
    }

    /// The mean of a formula over the SKUs at locations that it is made of, in the order in which they were opened;
    /// those where it is missing do not count. It is read as of the full hour.
    ///
    /// The formula may be made of what is kept for the SKU at the location, and of the request's times, only.
    pub fn mean(self, of: Formula) -> Formula {
        Formula::Mean(self, Box::new(of))
    }

    /// How many full days the usual stands on, weighted alike.
    pub fn days_known(self, measure: Measure, half_life: u16) -> Formula {
        Formula::Leaf(Leaf::DaysKnown(self, measure, half_life))
    }

    /// Days since the entity was first heard of.
    pub fn age(self) -> Formula {
        Formula::Leaf(Leaf::Age(self))
    }

    /// The pushed number of this name that holds at the time asked about.
    pub fn pushed(self, name: &'static str) -> Formula {
        Formula::Leaf(Leaf::Pushed(self, name, Anchor::Target))
    }

    /// For how many hours it will have held then.
    pub fn pushed_for(self, name: &'static str) -> Formula {
        Formula::Leaf(Leaf::PushedFor(self, name, Anchor::Target))
    }

    /// The number of the group or region, in the order in which they were first heard of.
    pub fn code(self) -> Formula {
        Formula::Leaf(Leaf::Code(self))
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(entity, measure, how, window) => {
                write!(f, "{}({measure} of {entity}, {window})", how.name())
            }
            Self::Since(entity, measure) => write!(f, "hours_since({measure} of {entity})"),
            Self::Usual(entity, measure, half_life, hours) => {
                write!(
                    f,
                    "usual({measure} of {entity}, half-life {half_life} days{hours})"
                )
            }
            Self::OnDaysWith(entity, measure, with, half_life, days) => {
                write!(
                    f,
                    "mean_on_days_with({with}, {measure} of {entity}, half-life {half_life} days, {days})"
                )
            }
            Self::Filter(filter, what) => write!(f, "{}({filter})", what.name()),
            Self::Members(entity) => write!(f, "members({entity})"),
            Self::DaysKnown(entity, measure, half_life) => {
                write!(
                    f,
                    "days_known({measure} of {entity}, half-life {half_life} days)"
                )
            }
            Self::Found => f.write_str("found()"),
            Self::Age(entity) => write!(f, "age({entity})"),
            Self::Balance(Balance::OnHand) => f.write_str("on_hand()"),
            Self::Balance(Balance::Promised) => f.write_str("promised()"),
            Self::Pushed(entity, name, anchor) => write!(f, "pushed({name} of {entity}{anchor})"),
            Self::PushedFor(entity, name, anchor) => {
                write!(f, "hours_pushed({name} of {entity}{anchor})")
            }
            Self::Code(entity) => write!(f, "code({entity})"),
            Self::Context(what, anchor) => write!(f, "{}({})", what.name(), anchor.name()),
        }
    }
}

impl How {
    fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Busy => "busy",
            Self::Most => "most",
            Self::Earliest => "earliest",
        }
    }
}

impl Filtered {
    fn name(self) -> &'static str {
        match self {
            Self::Now => "empty_now",
            Self::Ahead => "empty_ahead",
            Self::Silence => "silence",
        }
    }
}

impl Context {
    fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Lead => "lead_hours",
        }
    }
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Target => "target",
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", at {}", self.name())
    }
}

impl fmt::Display for UsualFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str(", a day"),
            Self::Hours(window) => write!(f, ", {window}"),
            Self::Silence => f.write_str(", since the last"),
        }
    }
}
