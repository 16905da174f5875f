//! A feature's definition, and the set of them that a store keeps.

use crate::choice::Choice;
use crate::entity::Entity;
use crate::formula::Formula;
use crate::plan::Plan;
use onhand_core::Span;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// The version of the folds: what a measure counts, how a window is laid, how a sum decays. A change of any of them
/// makes every feature another one.
const FOLDS: u32 = 4;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of things.
    Count,
    /// Units of stock.
    Units,
    /// A share or a probability.
    Share,
    /// A quotient of two like numbers.
    Ratio,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// 1 or 0.
    Flag,
    /// The number of something that has a name; its order means nothing.
    Code,
    /// Any other number.
    Number,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Units => "units",
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Flag => "flag",
            Self::Code => "code",
            Self::Number => "number",
        }
    }
}

/// A feature: defined once, computed alike online, offline and at a request.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its name; one of a kind in a set.
    pub name: &'static str,
    /// What it tells about.
    pub entity: Entity,
    /// What its value is.
    pub kind: Kind,
    /// How the value is made.
    pub formula: Formula,
    /// What it means, for people.
    pub description: &'static str,
    /// Who answers for it.
    pub owner: &'static str,
    /// How old the newest fact behind it may be; beyond that it is worth no more than none, and its value is the default.
    /// What fades, counts its age or leaves its window by itself needs no limit.
    pub fresh_for: Option<Span>,
    /// The value where the formula has none, or stands on what is too old; NaN leaves it missing.
    pub default: f32,
}

impl Feature {
    /// A feature that is missing where its formula is, and has no limit of age.
    pub fn new(name: &'static str, entity: Entity, kind: Kind, formula: Formula) -> Self {
        Self {
            name,
            entity,
            kind,
            formula,
            description: "",
            owner: "availability",
            fresh_for: None,
            default: f32::NAN,
        }
    }

    /// Says what it means.
    #[must_use]
    pub fn means(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Says who answers for it.
    #[must_use]
    pub fn owned_by(mut self, owner: &'static str) -> Self {
        self.owner = owner;
        self
    }

    /// Says how many hours old the newest fact behind it may be: older, and its value is the default.
    #[must_use]
    pub fn fresh_for_hours(mut self, hours: u64) -> Self {
        self.fresh_for = Some(Span::from_secs(hours * 3600));
        self
    }

    /// Gives the value where the formula has none.
    #[must_use]
    pub fn or_else(mut self, default: f32) -> Self {
        self.default = default;
        self
    }

    /// The value where the formula has none. Every missing value is the same NaN, so that rows can be compared bit by bit.
    pub(crate) fn fallback(&self) -> f32 {
        match self.default.is_nan() {
            true => f32::NAN,
            false => self.default,
        }
    }

    /// Its [hash](Self::hash) as a model and a table write it down: in hexadecimal.
    pub fn definition(&self) -> String {
        format!("{:016x}", self.hash())
    }

    /// A hash of all that its values depend on: name, formula, default, limit of age and the version of the folds. A
    /// model trained with it keeps it, and is not served with another.
    pub fn hash(&self) -> u64 {
        let default = self.default.to_bits();
        let mut text = format!("{FOLDS}\n{}\n{}\n{default:08x}", self.name, self.formula);
        if let Some(limit) = self.fresh_for {
            text += &format!("\nfresh for {} ms", limit.millis());
        }
        xxh3_64(text.as_bytes())
    }
}

/// Why definitions do not make a set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSet {
    /// Two have the same name.
    #[error("two features are called {0}: a name means one feature")]
    NameTwice(&'static str),
    /// A mean is of more than its members.
    #[error(
        "{0} has a mean over what belongs to others: over a group, of what is kept for the SKU at the location"
    )]
    MeanOfOthers(&'static str),
    /// A limit of age, and nothing that has one.
    #[error("{0} has a limit of age, and nothing that it is made of has an age")]
    NothingToAge(&'static str),
    /// Windows reach so far back, or usual amounts have so many half-lives, that a row has no room for them: about three
    /// years of hours.
    #[error("the windows of {0} reach back farther than can be kept")]
    TooFar(&'static str),
}

/// A set of features, with what must be kept for them.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    features: Vec<Feature>,
    plan: Plan,
    whole: Choice,
}

impl FeatureSet {
    /// A set of these features, in this order.
    ///
    /// # Errors
    /// Two have the same name; or one has a mean of a mean, of what is kept for a group, or over a single SKU at a
    /// location; or a limit of age, and nothing behind it has an age; or they ask for more of a measure than a row has
    /// room for.
    pub fn new(features: Vec<Feature>) -> Result<Self, BadSet> {
        for (at, feature) in features.iter().enumerate() {
            if features[..at].iter().any(|one| one.name == feature.name) {
                return Err(BadSet::NameTwice(feature.name));
            }
            if !feature.formula.has_means_of_members_only() {
                return Err(BadSet::MeanOfOthers(feature.name));
            }
        }
        let plan = Plan::of(&features);
        if let Some(series) = plan.series.iter().find(|series| !series.has_room()) {
            return Err(BadSet::TooFar(series.measure.name()));
        }
        if let Some(number) = plan.limited_in_vain() {
            return Err(BadSet::NothingToAge(features[number].name));
        }
        let whole = Choice::of(&plan, 0..features.len());
        Ok(Self {
            features,
            plan,
            whole,
        })
    }

    /// The features at some places of a row.
    ///
    /// # Panics
    /// There is no such place.
    pub fn choice(&self, places: impl IntoIterator<Item = usize>) -> Choice {
        Choice::of(&self.plan, places)
    }

    /// All features.
    pub fn whole(&self) -> &Choice {
        &self.whole
    }

    /// The features, in the order of a row.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Where a feature stands in a row.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.features
            .iter()
            .position(|feature| feature.name == name)
    }

    /// Where a feature stands in a row, if it is [defined](Feature::definition) so.
    pub fn defined(&self, name: &str, definition: &str) -> Option<usize> {
        self.position(name)
            .filter(|place| self.features[*place].definition() == definition)
    }

    /// A hash of all definitions in their order.
    pub fn hash(&self) -> u64 {
        let hashes = self
            .features
            .iter()
            .map(|feature| feature.hash().to_le_bytes());
        xxh3_64(&hashes.collect::<Vec<_>>().concat())
    }

    /// What a table of rows says of itself: the hash of the set (`onhand.set`), and that of every definition
    /// (`onhand.features`), all in hexadecimal.
    pub fn metadata(&self) -> [(&'static str, String); 2] {
        let of = |one: &Feature| format!("{}={}", one.name, one.definition());
        let hashes: Vec<String> = self.features.iter().map(of).collect();
        [
            ("onhand.set", format!("{:016x}", self.hash())),
            ("onhand.features", hashes.join(" ")),
        ]
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.formula)
    }
}
