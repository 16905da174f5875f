//! The pinball loss: `level` for each unit that the label is above the score, `1 - level` for each below.
//!
//! It has no curvature, so its slope tells where to split but not how far to go: a leaf gets the quantile of what its
//! rows still lack.

use crate::boost::gradient::Gradient;
use crate::dataset::{Dataset, Refused};

pub(super) fn check(level: f32) -> Result<(), Refused> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Refused::Setting {
        setting: "level",
        rule: "over 0 and under 1",
    })
}

pub(super) fn start(level: f32, data: &Dataset) -> f32 {
    let labels = data.labels().iter().enumerate();
    quantile(
        level,
        labels
            .map(|(row, &label)| (label, data.weight(row)))
            .collect(),
    )
}

pub(super) fn gradient(level: f32, score: f32, label: f32) -> Gradient {
    Gradient {
        first: if label > score { -level } else { 1.0 - level },
        second: 1.0,
    }
}

pub(super) fn loss(level: f32, score: f32, label: f32) -> f32 {
    let lack = label - score;
    (level * lack).max((level - 1.0) * lack)
}

pub(super) fn leaf_value(
    level: f32,
    data: &Dataset,
    scores: &[f32],
    rows: impl Iterator<Item = usize>,
) -> f32 {
    let lacks = rows.map(|row| (data.labels()[row] - scores[row], data.weight(row)));
    quantile(level, lacks.collect())
}

/// The least value that a share `level` of the weight is not above; 0 if there is none.
fn quantile(level: f32, mut values: Vec<(f32, f32)>) -> f32 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let all: f64 = values.iter().map(|value| f64::from(value.1)).sum();
    let mut below = 0.0;
    let found = values.iter().find(|value| {
        below += f64::from(value.1);
        below >= all * f64::from(level)
    });
    found.or(values.last()).map_or(0.0, |value| value.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_weight() {
        let values = vec![(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
        assert_eq!(quantile(0.5, values.clone()), 2.0);
        assert_eq!(quantile(0.9, values), 4.0);
        assert_eq!(quantile(0.5, vec![(1.0, 1.0), (2.0, 8.0), (9.0, 1.0)]), 2.0);
        assert_eq!(quantile(0.5, Vec::new()), 0.0);
    }
}
