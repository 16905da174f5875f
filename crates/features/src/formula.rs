//! Formulas: how a feature's value is made from sums, times and pushed values.
//!
//! A formula is data: it says by itself which windows must be kept, how it reads (in `onhand features list`), and
//! whether it is still the same (its hash). Its leaves are exact integers until they are read; then it is a few
//! operations on 64-bit floats, each exactly defined, so the value is the same wherever it is computed.
//!
//! Missing is NaN and spreads, as in any arithmetic. [`Formula::or`] ends it.

use crate::entity::Entity;
pub use crate::filter::Filter;
pub use crate::leaf::{Balance, Context, Filtered, How, Leaf, UsualFor};
use crate::window::Anchor;
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
    /// The mean over the SKUs at locations that an entity is made of.
    Mean(Entity, Box<Formula>),
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

/// Whether the newest look at the SKU at the location found it.
pub fn found() -> Formula {
    Formula::Leaf(Leaf::Found)
}

/// What the ledger says that the SKU has at the location.
pub fn balance(of: Balance) -> Formula {
    Formula::Leaf(Leaf::Balance(of))
}

/// What today's sales and silences tell of the shelf of the SKU at the location.
pub fn filter(filter: Filter, what: Filtered) -> Formula {
    Formula::Leaf(Leaf::Filter(filter, what))
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

    /// Every leaf, in the order of writing; those of means are of other subjects, and not among them.
    pub(crate) fn leaves(&self, each: &mut dyn FnMut(&Leaf)) {
        match self {
            Self::Leaf(leaf) => each(leaf),
            Self::Number(_) | Self::Mean(..) => {}
            Self::Unary(_, of) => of.leaves(each),
            Self::Binary(_, one, other) => {
                one.leaves(each);
                other.leaves(each);
            }
        }
    }

    /// Whether each mean is over a group, and of what is kept for its members alone.
    pub(crate) fn has_means_of_members_only(&self) -> bool {
        let mut all = true;
        self.means(&mut |entity, of| {
            all &= entity != Entity::SkuAtLocation;
            of.leaves(&mut |leaf| all &= leaf.is_of_member());
            of.means(&mut |_, _| all = false);
        });
        all
    }

    /// Every mean, in the order of writing.
    pub(crate) fn means(&self, each: &mut dyn FnMut(Entity, &Self)) {
        match self {
            Self::Leaf(_) | Self::Number(_) => {}
            Self::Mean(entity, of) => each(*entity, of),
            Self::Unary(_, of) => of.means(each),
            Self::Binary(_, one, other) => {
                one.means(each);
                other.means(each);
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
            Self::Mean(entity, of) => write!(f, "mean({of} over {entity})"),
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
