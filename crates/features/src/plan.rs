//! The plan of a feature set: what must be kept for it, and how rows are made from that.
//!
//! Formulas share much: a rate, its trials and the same rate of the category come again and again. So equal parts are
//! found once and become one node, kept in an order in which every node comes after those it is made of. A row is one
//! pass over the nodes. In the same way each measure of each entity is kept once, with the longest windows that any
//! formula asks of it.

mod keep;

use crate::calendar::HOURS_A_DAY;
use crate::entity::Entity;
use crate::feature::Feature;
use crate::formula::{
    Balance, Binary, Context, Filter, Filtered, Formula, How, Leaf, Unary, UsualFor,
};
use crate::measure::Measure;
use crate::window::{Anchor, Window};

/// Rings of hours reach back at least so far, so that what is told a night late can still be read by its hour.
pub(crate) const LEAST_HOURS: usize = 3 * HOURS_A_DAY as usize;

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
    /// The features whose facts may be too old.
    pub(crate) limited: Vec<usize>,
    pub(crate) filters: Vec<FilterPlan>,
    pub(crate) means: Vec<MeanPlan>,
    /// By kind of entity, whether its members must be listed.
    pub(crate) listed: Vec<bool>,
    /// Where hours with a sale are counted: the series that tells whether a sale is the first.
    pub(crate) firsts: Option<usize>,
    /// The kind of the SKU, if anything is kept for it.
    pub(crate) sku: Option<usize>,
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
    /// Usual amounts that must be kept, by their half-life.
    pub(crate) usual: Vec<u16>,
}

impl SeriesPlan {
    /// Whether an hour's sum of a SKU at a location is small for certain.
    pub(crate) fn is_narrow(&self) -> bool {
        self.entity == 0 && self.measure.is_small()
    }
}

/// One pushed number of one kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PushedPlan {
    pub(crate) entity: usize,
    pub(crate) name: &'static str,
}

/// What a filter runs over: usual amounts, each as a series and a place in it, by [`FILTERED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilterPlan {
    pub(crate) filter: Filter,
    pub(crate) own: [(usize, usize); 5],
    pub(crate) sku: [(usize, usize); 5],
    pub(crate) sold: usize,
}

/// A formula of members, and whose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeanPlan {
    pub(crate) entity: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: usize,
    /// Whether nothing that happens in the begun hour changes it.
    pub(crate) is_of_full_hours: bool,
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
    /// The series added up, the one that says on which days, the half-life, the days.
    OnDaysWith(usize, usize, u16, Window),
    Filter(usize, Filtered),
    Members(usize),
    Mean(usize),
    DaysKnown(usize, usize),
    Found,
    Age(usize),
    Balance(Balance),
    Pushed(usize, Anchor),
    PushedFor(usize, Anchor),
    Code(usize),
    Context(Context, Anchor),
}

/// What says how old a read's newest fact is, by its number.
pub(crate) enum Dated {
    Series(usize),
    Look,
    Pushed(usize, Anchor),
}

