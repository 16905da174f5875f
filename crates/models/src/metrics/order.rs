//! What only sees the order of the predictions. Ties count as what they are: no order between them.

use super::Sample;

/// Area under the precision-recall curve as average precision: the precision at each threshold, weighted by the recall
/// that it adds, without interpolation (Davis, Goadrich 2006 say why without). A sample in which nothing happened
/// gives 0.
pub fn average_precision(sample: &Sample) -> f64 {
    let mut ties = Vec::new();
    sample.for_ties(|_, all, hits| ties.push((all, hits)));
    let total: f64 = ties.iter().map(|tie| tie.1).sum();
    let (mut all, mut hits, mut area) = (0.0, 0.0, 0.0);
    for &(weight, hit) in ties.iter().rev() {
        all += weight;
        hits += hit;
        if all > 0.0 {
            area += hit * hits / all;
        }
    }
    if total > 0.0 { area / total } else { 0.0 }
}

/// Area under the ROC curve: the chance that what happened was predicted above what did not, a tie counting half
/// (Mann, Whitney 1947). A sample of one kind only gives 0.5.
pub fn roc_auc(sample: &Sample) -> f64 {
    let (mut hits, mut misses, mut won) = (0.0, 0.0, 0.0);
    sample.for_ties(|_, all, hit| {
        let miss = all - hit;
        won += hit * (misses + miss / 2.0);
        hits += hit;
        misses += miss;
    });
    let pairs = hits * misses;
    if pairs > 0.0 { won / pairs } else { 0.5 }
}

/// The precision-recall curve as (recall, precision), from the highest predictions to the lowest, at about `points`
/// thresholds: one whenever recall has grown by a share of the whole. Nothing if nothing happened.
pub fn precision_recall(sample: &Sample, points: usize) -> Vec<(f64, f64)> {
    let mut ties = Vec::new();
    sample.for_ties(|_, all, hits| ties.push((all, hits)));
    let total: f64 = ties.iter().map(|tie| tie.1).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let (mut all, mut hits, mut curve) = (0.0, 0.0, Vec::new());
    for &(weight, hit) in ties.iter().rev() {
        all += weight;
        hits += hit;
        let recall = hits / total;
        if all > 0.0 && recall * points as f64 >= curve.len() as f64 {
            curve.push((recall, hits / all));
        }
    }
    curve
}
