//! Formulas: how a feature's value is made from sums, times and pushed values.
//!
//! A formula is data: it says by itself which windows must be kept, how it reads (in `onhand features list`), and
//! whether it is still the same (its hash). Its leaves are exact integers until they are read; then it is a few
//! operations on 64-bit floats, each exactly defined, so the value is the same wherever it is computed.
//!
//! Missing is NaN and spreads, as in any arithmetic. [`Formula::or`] ends it.

use crate::entity::Entity;
use crate::measure::Measure;
use crate::window::{Anchor, Window};
use std::fmt;
use std::ops::{Add, Div, Mul, Sub};

/// How a value is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Something that is kept, or comes with the request.
    Leaf(Leaf),
    /// A constant.
    Number(f64),
    /// Of two values.
    Binary(Binary, Box<Formula>, Box<Formula>),
    /// Of one value.
    Unary(Unary, Box<Formula>),
}

/// What is made of two values. Where both are given, the order is that of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Their sum.
    Add,
    /// Their difference.
    Subtract,
    /// Their product.
    Multiply,
    /// Their quotient; missing if the second is zero.
    Divide,
    /// The smaller; missing if one is.
    Min,
    /// The greater; missing if one is.
    Max,
    /// The first; the second where the first is missing.
    Or,
}

/// What is made of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// ln(1 + x); missing below -1.
    Ln1p,
    /// 1 if it is missing, else 0.
    IsMissing,
}

/// How the buckets of a window become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Added up.
    Sum,
    /// How many are not zero.
    Busy,
    /// The greatest.
    Most,
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

/// Whether the newest look at the SKU at the location found it.
pub fn found() -> Formula {
    Formula::Leaf(Leaf::Found)
}

/// What the ledger says that the SKU has at the location.
pub fn balance(of: Balance) -> Formula {
    Formula::Leaf(Leaf::Balance(of))
}

/// What the request brings, of now.
pub fn now(what: Context) -> Formula {
    Formula::Leaf(Leaf::Context(what, Anchor::Now))
}

/// What the request brings, of the time that is asked about.
pub fn target(what: Context) -> Formula {
    Formula::Leaf(Leaf::Context(what, Anchor::Target))
}

impl Formula {
    fn with(self, what: Binary, other: impl Into<Self>) -> Self {
        Self::Binary(what, Box::new(self), Box::new(other.into()))
    }

    /// The smaller of two.
    pub fn min(self, other: impl Into<Self>) -> Self {
        self.with(Binary::Min, other)
    }

    /// The greater of two.
    pub fn max(self, other: impl Into<Self>) -> Self {
        self.with(Binary::Max, other)
    }

    /// This, or the other where this is missing.
    pub fn or(self, other: impl Into<Self>) -> Self {
        self.with(Binary::Or, other)
    }

    /// ln(1 + this).
    pub fn ln_1p(self) -> Self {
        Self::Unary(Unary::Ln1p, Box::new(self))
    }

    /// 1 if it is missing, else 0.
    pub fn is_missing(self) -> Self {
        Self::Unary(Unary::IsMissing, Box::new(self))
    }

    /// A rate drawn to another: the mean of this rate, which stands on `trials`, and `weight` trials of the prior. So
    /// an entity that is little known has its family's rate, and one that is well known its own.
    pub fn drawn_to(self, prior: Self, trials: Self, weight: f64) -> Self {
        let own = self.or(0.0) * trials.clone();
        (own + prior * weight) / (trials + weight)
    }

    /// Every leaf, in the order of writing.
    pub(crate) fn leaves(&self, each: &mut dyn FnMut(&Leaf)) {
        match self {
            Self::Leaf(leaf) => each(leaf),
            Self::Number(_) => {}
            Self::Unary(_, of) => of.leaves(each),
            Self::Binary(_, one, other) => {
                one.leaves(each);
                other.leaves(each);
            }
        }
    }
}

impl From<f64> for Formula {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $what:ident) => {
        impl<T: Into<Formula>> $trait<T> for Formula {
            type Output = Self;
            fn $method(self, other: T) -> Self {
                self.with(Binary::$what, other)
            }
        }
    };
}

operator!(Add, add, Add);
operator!(Sub, sub, Subtract);
operator!(Mul, mul, Multiply);
operator!(Div, div, Divide);

impl Binary {
    /// Carries it out.
    pub(crate) fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Add => one + other,
            Self::Subtract => one - other,
            Self::Multiply => one * other,
            Self::Divide if other == 0.0 => f64::NAN,
            Self::Divide => one / other,
            Self::Min | Self::Max if one.is_nan() || other.is_nan() => f64::NAN,
            Self::Min => one.min(other),
            Self::Max => one.max(other),
            Self::Or if one.is_nan() => other,
            Self::Or => one,
        }
    }
}

impl Unary {
    /// Carries it out.
    pub(crate) fn of(self, value: f64) -> f64 {
        match self {
            Self::Ln1p => libm::log1p(value),
            Self::IsMissing => f64::from(u8::from(value.is_nan())),
        }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(leaf) => leaf.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Unary(Unary::Ln1p, of) => write!(f, "ln_1p({of})"),
            Self::Unary(Unary::IsMissing, of) => write!(f, "is_missing({of})"),
            Self::Binary(what, one, other) => match what {
                Binary::Add => write!(f, "({one} + {other})"),
                Binary::Subtract => write!(f, "({one} - {other})"),
                Binary::Multiply => write!(f, "({one} * {other})"),
                Binary::Divide => write!(f, "({one} / {other})"),
                Binary::Min => write!(f, "min({one}, {other})"),
                Binary::Max => write!(f, "max({one}, {other})"),
                Binary::Or => write!(f, "or({one}, {other})"),
            },
        }
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
