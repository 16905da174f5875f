//! What is said of an item that is new here.
//!
//! A model that learned from items with a past guesses at one without. So until the item has been heard of for a day,
//! which brings a night's feed, the answer is what is usual of its kind, moved by how much emptier this location's
//! shelves are than all. The kind is the SKU in this hour at all locations, drawn to its category, and that to all, by
//! how little was looked at; the location is drawn to all in the same way. Who is unknown thus moves nothing: in a store
//! that is new too it is the kind alone. For a merchant of whom nothing is known it is the base rate of the training.
//!
//! The kind is taken everywhere, never here: what is known of a category at this location holds the location's level
//! already, and would be moved by it once more.

use onhand_core::Span;
use onhand_features::FeatureSet;

/// How long an item is new here, if not said otherwise: until the first night's feed has come.
pub const NEW_FOR: Span = Span::from_secs(24 * 3600);
const DAY_MILLIS: f32 = 86_400_000.0;
/// No item is sure to be found, or not to be, because of others.
const LEAST: f64 = 0.01;

/// Where in a row the prior's features are.
#[derive(Clone, Debug)]
pub struct Prior {
    age: Option<usize>,
    kind: Option<usize>,
    location: Option<usize>,
    everything: Option<usize>,
    /// The probability of being found of which nothing is known.
    usually: f64,
    new_for: Span,
}

impl Prior {
    /// The prior from the features of a set; `usually` is the probability of being found of an item of which nothing is
    /// known, and an item is new for so long.
    pub fn new(set: &FeatureSet, usually: f64, new_for: Span) -> Self {
        Self {
            age: set.position("age_days"),
            kind: set.position("out_of_kind"),
            location: set.position("location_out_drawn"),
            everything: set.position("everything_out_at_target_7d"),
            usually,
            new_for,
        }
    }

    /// The places of its features in a row.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let places = [self.age, self.kind, self.location, self.everything];
        places.into_iter().flatten()
    }

    /// Whether the row is of an item without a past.
    pub fn is_new(&self, row: &[f32]) -> bool {
        let age = self.age.map_or(f32::NAN, |place| row[place]);
        // Missing: not even heard of.
        age.is_nan() || age * DAY_MILLIS < self.new_for.millis() as f32
    }

    /// The probability that the item is found, from what is known of others.
    pub fn found(&self, row: &[f32]) -> f64 {
        let odds = |place: Option<usize>| {
            let rate = f64::from(row[place?]);
            (!rate.is_nan()).then(|| odds(rate))
        };
        let (kind, here, all) = (odds(self.kind), odds(self.location), odds(self.everything));
        let (Some(kind), Some(here), Some(all)) = (kind, here, all) else {
            return self.usually;
        };
        let odds = kind * here / all;
        1.0 - (odds / (1.0 + odds)).clamp(LEAST, 1.0 - LEAST)
    }

    /// The probability of being found of which nothing is known.
    pub fn usually(&self) -> f64 {
        self.usually
    }
}

fn odds(rate: f64) -> f64 {
    let rate = rate.clamp(LEAST, 1.0 - LEAST);
    rate / (1.0 - rate)
}