impl Read {
    /// What its age is that of; `None` if it has none.
    pub(crate) fn dated(self, plan: &Plan) -> Option<Dated> {
        match self {
            Self::Filter(number, _) => Some(Dated::Series(plan.filters[number].sold)),
            Self::Window(series, ..)
            | Self::OnDaysWith(series, ..)
            | Self::Since(series)
            | Self::Usual(series, ..)
            | Self::DaysKnown(series, _) => Some(Dated::Series(series)),
            Self::Found => Some(Dated::Look),
            Self::Pushed(number, anchor) | Self::PushedFor(number, anchor) => {
                Some(Dated::Pushed(number, anchor))
            }
            Self::Age(_)
            | Self::Balance(_)
            | Self::Code(_)
            | Self::Members(_)
            | Self::Mean(_)
            | Self::Context(..) => None,
        }
    }
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
            limited: Vec::new(),
            filters: Vec::new(),
            means: Vec::new(),
            listed: Vec::new(),
            firsts: None,
            sku: None,
            by_measure: vec![Vec::new(); Measure::ALL.len()],
        };
        for feature in features {
            plan.keep_all(&feature.formula);
        }
        plan.listed.resize(plan.entities.len(), false);
        for feature in features {
            feature
                .formula
                .means(&mut |entity, of| plan.add_mean(entity, of));
        }
        let mut nodes = Vec::new();
        for feature in features {
            let output = plan.node(&mut nodes, &feature.formula);
            plan.outputs.push(output);
            let mut sources = Vec::new();
            let mut add = |leaf: &Leaf| sources.push(plan.read(leaf));
            feature.formula.leaves(&mut add);
            plan.sources.push(sources);
        }
        let has_limit = |number: &usize| features[*number].fresh_for.is_some();
        plan.limited = (0..features.len()).filter(has_limit).collect();
        plan.nodes = nodes;
        for (number, series) in plan.series.iter().enumerate() {
            plan.by_measure[series.measure as usize].push(number);
        }
        plan.sku = plan.entities.iter().position(|one| *one == Entity::Sku);
        if !plan.of_measure(Measure::SellingHours).is_empty() {
            plan.firsts = Some(plan.series_of(Entity::SkuAtLocation, Measure::UnitsSold));
        }
        plan
    }

    fn add_mean(&mut self, entity: Entity, of: &Formula) {
        let mean = self.mean(entity, of);
        find_or_push(&mut self.means, &mean, |one| *one == mean);
    }

    /// A feature whose facts may be too old, and have no age.
    pub(crate) fn limited_in_vain(&self) -> Option<usize> {
        let has_age = |number: &usize| {
            let mut reads = self.sources[*number].iter();
            reads.any(|read| read.dated(self).is_some())
        };
        self.limited.iter().copied().find(|number| !has_age(number))
    }

    /// The series that a measure adds to.
    pub(crate) fn of_measure(&self, measure: Measure) -> &[usize] {
        &self.by_measure[measure as usize]
    }

    /// The node of a formula, made if it is new.
    fn node(&self, nodes: &mut Vec<Node>, formula: &Formula) -> usize {
        let node = match formula {
            Formula::Leaf(leaf) => Node::Read(self.read(leaf)),
            Formula::Number(number) => Node::Number(*number),
            Formula::Mean(entity, of) => Node::Read(Read::Mean(self.mean_of(*entity, of))),
            Formula::Unary(what, of) => Node::Unary(*what, self.node(nodes, of)),
            Formula::Binary(what, one, other) => {
                let one = self.node(nodes, one);
                Node::Binary(*what, one, self.node(nodes, other))
            }
        };
        find_or_push(nodes, &node, |one| *one == node)
    }

    fn mean(&self, entity: Entity, of: &Formula) -> MeanPlan {
        let mut nodes = Vec::new();
        let output = self.node(&mut nodes, of);
        let is_of_full_hours = |node: &Node| match node {
            Node::Read(read) => matches!(read, Read::Filter(..) | Read::Context(..)),
            _ => true,
        };
        MeanPlan {
            entity: self.entity_of(entity),
            is_of_full_hours: nodes.iter().all(is_of_full_hours),
            nodes,
            output,
        }
    }

    fn mean_of(&self, entity: Entity, of: &Formula) -> usize {
        let mean = self.mean(entity, of);
        place(&self.means, |one| *one == mean)
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
            Leaf::OnDaysWith(entity, measure, with, half_life, days) => Read::OnDaysWith(
                self.series_of(entity, measure),
                self.series_of(entity, with),
                half_life,
                days,
            ),
            Leaf::Filter(filter, what) => {
                Read::Filter(place(&self.filters, |one| one.filter == filter), what)
            }
            Leaf::Members(entity) => Read::Members(self.entity_of(entity)),
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
        place(&self.series[series].usual, |one| *one == half_life)
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
    use crate::feature::{BadSet, FeatureSet, Kind};
    use crate::window::{days, hours};

    #[test]
    fn windows_that_reach_too_far_are_refused() {
        let sold = |back| SkuAtLocation.sum(Measure::UnitsSold, hours(1..=back));
        let feature = |back| Feature::new("sold", SkuAtLocation, Kind::Units, sold(back));
        assert!(FeatureSet::new(vec![feature(3 * 366 * 24)]).is_ok());
        let refused = FeatureSet::new(vec![feature(u16::MAX)]).unwrap_err();
        assert_eq!(refused, BadSet::TooFar("units_sold"));
    }

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
