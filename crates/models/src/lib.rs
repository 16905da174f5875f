//! # onhand-models: fit, predict, calibrate, explain
//!
//! Gradient-boosted trees for the learning wing, and what a model needs around it.
//!
//! - [`dataset`]: columns of `f32` become columns of bins, one byte a value.
//! - [`boost`]: bins, labels and a seed become a [`Forest`].
//! - [`tree`], [`flat`]: the forest as it is kept, and as it is served; `sliced`: as it is served to large batches.
//! - [`explain`]: the parts of a score, feature by feature.
//! - [`calibrate`]: from a score to a probability that holds.
//! - [`recalibrate`]: what its latest answers missed.
//! - [`metrics`]: how good it is, and how sure we are of that.
//! - [`artefact`]: the model as bytes that describe themselves.
//!
//! Floor 2. It imports no other crate of ours, touches no file and no clock, and draws every random number from the
//! seed it is given. **The same data, settings and seed give the same bytes, whatever the number of threads and
//! whatever the machine**: gradients are summed as integers, so the order of a sum cannot show in its result; other
//! sums run over chunks of a fixed size, added in order; and `exp` and `ln`, which differ from one system's library
//! to the next, are our own (`numeric`).

pub mod artefact;
pub mod boost;
pub mod calibrate;
pub mod dataset;
pub mod explain;
pub mod flat;
pub mod hours;
pub mod metrics;
pub mod recalibrate;
pub mod tree;

mod numeric;
mod parallel;
mod random;
mod regression;
mod sliced;

pub use artefact::Artefact;
pub use boost::{Booster, Fit, Loss};
pub use calibrate::Calibration;
pub use dataset::Dataset;
pub use flat::FlatForest;
pub use hours::Hours;
pub use recalibrate::Recalibration;
pub use tree::Forest;
