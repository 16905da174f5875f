//! Gradient boosting of histogram trees.
//!
//! Each round fits one tree to the slope of the loss (Friedman, *Greedy function approximation*, 2001) with the second
//! derivative as the weight (Chen, Guestrin, *XGBoost*, 2016), grows it leaf by leaf, always the leaf that gains most
//! (Ke and others, *LightGBM*, 2017), and finds splits in histograms of at most 255 bins. Of two new leaves only the
//! smaller one is counted; the other is the parent less its sibling.
//!
//! What is particular here is `gradient`: slopes are rounded to integers by chance, without bias, with as many bits as
//! the sums allow (10 to 16), and slope and weight are counted by one addition of 64 bits. It is what makes the sums
//! exact in any order, hence the same model on any number of threads, and it is faster than floats. (Shi and others,
//! *Quantized training of gradient boosting decision trees*, 2022, show that even 3 bits lose little.)

mod gradient;
mod grow;
mod histogram;
mod loss;
mod partition;
mod run;
mod sample;
mod settings;
mod split;
mod watch;

pub use loss::Loss;
pub use sample::Sampling;
pub use settings::{Booster, Monotone};

use crate::dataset::{Dataset, Refused};
use crate::tree::Forest;
use run::Run;
use watch::Watch;

/// What a round of boosting gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// From 0.
    pub index: usize,
    /// Mean loss on the frame trained on, as [`Loss`] defines it.
    pub train: f64,
    /// Mean loss on the later frame, if there is one.
    pub valid: Option<f64>,
}

/// A fitted forest and how it came to be.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The trees up to the best round.
    pub forest: Forest,
    /// Every round, those after the best one too.
    pub rounds: Vec<Round>,
}

impl Booster {
    /// Fits a forest to `train`, and stops early on `valid` if it is given (it must be [`Dataset::like`] `train`).
    /// Calls `progress` after each round.
    ///
    /// # Errors
    /// If a setting is out of range, or the labels are not the loss's.
    pub fn fit(
        &self,
        train: &Dataset,
        valid: Option<&Dataset>,
        mut progress: impl FnMut(Round),
    ) -> Result<Fit, Refused> {
        self.check_for(train)?;
        self.loss.check(train)?;
        valid.map_or(Ok(()), |valid| self.check_valid(train, valid))?;
        let mut run = Run::new(self, train);
        let mut watch = valid.map(|valid| Watch::new(self, valid, run.forest.base));
        let mut rounds = Vec::new();
        for index in 0..self.rounds {
            run.round(index);
            let round = Round {
                index,
                train: run.loss(),
                valid: watch.as_mut().map(|watch| watch.add(&run.forest)),
            };
            rounds.push(round);
            progress(round);
            if watch.as_ref().is_some_and(Watch::is_over) {
                break;
            }
        }
        let mut forest = run.forest;
        if let Some(watch) = watch {
            forest.trees.truncate(watch.best() + 1);
        }
        Ok(Fit { forest, rounds })
    }
}
