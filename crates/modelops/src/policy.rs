//! From a probability to what a shop does about it.
//!
//! Hiding an item that is there costs its sale; showing one that is not costs a shopper's trust. Where the balance
//! lies is the shop's to say. `onhand evaluate availability --html` plots what each choice buys: how much of the
//! selection stays on the page, and how much of what is shown is found.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to do with an item on a page, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Offer it.
    Show,
    /// Offer it, and ask for a substitute in advance.
    Warn,
    /// Do not offer it.
    Hide,
}

/// The probabilities at which a decision turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Shown from this probability of being found on, 0 to 1.
    pub show_from: f64,
    /// Hidden below this one, 0 to `show_from`.
    pub hide_below: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            show_from: 0.75,
            hide_below: 0.25,
        }
    }
}

/// What a prior leads to: what is said of an item of which the model knows nothing, however likely it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPriors {
    /// The mildest decision: `show` leaves it to the thresholds, after `warn` they may still hide it.
    pub at_least: Decision,
}

impl Default for OfPriors {
    fn default() -> Self {
        Self {
            at_least: Decision::Warn,
        }
    }
}

/// Thresholds for all, and those of single locations and categories. A location's own go before its items' categories'.
///
/// As TOML:
/// ```toml
/// [prior]
/// at_least = "warn"
///
/// [usual]
/// show_from = 0.75
/// hide_below = 0.25
///
/// [locations.store-17]
/// show_from = 0.9
/// hide_below = 0.5
///
/// [categories.dairy]
/// show_from = 0.8
/// hide_below = 0.4
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Where nothing else is said.
    #[serde(default)]
    pub usual: Thresholds,
    /// By location.
    #[serde(default)]
    pub locations: BTreeMap<String, Thresholds>,
    /// By category: the pushed text of that name.
    #[serde(default)]
    pub categories: BTreeMap<String, Thresholds>,
    /// Where an answer is a prior, on top of all thresholds.
    #[serde(default)]
    pub prior: OfPriors,
}

/// Thresholds that are none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadPolicy {
    /// Not TOML of this shape.
    #[error("cannot read the thresholds: {0}")]
    Shape(String),
    /// Out of order.
    #[error(
        "{whose}: hide_below ({}) and show_from ({}) must lie between 0 and 1, the first not above the second",
        .thresholds.hide_below, .thresholds.show_from
    )]
    Order {
        /// Whose they are.
        whose: String,
        /// What they say.
        thresholds: Thresholds,
    },
}

impl Policy {
    /// Reads TOML.
    ///
    /// # Errors
    /// It has another shape, or thresholds that are out of order.
    pub fn read(text: &str) -> Result<Self, BadPolicy> {
        let policy: Self =
            toml::from_str(text).map_err(|error| BadPolicy::Shape(error.to_string()))?;
        policy.usual.check("usual")?;
        for (whose, thresholds) in policy.locations.iter().chain(&policy.categories) {
            thresholds.check(whose)?;
        }
        Ok(policy)
    }

    /// What to do with an item that is found with this probability at a location; `category` are the thresholds of its
    /// category, if that has any.
    pub fn decide(
        &self,
        location: &str,
        category: Option<Thresholds>,
        found: f64,
        is_prior: bool,
    ) -> Decision {
        let own = self.locations.get(location).copied();
        let decision = own.or(category).unwrap_or(self.usual).decide(found);
        match is_prior {
            true => decision.max(self.prior.at_least),
            false => decision,
        }
    }
}

impl Thresholds {
    /// What to do with an item that is found with this probability.
    pub fn decide(self, found: f64) -> Decision {
        match found {
            _ if found >= self.show_from => Decision::Show,
            _ if found >= self.hide_below => Decision::Warn,
            _ => Decision::Hide,
        }
    }

    fn check(self, whose: &str) -> Result<(), BadPolicy> {
        let is_in_order =
            0.0 <= self.hide_below && self.hide_below <= self.show_from && self.show_from <= 1.0;
        match is_in_order {
            true => Ok(()),
            false => Err(BadPolicy::Order {
                whose: whose.into(),
                thresholds: self,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_may_have_its_own_thresholds() {
        let policy = Policy::read(
            "[usual]\nshow_from = 0.8\nhide_below = 0.3\n[locations.store-1]\nshow_from = 0.95\nhide_below = 0.9\n",
        );
        let policy = policy.unwrap();
        let decisions = |location| {
            [0.8, 0.79, 0.3, 0.29].map(|found| policy.decide(location, None, found, false))
        };
        use Decision::{Hide, Show, Warn};
        assert_eq!(decisions("store-2"), [Show, Warn, Warn, Hide]);
        assert_eq!(decisions("store-1"), [Hide; 4]);
    }

    #[test]
    fn a_prior_is_never_shown_as_what_a_model_says_unless_the_policy_lets_it() {
        let decisions = |text: &str| {
            let policy = Policy::read(text).unwrap();
            [0.9, 0.5, 0.1].map(|found| policy.decide("here", None, found, true))
        };
        use Decision::{Hide, Show, Warn};
        assert_eq!(decisions(""), [Warn, Warn, Hide]);
        assert_eq!(
            decisions("[prior]\nat_least = \"show\""),
            [Show, Warn, Hide]
        );
        assert_eq!(decisions("[prior]\nat_least = \"hide\""), [Hide; 3]);
        assert!(Policy::read("[prior]\nat_least = \"hid\"").is_err());
    }

    #[test]
    fn thresholds_out_of_order_are_refused_by_name() {
        let found = Policy::read("[usual]\nshow_from = 0.5\nhide_below = 0.6");
        assert!(found.unwrap_err().to_string().starts_with("usual"));
        let found = Policy::read("[locations.here]\nshow_from = 1.5\nhide_below = 0.0");
        assert!(found.unwrap_err().to_string().starts_with("here: "));
        assert!(Policy::read("[usual]\nshow_form = 0.5\nhide_below = 0.1").is_err());
    }
}
