//! How a recalibration moves a row, by its category and the hour asked about.

use onhand_features::{Moment, Reader};
use onhand_models::Recalibration;
use onhand_models::recalibrate::Line;

/// The pushed text that tells groups apart.
pub(crate) const CATEGORY: &str = "category";

/// Of the level in a place, of those that were last read together; none without a recalibration.
pub(crate) fn line(
    recalibration: Option<&Recalibration>,
    reader: &Reader<'_>,
    place: usize,
    moment: Moment,
) -> Line {
    recalibration.map_or(Line::default(), |recalibration| {
        recalibration.line(reader.text(CATEGORY, place), moment.hour_asked_about())
    })
}
