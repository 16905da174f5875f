//! What must be kept for formulas: each measure of each entity once, with the longest windows that any formula asks of it.

use super::{FilterPlan, LEAST_HOURS, Plan, PushedPlan, SeriesPlan, find_or_push};
use crate::entity::Entity;
use crate::formula::{Filter, Formula, Leaf};
use crate::measure::Measure;

/// The measures of which a filter asks the usual amounts.
const FILTERED: [Measure; 5] = [
    Measure::SecondsIn,
    Measure::SecondsOut,
    Measure::WentOut,
    Measure::CameBack,
    Measure::SellingHours,
];

impl Plan {
    /// Makes sure that what a formula reads is kept, of members too.
    pub(super) fn keep_all(&mut self, formula: &Formula) {
        formula.leaves(&mut |leaf| self.keep(leaf));
        formula.means(&mut |entity, of| {
            let kind = self.keep_entity(entity);
            self.list(kind);
            of.leaves(&mut |leaf| self.keep(leaf));
        });
    }

    fn list(&mut self, kind: usize) {
        if self.listed.len() <= kind {
            self.listed.resize(kind + 1, false);
        }
        self.listed[kind] = true;
    }

    /// Makes sure that what a leaf reads is kept.
    fn keep(&mut self, leaf: &Leaf) {
        match *leaf {
            Leaf::Window(entity, measure, _, window) => {
                let series = self.keep_series(entity, measure);
                let series = &mut self.series[series];
                match window.hours {
                    Some(_) => series.hours = series.hours.max(window.reach()).max(LEAST_HOURS),
                    None => series.days = series.days.max(window.reach()),
                }
            }
            Leaf::Since(entity, measure) => {
                self.keep_series(entity, measure);
            }
            Leaf::Usual(entity, measure, half_life, _)
            | Leaf::DaysKnown(entity, measure, half_life) => {
                let series = self.keep_series(entity, measure);
                self.keep_usual(series, half_life);
            }
            Leaf::OnDaysWith(entity, measure, with, _, window) => {
                for measure in [measure, with] {
                    let series = self.keep_series(entity, measure);
                    let series = &mut self.series[series];
                    series.days = series.days.max(window.reach());
                }
            }
            Leaf::Filter(filter, _) => self.keep_filter(filter),
            Leaf::Members(entity) => {
                let kind = self.keep_entity(entity);
                self.list(kind);
            }
            Leaf::Age(entity) | Leaf::Code(entity) => {
                self.keep_entity(entity);
            }
            Leaf::Pushed(entity, name, _) | Leaf::PushedFor(entity, name, _) => {
                let entity = self.keep_entity(entity);
                let pushed = PushedPlan { entity, name };
                if !self.pushed.contains(&pushed) {
                    self.pushed.push(pushed);
                }
            }
            Leaf::Found | Leaf::Balance(_) | Leaf::Context(..) => {}
        }
    }

    fn keep_filter(&mut self, filter: Filter) {
        let mut usual = |entity| {
            FILTERED.map(|measure| {
                let series = self.keep_series(entity, measure);
                (series, self.keep_usual(series, filter.half_life))
            })
        };
        let (own, sku) = (usual(Entity::SkuAtLocation), usual(Entity::Sku));
        let sold = self.keep_series(Entity::SkuAtLocation, Measure::UnitsSold);
        self.series[sold].hours = self.series[sold].hours.max(LEAST_HOURS);
        let plan = FilterPlan {
            filter,
            own,
            sku,
            sold,
        };
        find_or_push(&mut self.filters, &plan, |one| one.filter == filter);
    }

    fn keep_entity(&mut self, entity: Entity) -> usize {
        find_or_push(&mut self.entities, &entity, |one| *one == entity)
    }

    fn keep_series(&mut self, entity: Entity, measure: Measure) -> usize {
        if measure == Measure::SellingHours {
            let sold = self.keep_series(Entity::SkuAtLocation, Measure::UnitsSold);
            self.series[sold].hours = self.series[sold].hours.max(LEAST_HOURS);
        }
        let entity = self.keep_entity(entity);
        let new = SeriesPlan {
            entity,
            measure,
            hours: 0,
            days: 0,
            usual: Vec::new(),
        };
        let is_it = |one: &SeriesPlan| (one.entity, one.measure) == (entity, measure);
        find_or_push(&mut self.series, &new, is_it)
    }

    fn keep_usual(&mut self, series: usize, half_life: u16) -> usize {
        let usual = &mut self.series[series].usual;
        find_or_push(usual, &half_life, |one| *one == half_life)
    }
}
