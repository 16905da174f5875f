//! # onhand-modelops: models at work
//!
//! *Will the shopper find it?* A model that was trained elsewhere, the features that follow the ledger, and a shop's
//! own thresholds become an answer that says where it comes from: how likely the item is found, what to do about it,
//! which model said so, how old its features were, and whether it is a prior.
//!
//! - [`scorer`]: a model that fits the features of this build, and the parts of its score.
//! - [`prior`]: what is said of an item that is new here.
//! - [`policy`]: from a probability to show, warn or hide, by location and category.
//! - [`scores`]: the scores that were asked for lately, bounded.
//! - [`predictor`]: full model, else cached score, else prior. [`refresh`]: scores made anew as the ledger goes on.
//!
//! Floor 3. It never imports the engine, reads no clock and starts no thread: it is given feature stores
//! ([`predictor::Stores`]), the time, and word of when to stop. Nothing here is in the way of a write.

mod decide;
mod making;
mod shift;

pub mod policy;
pub mod predictor;
pub mod prior;
pub mod refresh;
pub mod scorer;
pub mod scores;

pub use policy::{Decision, Policy};
pub use predictor::{Fallback, Prediction, Predictor, Stores};
pub use scorer::{Explanation, Scorer, Unfit};
