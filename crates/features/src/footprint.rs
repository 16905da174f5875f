//! How large a store is, by kind of entity.

use crate::entity::Entity;
use crate::measure::Measure;
use crate::store::Store;
use onhand_core::Timestamp;

/// What the sums and values of one kind of entity take, without names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The kind.
    pub entity: Entity,
    /// How many of it there are.
    pub entities: usize,
    /// Bytes of all of them together.
    pub bytes: usize,
    /// Those of each measure that is kept for it.
    pub measures: Vec<(Measure, usize)>,
}

impl Store {
    /// What each kind of entity takes.
    pub fn footprints(&self) -> Vec<Footprint> {
        let plan = self.set.plan();
        let one = |(kind, entity): (usize, &Entity)| {
            let series = plan.series.iter().zip(&self.kept.series);
            let series = series.filter(|(plan, _)| plan.entity == kind);
            let measures: Vec<(Measure, usize)> = series
                .map(|(plan, series)| (plan.measure, series.bytes()))
                .collect();
            let pushed = plan.pushed.iter().zip(&self.kept.pushed);
            let pushed = pushed.filter(|(plan, _)| plan.entity == kind);
            let entities = self.kept.members.count(kind);
            Footprint {
                entity: *entity,
                entities,
                bytes: measures.iter().map(|(_, bytes)| bytes).sum::<usize>()
                    + pushed.map(|(_, pushed)| pushed.bytes()).sum::<usize>()
                    + entities * size_of::<Timestamp>(),
                measures,
            }
        };
        plan.entities.iter().enumerate().map(one).collect()
    }
}
