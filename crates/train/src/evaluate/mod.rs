//! How good a model is: for all, for stores it knows and stores it does not, for each segment, beside what is simpler.
//!
//! Every question of the days is asked and weighs alike. Only probabilities, labels and the questions' numbers are
//! held, not the features: millions of rows need tens of bytes each.

mod baseline;
mod cold_start;
mod html;
mod plot;
mod quality;
mod report;
mod scene;
mod score;
mod scored;
mod segment;

pub use cold_start::{Learning, Newcomer};
pub use html::page;
pub use quality::{BRIER, BRIER_FIGURES, Brier, DrawnBy, FIGURES, Quality};
pub use report::{Report, Row, Segment, Sources, Stores};
pub use score::{A_DAY, Asking, Misfit, frame, outcomes, score};
pub use scored::Scored;
