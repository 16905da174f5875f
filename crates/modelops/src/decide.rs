//! What a shop does about an item, by where and of what category it is.

use crate::policy::Thresholds;
use crate::predictor::{Asked, Fallback, Prediction, Predictor, Stores};
use crate::shift::CATEGORY;

/// Items whose category is read under one lock.
const AT_ONCE: usize = 512;

impl<S: Stores> Predictor<S> {
    /// Says what to do about items, by what is said of them.
    pub(crate) fn decide(&self, partition: u16, asked: &[Asked<'_>], told: &mut [Prediction]) {
        let categories = self.categories(partition, asked);
        for ((item, category), told) in asked.iter().zip(categories).zip(told) {
            let is_prior = told.fallback.is_some_and(Fallback::is_prior);
            told.decision = self
                .policy
                .decide(item.location, category, told.found, is_prior);
        }
    }

    /// The thresholds of the items' categories, where those have any of their own.
    fn categories(&self, partition: u16, asked: &[Asked<'_>]) -> Vec<Option<Thresholds>> {
        if self.policy.categories.is_empty() {
            return vec![None; asked.len()];
        }
        let mut all = Vec::with_capacity(asked.len());
        for some in asked.chunks(AT_ONCE) {
            self.stores.read(partition, &mut |mut reader| {
                reader.find_all(some.iter().map(Asked::name));
                all.extend((0..some.len()).map(|place| {
                    let category = reader.text(CATEGORY, place)?;
                    self.policy.categories.get(category).copied()
                }));
            });
        }
        all
    }
}
