//! The plan of a feature set: what must be kept for it, and how rows are made from that.
//!
//! Formulas share much: a rate, its trials and the same rate of the category come again and again. So equal parts are
//! found once and become one node, kept in an order in which every node comes after those it is made of. A row is one
//! pass over the nodes. In the same way each measure of each entity is kept once, with the longest windows that any
//! formula asks of it.

use crate::calendar::HOURS_A_DAY;
use crate::entity::Entity;
use crate::feature::Feature;
use crate::formula::{Balance, Binary, Context, Formula, How, Leaf, Unary, UsualFor};
use crate::measure::Measure;
use crate::window::{Anchor, Window};

/// Rings of hours reach back at least so far, so that what is told a night late can still be read by its hour.
const LEAST_HOURS: usize = 3 * HOURS_A_DAY as usize;

/// What is kept, and how rows are made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Entities that sums are kept for; the first is the SKU at the location.
    pub(crate) entities: Vec<Entity>,
    /// Sums that are kept.
    pub(crate) series: Vec<SeriesPlan>,
    /// Pushed numbers that are kept.
    pub(crate) pushed: Vec<PushedPlan>,
    /// The steps of a row.
    pub(crate) nodes: Vec<Node>,
    /// The node of each feature.
    pub(crate) outputs: Vec<usize>,
    /// The reads that each feature's value stands on.
    pub(crate) sources: Vec<Vec<Read>>,
    by_measure: Vec<Vec<usize>>,
}

/// One measure of one kind of entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeriesPlan {
    pub(crate) entity: usize,
    pub(crate) measure: Measure,
    /// Hours that must be kept; 0 for none.
    pub(crate) hours: usize,
    /// Days that must be kept; 0 for none.
    pub(crate) days: usize,
    /// Usual amounts that must be kept: their half-life, and whether by hour of the day.
    pub(crate) usual: Vec<(u16, bool)>,
}

/// One pushed number of one kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PushedPlan {
    pub(crate) entity: usize,
    pub(crate) name: &'static str,
}

/// A step of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Node {
    Read(Read),
    Number(f64),
    Binary(Binary, usize, usize),
    Unary(Unary, usize),
}

/// A leaf, by the numbers of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Window(usize, How, Window),
    Since(usize),
    /// Series, place among its usual amounts, hours.
    Usual(usize, usize, UsualFor),
    DaysKnown(usize, usize),
    Found,
    Age(usize),
    Balance(Balance),
    Pushed(usize, Anchor),
    PushedFor(usize, Anchor),
    Code(usize),
    Context(Context, Anchor),
}

impl Plan {
    /// The plan of these features.
    pub(crate) fn of(features: &[Feature]) -> Self {
        let mut plan = Self {
            entities: vec![Entity::SkuAtLocation],
            series: Vec::new(),
            pushed: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            sources: Vec::new(),
            by_measure: vec![Vec::new(); Measure::ALL.len()],
        };
        for feature in features {
            feature.formula.leaves(&mut |leaf| plan.keep(leaf));
        }
        for feature in features {
            let output = plan.node(&feature.formula);
            plan.outputs.push(output);
            let mut sources = Vec::new();
            let mut add = |leaf: &Leaf| sources.push(plan.read(leaf));
            feature.formula.leaves(&mut add);
            plan.sources.push(sources);
        }
        for (number, series) in plan.series.iter().enumerate() {
            plan.by_measure[series.measure as usize].push(number);
        }
        plan
    }

