//! The first pass: what became of each question, and what there is to ask about.
//!
//! A label is read a day after its hour, from the same folds that features are made of: so it holds what the nightly
//! feed told by then, and a question of the last day needs entries of the day after. A label of which nothing was told
//! is missing, and its question is not asked.

use crate::Source;
use crate::grid::{Grid, day_of};
use onhand_core::{Entry, LevelNo, LocationId, Sku, Span, Stamp, Timestamp, Value};
use onhand_features::fact::{Fact, facts};
use onhand_features::measure::Measure::{Found, NotFound, SecondsIn, SecondsOut};
use onhand_features::window::target_hour;
use onhand_features::{Entity, Feature, FeatureSet, Kind, Limits, Moment, Store, Subject};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How long after the end of the hour asked about its label is read: the night's feed has come by then.
const KNOWN_AFTER: Span = Span::from_secs(25 * 3600);
const HOUR: Span = Span::from_secs(3600);

/// What a label is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The share of the hour in which the shelf was empty, as looks and feeds tell it.
    Shelf,
    /// The share of the looks in the hour that did not find the item: all there is where nobody tells of the shelf.
    Looks,
}

/// A SKU at a location.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Where.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// The location's number, in the order of their first levels.
    pub location_no: u32,
    /// The number of its category in [`Outcomes::categories`], if it was told.
    pub category: Option<u32>,
    /// When the ledger first heard of it.
    pub since: Timestamp,
    /// When the ledger first heard of the SKU, anywhere.
    pub sku_since: Timestamp,
}

/// What there is, and what became of it.
#[derive(Debug)]
pub struct Outcomes {
    /// The questions' times; the days begin with the ledger.
    pub grid: Grid,
    /// Every SKU at a location, in the order in which the ledger opened them.
    pub pairs: Vec<Pair>,
    /// How many SKUs each location has.
    pub sizes: Vec<u32>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Position and time of the first entry read, and of the last.
    pub range: (Stamp, Stamp),
    /// By slot: a label for each pair that there was.
    labels: Vec<Vec<f32>>,
}

impl Outcomes {
    /// Reads a ledger as far as labels need it.
    ///
    /// # Errors
    /// The ledger's.
    pub fn read<S: Source>(source: &S, grid: Grid, label: Label) -> Result<Self, S::Error> {
        let mut pass = Pass::new(grid, label);
        source.each("Finding what became", &mut |entry| pass.take(entry))?;
        Ok(pass.finish())
    }

    /// The label of a pair at a slot, 0 to 1: how empty the shelf was. NaN if nothing is known.
    pub fn label(&self, slot: usize, pair: u32) -> f32 {
        let labels = self.labels.get(slot);
        labels
            .and_then(|labels| labels.get(pair as usize))
            .copied()
            .unwrap_or(f32::NAN)
    }

    /// Pairs that have a label at a slot.
    pub fn labelled(&self, slot: usize) -> impl Iterator<Item = u32> {
        let labels = self.labels.get(slot).into_iter().flatten();
        labels
            .zip(0..)
            .filter(|(label, _)| !label.is_nan())
            .map(|(_, pair)| pair)
    }
}

struct Pass {
    store: Store,
    subject: Subject,
    begun: bool,
    next: usize,
    locations: BTreeMap<LocationId, u32>,
    skus: BTreeMap<Sku, Timestamp>,
    categories: BTreeMap<String, u32>,
    found: Outcomes,
}

impl Pass {
    fn new(grid: Grid, label: Label) -> Self {
        let set = FeatureSet::new(vec![definition(label)]).expect("one name differs from no other");
        Self {
            store: Store::new(Arc::new(set), Limits::default()),
            subject: Subject::default(),
            begun: false,
            next: 0,
            locations: BTreeMap::new(),
            skus: BTreeMap::new(),
            categories: BTreeMap::new(),
            found: Outcomes {
                grid,
                pairs: Vec::new(),
                sizes: Vec::new(),
                categories: Vec::new(),
                range: Default::default(),
                labels: Vec::new(),
            },
        }
    }

    fn take(&mut self, entry: &Entry) -> ControlFlow<()> {
        if !self.begun {
            self.begun = true;
            self.found.range.0 = entry.stamp;
            let days = &mut self.found.grid.days;
            *days = (*days.start()).max(day_of(entry.stamp.at))..=*days.end();
        }
        while self.next < self.found.grid.slots() && entry.stamp.at > self.known_at(self.next) {
            self.read_slot();
        }
        if self.next == self.found.grid.slots() {
            return ControlFlow::Break(());
        }
        self.store
            .apply(entry)
            .expect("a ledger is read in order, from its first entry");
        self.found.range.1 = entry.stamp;
        self.open(entry);
        facts(entry, &mut |_, fact| self.describe(fact));
        ControlFlow::Continue(())
    }

    fn known_at(&self, slot: usize) -> Timestamp {
        let target = self.found.grid.moment(slot).target;
        target.plus(HOUR).plus(KNOWN_AFTER)
    }

    fn read_slot(&mut self) {
        let moment = Moment {
            now: self.known_at(self.next),
            target: self.found.grid.moment(self.next).target,
        };
        let (store, subject) = (&self.store, &mut self.subject);
        // Pairs are numbered as levels are: in the order in which the ledger opened them.
        let labels = (0..self.found.pairs.len() as u32).map(|level| {
            let mut label = [f32::NAN];
            store.find_level(LevelNo(level), subject);
            store.read(subject, moment, &mut label);
            label[0]
        });
        self.found.labels.push(labels.collect());
        self.next += 1;
    }

    fn open(&mut self, entry: &Entry) {
        let now = entry.stamp.at;
        for opening in &entry.openings {
            let number = self.locations.len() as u32;
            let location_no = *self
                .locations
                .entry(opening.location.clone())
                .or_insert(number);
            let sizes = &mut self.found.sizes;
            sizes.resize(self.locations.len(), 0);
            sizes[location_no as usize] += 1;
            self.found.pairs.push(Pair {
                location: opening.location.clone(),
                sku: opening.sku.clone(),
                location_no,
                category: None,
                since: now,
                sku_since: *self.skus.entry(opening.sku.clone()).or_insert(now),
            });
        }
    }

    fn describe(&mut self, fact: Fact<'_>) {
        if let Fact::Pushed {
            level: Some(LevelNo(level)),
            name: "category",
            value: Value::Text(text),
            ..
        } = fact
        {
            let number = self.categories.len() as u32;
            let category = *self
                .categories
                .entry(text.as_str().to_owned())
                .or_insert(number);
            if let Some(pair) = self.found.pairs.get_mut(level as usize) {
                pair.category = Some(category);
            }
        }
    }

    /// What is left to be read knows all there is.
    fn finish(mut self) -> Outcomes {
        while self.begun && self.next < self.found.grid.slots() {
            self.read_slot();
        }
        let mut names = vec![String::new(); self.categories.len()];
        for (name, number) in self.categories {
            names[number as usize] = name;
        }
        self.found.categories = names;
        self.found
    }
}

fn definition(label: Label) -> Feature {
    let here = Entity::SkuAtLocation;
    let (yes, no) = match label {
        Label::Shelf => (SecondsOut, SecondsIn),
        Label::Looks => (NotFound, Found),
    };
    let yes = here.sum(yes, target_hour());
    let share = yes.clone() / (yes + here.sum(no, target_hour()));
    Feature::new("label", here, Kind::Share, share)
}
