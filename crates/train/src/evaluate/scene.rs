//! Answers as a report looks at them: by whose stores they are about, by segment, each with its store and its day.

use super::quality::Quality;
use super::report::{Report, Row, Segment, Stores, curves};
use super::scored::Scored;
use super::segment::By;
use crate::outcome::{Outcomes, Pair};
use crate::split::Trained;
use onhand_models::Artefact;
use onhand_models::dataset::Refused;
use onhand_models::metrics::Sample;
use std::collections::BTreeMap;

/// Rows that a segment needs to be told of at all.
pub(super) const FEW: usize = 100;
/// Draws of an interval.
const DRAWS: usize = 200;

/// Rows of one predictor and some stores, from the lowest prediction to the highest: then no metric sorts them again.
pub(super) struct Rows {
    predicted: Vec<f64>,
    labels: Vec<f32>,
    locations: Vec<u32>,
    days: Vec<u32>,
}

impl Rows {
    /// Of what was said, what became of it, the location and the day.
    fn of(mut rows: Vec<(f64, f32, u32, u32)>) -> Self {
        rows.sort_unstable_by(|one, other| {
            one.0
                .total_cmp(&other.0)
                .then(one.2.cmp(&other.2))
                .then(one.1.total_cmp(&other.1))
                .then(one.3.cmp(&other.3))
        });
        Self {
            predicted: rows.iter().map(|row| row.0).collect(),
            labels: rows.iter().map(|row| row.1).collect(),
            locations: rows.iter().map(|row| row.2).collect(),
            days: rows.iter().map(|row| row.3).collect(),
        }
    }

    pub(super) fn sample(&self) -> Result<Sample<'_>, Refused> {
        Sample::new(&self.predicted, &self.labels, None)
    }

    pub(super) fn quality(&self) -> Result<Quality, Refused> {
        let sample = self.sample()?;
        let clusters = (&self.locations[..], &self.days[..]);
        Ok(Quality::of(&sample).with_interval(&sample, clusters, DRAWS))
    }
}

pub(super) struct Scene<'a> {
    pub(super) outcomes: &'a Outcomes,
    pub(super) scored: &'a Scored,
    has_model: bool,
    /// By location.
    pub(super) is_known: Vec<bool>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        outcomes: &'a Outcomes,
        scored: &'a Scored,
        model: Option<&Artefact>,
    ) -> Self {
        let trained = model.map(Trained::of).unwrap_or_default();
        let mut is_known = vec![false; outcomes.sizes.len()];
        for pair in &outcomes.pairs {
            is_known[pair.location_no as usize] = trained.knows(&pair.location);
        }
        Self {
            outcomes,
            scored,
            has_model: model.is_some(),
            is_known,
        }
    }

    /// Known and unseen stores apart, where there are both.
    pub(super) fn scopes(&self) -> Vec<Stores> {
        let known = self.is_known.iter().any(|is_known| *is_known);
        let unseen = self.is_known.iter().any(|is_known| !is_known);
        match (self.has_model, known, unseen) {
            (false, ..) => vec![Stores::All],
            (true, true, true) => vec![Stores::All, Stores::Known, Stores::Unseen],
            (true, true, false) => vec![Stores::Known],
            (true, false, _) => vec![Stores::Unseen],
        }
    }

    pub(super) fn is_in(&self, stores: Stores, row: usize) -> bool {
        let is_known = self.is_known[self.location(row) as usize];
        match stores {
            Stores::All => true,
            Stores::Known => is_known,
            Stores::Unseen => !is_known,
        }
    }

    fn location(&self, row: usize) -> u32 {
        self.pair(row).location_no
    }

    fn rows(&self, stores: Stores) -> impl Iterator<Item = usize> {
        (0..self.scored.labels.len()).filter(move |row| self.is_in(stores, *row))
    }

    pub(super) fn gather(&self, predicted: &[f64], rows: impl Iterator<Item = usize>) -> Rows {
        let row = |row: usize| {
            let said = (predicted[row], self.scored.labels[row]);
            (said.0, said.1, self.location(row), self.day(row))
        };
        Rows::of(rows.map(row).collect())
    }

    /// The day on which a row is asked.
    pub(super) fn day(&self, row: usize) -> u32 {
        self.outcomes.grid.day(self.scored.slots[row] as usize)
    }

    /// Whom a row is about.
    pub(super) fn pair(&self, row: usize) -> &Pair {
        &self.outcomes.pairs[self.scored.pairs[row] as usize]
    }

    pub(super) fn table(&self, stores: Stores, report: &mut Report) -> Result<(), Refused> {
        let scored = self.scored;
        let mut predictors = vec![
            ("last known status", &scored.status),
            ("rate by item and hour", &scored.item_and_hour),
        ];
        if self.has_model {
            predictors.push(("model", &scored.model));
        }
        if !scored.plain.is_empty() {
            predictors.push(("not recalibrated", &scored.plain));
        }
        for (what, predicted) in predictors {
            let rows = self.gather(predicted, self.rows(stores));
            report.table.push(Row {
                what: what.to_owned(),
                stores,
                quality: rows.quality()?,
            });
            if what == "model" {
                report.curves.push(curves(stores, &rows.sample()?));
            }
        }
        Ok(())
    }

    pub(super) fn segments(&self, stores: Stores) -> Result<Vec<Segment>, Refused> {
        let mut segments = Vec::new();
        for by in By::ALL {
            let mut apart: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for row in self.rows(stores) {
                let segment = by.of(self.outcomes, self.pair(row), self.scored.slots[row]);
                apart.entry(segment).or_default().push(row);
            }
            for (segment, rows) in apart.into_iter().filter(|(_, rows)| rows.len() >= FEW) {
                let rows = self.gather(&self.scored.model, rows.into_iter());
                segments.push(Segment {
                    stores,
                    by,
                    name: by.label(self.outcomes, segment),
                    quality: rows.quality()?,
                });
            }
        }
        Ok(segments)
    }
}