    /// The series that a measure adds to.
    pub(crate) fn of_measure(&self, measure: Measure) -> &[usize] {
        &self.by_measure[measure as usize]
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
            Leaf::Usual(entity, measure, half_life, hours) => {
                let series = self.keep_series(entity, measure);
                self.keep_usual(series, half_life, hours != UsualFor::Day);
            }
            Leaf::DaysKnown(entity, measure, half_life) => {
                let series = self.keep_series(entity, measure);
                self.keep_usual(series, half_life, false);
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

    fn keep_entity(&mut self, entity: Entity) -> usize {
        find_or_push(&mut self.entities, &entity, |one| *one == entity)
    }

    fn keep_series(&mut self, entity: Entity, measure: Measure) -> usize {
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

    fn keep_usual(&mut self, series: usize, half_life: u16, by_hour: bool) {
        let usual = &mut self.series[series].usual;
        match usual.iter_mut().find(|one| one.0 == half_life) {
            Some(one) => one.1 |= by_hour,
            None => usual.push((half_life, by_hour)),
        }
    }

    /// The node of a formula, made if it is new.
    fn node(&mut self, formula: &Formula) -> usize {
        let node = match formula {
            Formula::Leaf(leaf) => Node::Read(self.read(leaf)),
            Formula::Number(number) => Node::Number(*number),
            Formula::Unary(what, of) => Node::Unary(*what, self.node(of)),
            Formula::Binary(what, one, other) => {
                let one = self.node(one);
                Node::Binary(*what, one, self.node(other))
            }
        };
        find_or_push(&mut self.nodes, &node, |one| *one == node)
    }

    /// A leaf by the numbers of what is kept for it.
    fn read(&self, leaf: &Leaf) -> Read {
        match *leaf {
            Leaf::Window(entity, measure, how, window) => {
                Read::Window(self.series_of(entity, measure), how, window)
            }
            Leaf::Since(entity, measure) => Read::Since(self.series_of(entity, measure)),
            Leaf::Usual(entity, measure, half_life, hours) => {
                let series = self.series_of(entity, measure);
                Read::Usual(series, self.usual_of(series, half_life), hours)
            }
            Leaf::DaysKnown(entity, measure, half_life) => {
                let series = self.series_of(entity, measure);
                Read::DaysKnown(series, self.usual_of(series, half_life))
            }
            Leaf::Found => Read::Found,
            Leaf::Age(entity) => Read::Age(self.entity_of(entity)),
            Leaf::Balance(balance) => Read::Balance(balance),
            Leaf::Pushed(entity, name, anchor) => {
                Read::Pushed(self.pushed_of(entity, name), anchor)
            }
            Leaf::PushedFor(entity, name, anchor) => {
                Read::PushedFor(self.pushed_of(entity, name), anchor)
            }
            Leaf::Code(entity) => Read::Code(self.entity_of(entity)),
            Leaf::Context(what, anchor) => Read::Context(what, anchor),
        }
    }

    fn entity_of(&self, entity: Entity) -> usize {
        place(&self.entities, |one| *one == entity)
    }

    fn series_of(&self, entity: Entity, measure: Measure) -> usize {
        let entity = self.entity_of(entity);
        place(&self.series, |one| {
            (one.entity, one.measure) == (entity, measure)
        })
    }

    fn usual_of(&self, series: usize, half_life: u16) -> usize {
        place(&self.series[series].usual, |one| one.0 == half_life)
    }

    fn pushed_of(&self, entity: Entity, name: &'static str) -> usize {
        let entity = self.entity_of(entity);
        place(&self.pushed, |one| *one == PushedPlan { entity, name })
    }
}

fn find_or_push<T: Clone>(all: &mut Vec<T>, new: &T, is_it: impl Fn(&T) -> bool) -> usize {
    if let Some(at) = all.iter().position(is_it) {
        return at;
    }
    all.push(new.clone());
    all.len() - 1
}

fn place<T>(all: &[T], is_it: impl Fn(&T) -> bool) -> usize {
    all.iter()
        .position(is_it)
        .expect("every leaf was kept before it is read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entity::SkuAtLocation;
    use crate::feature::Kind;
    use crate::window::{days, hours};

    #[test]
    fn equal_parts_are_one_and_windows_are_kept_once() {
        let sold = || SkuAtLocation.sum(Measure::UnitsSold, days(1..=7));
        let features = [
            Feature::new("a", SkuAtLocation, Kind::Units, sold() / 7.0),
            Feature::new("b", SkuAtLocation, Kind::Units, sold() / 7.0),
            Feature::new(
                "c",
                SkuAtLocation,
                Kind::Units,
                SkuAtLocation.sum(Measure::UnitsSold, hours(1..=100)),
            ),
        ];
        let plan = Plan::of(&features);
        assert_eq!(plan.outputs[0], plan.outputs[1]);
        assert_eq!(plan.nodes.len(), 4, "{:?}", plan.nodes);
        assert_eq!(plan.series.len(), 1);
        assert_eq!((plan.series[0].days, plan.series[0].hours), (8, 101));
    }
}
