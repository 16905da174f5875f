//! The calibration of a forest.

use crate::evaluate::Quality;
use crate::frame::Frame;
use crate::split::Part;
use onhand_models::FlatForest;
use onhand_models::calibrate::{Calibration, Form};
use onhand_models::dataset::Refused;
use onhand_models::metrics::Sample;
use std::collections::BTreeMap;

/// A calibration, and how good it made the model.
pub(super) struct Calibrated {
    pub(super) calibration: Calibration,
    losses: Vec<(Form, f64)>,
    kept_back: Quality,
    unseen: Option<Quality>,
}

impl Calibrated {
    /// The form is chosen at other stores than those that it was fitted to; then it is fitted to all of them. What is
    /// said of its quality is from before that.
    pub(super) fn of(flat: &FlatForest, frames: &BTreeMap<Part, Frame>) -> Result<Self, Refused> {
        let scored = |part| {
            let frame = &frames[&part];
            let mut scores = vec![0.0; frame.labels().len()];
            flat.score_batch(&frame.rows(), &mut scores);
            scores
        };
        let (mut fit, choose) = (scored(Part::Fit), scored(Part::Choose));
        let mut labels = frames[&Part::Fit].labels().to_vec();
        let later = Sample::new(&choose, frames[&Part::Choose].labels(), None)?;
        let chosen = Calibration::choose(&Sample::new(&fit, &labels, None)?, &later);
        let quality = |scores: &[f64], labels: &[f32]| {
            let told = chosen.calibration.probabilities(scores);
            Sample::new(&told, labels, None).map(|sample| Quality::of(&sample))
        };
        let kept_back = quality(&choose, later_labels(frames))?;
        let unseen = match frames.get(&Part::Unseen) {
            Some(frame) if !frame.labels().is_empty() => {
                Some(quality(&scored(Part::Unseen), frame.labels())?)
            }
            _ => None,
        };
        fit.extend(&choose);
        labels.extend(later_labels(frames));
        let form = form_of(&chosen.calibration);
        Ok(Self {
            calibration: Calibration::fit(form, &Sample::new(&fit, &labels, None)?),
            losses: chosen.log_losses,
            kept_back,
            unseen,
        })
    }

    pub(super) fn tell(&self, facts: &mut BTreeMap<String, String>) {
        let losses = self
            .losses
            .iter()
            .map(|(form, loss)| format!("{form:?} {loss:.6}"));
        let form = form_of(&self.calibration);
        facts.insert("calibration".into(), format!("{form:?}"));
        facts.insert(
            "calibration.log losses".into(),
            losses.collect::<Vec<_>>().join(", "),
        );
        let mut say = |name: &str, quality: &Quality| {
            let text = serde_json::to_string(quality).expect("a quality is plain data");
            facts.insert(name.to_owned(), text);
        };
        say("quality.kept back", &self.kept_back);
        if let Some(unseen) = &self.unseen {
            say("quality.unseen", unseen);
        }
    }
}

fn later_labels(frames: &BTreeMap<Part, Frame>) -> &[f32] {
    frames[&Part::Choose].labels()
}

fn form_of(calibration: &Calibration) -> Form {
    match calibration {
        Calibration::None => Form::None,
        Calibration::Platt { .. } => Form::Platt,
        Calibration::Beta { .. } => Form::Beta,
        Calibration::Isotonic { .. } => Form::Isotonic,
    }
}
