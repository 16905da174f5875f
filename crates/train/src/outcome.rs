//! The first pass: what became of each question, and what there is to ask about.
//!
//! A label is read a day after its hour, from the same folds that features are made of: so it holds what the nightly
//! feed told by then, and a question of the last day needs entries of the day after. A label of which nothing was told
//! is missing, and its question is not asked.

use crate::Source;
use crate::grid::{Grid, day_of};
use crate::tellers::Tellers;
use onhand_core::{Entry, LevelNo, LocationId, Sku, Span, Stamp, Timestamp, Value};
use onhand_features::fact::{Fact, facts};
use onhand_features::measure::Measure::{Found, NotFound, SecondsIn, SecondsOut};
use onhand_features::window::target_hour;
use onhand_features::{Entity, Feature, FeatureSet, Kind, Limits, Moment, Store, Subject};
use onhand_models::Artefact;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, RangeInclusive};
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

impl Label {
    /// The fact of a model that says what its labels were.
    pub(crate) const FACT: &str = "label";

    /// What a model was trained on, if it says so.
    pub fn of(model: &Artefact) -> Option<Self> {
        let said = model.facts.get(Self::FACT)?;
        [Self::Shelf, Self::Looks]
            .into_iter()
            .find(|label| label.text() == said)
    }

    /// In a few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Shelf => "share of the hour in which the shelf was empty",
            Self::Looks => "share of the looks in the hour that did not find the item",
        }
    }
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
    /// The numbers of its categories in [`Outcomes::categories`], each with when it was told: mostly one.
    pub categories: Vec<(Timestamp, u32)>,
    /// When the ledger first heard of it.
    pub since: Timestamp,
    /// When the ledger first heard of the SKU, anywhere.
    pub sku_since: Timestamp,
}

impl Pair {
    /// The number of its category, as it was known at a time; `None` if none was told by then.
    pub fn category(&self, now: Timestamp) -> Option<u32> {
        let told = self.categories.iter().rev().find(|told| told.0 <= now);
        told.map(|told| told.1)
    }
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
    /// Who told of the shelves on each day.
    tellers: Tellers,
    /// By slot: a label for each pair that there was.
    labels: Vec<Vec<f32>>,
    /// The same as it was known the next morning; nothing if that was not asked for, or there is no next day.
    mornings: Vec<Vec<f32>>,
}

impl Outcomes {
    /// Reads a ledger as far as labels need it.
    ///
    /// # Errors
    /// The ledger's.
    pub fn read<S: Source>(source: &S, grid: Grid, label: Label) -> Result<Self, S::Error> {
        Self::pass(source, Pass::new(grid, label))
    }

    /// The same, with what each label was the next morning: before the first question of the next day is asked.
    ///
    /// # Errors
    /// The ledger's.
    pub fn read_each_morning<S: Source>(
        source: &S,
        grid: Grid,
        label: Label,
    ) -> Result<Self, S::Error> {
        let pass = Pass::new(grid, label);
        Self::pass(
            source,
            Pass {
                each_morning: true,
                ..pass
            },
        )
    }

    #[cfg(test)]
    pub(crate) fn of_pairs(grid: Grid, pairs: Vec<Pair>) -> Self {
        let found = Pass::new(grid, Label::Shelf).found;
        Self { pairs, ..found }
    }

    /// If shoppers' looks seem to be all that tells of shelves on some days of the grid, the share of the items' days of
    /// which anything was told.
    pub fn looks_alone(&self, days: RangeInclusive<u32>) -> Option<f64> {
        self.tellers.looks_alone(&self.pairs, days, self.range.1.at)
    }

    fn pass<S: Source>(source: &S, mut pass: Pass) -> Result<Self, S::Error> {
        source.each("Finding what became", &mut |entry| pass.take(entry))?;
        Ok(pass.finish())
    }

    /// The label of a pair at a slot, 0 to 1: how empty the shelf was. NaN if nothing is known.
    pub fn label(&self, slot: usize, pair: u32) -> f32 {
        label(&self.labels, slot, pair)
    }

    /// The label as it was known before the first question of a later day: the day after, what a late feed told that
    /// day is not in it. NaN if nothing was known, or mornings were not asked for.
    pub fn label_before(&self, day: u32, slot: usize, pair: u32) -> f32 {
        match day == self.grid.day(slot) + 1 {
            true => label(&self.mornings, slot, pair),
            // Read a day after its hour: by the second morning that is over.
            false => label(&self.labels, slot, pair),
        }
    }

    /// The last day of which any label is known.
    pub fn last_day(&self) -> Option<u32> {
        let mut slots = (0..self.labels.len()).rev();
        let last = slots.find(|slot| self.labelled(*slot).next().is_some());
        last.map(|slot| self.grid.day(slot))
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

fn label(labels: &[Vec<f32>], slot: usize, pair: u32) -> f32 {
    let label = labels
        .get(slot)
        .and_then(|labels| labels.get(pair as usize));
    label.copied().unwrap_or(f32::NAN)
}

struct Pass {
    each_morning: bool,
    store: Store,
    subject: Subject,
    begun: bool,
    /// Whether anything was told of any shelf yet.
    told: bool,
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
            each_morning: false,
            store: Store::new(Arc::new(set), Limits::default()),
            subject: Subject::default(),
            begun: false,
            told: false,
            next: 0,
            locations: BTreeMap::new(),
            skus: BTreeMap::new(),
            categories: BTreeMap::new(),
            found: Outcomes {
                tellers: Tellers::of(grid.days.clone()),
                grid,
                pairs: Vec::new(),
                sizes: Vec::new(),
                categories: Vec::new(),
                range: Default::default(),
                labels: Vec::new(),
                mornings: Vec::new(),
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
        while self.next_morning().is_some_and(|now| entry.stamp.at > now) {
            self.read_morning();
        }
        if self.next == self.found.grid.slots() {
            return ControlFlow::Break(());
        }
        self.store
            .apply(entry)
            .expect("a ledger is read in order, from its first entry");
        self.found.range.1 = entry.stamp;
        self.open(entry);
        facts(entry, &mut |at, fact| {
            self.told |= matches!(fact, Fact::Looked { .. } | Fact::Picked { .. });
            self.found.tellers.take(&fact, at, entry.stamp.at);
            self.describe(fact, entry.stamp.at);
        });
        ControlFlow::Continue(())
    }

    fn known_at(&self, slot: usize) -> Timestamp {
        let target = self.found.grid.moment(slot).target;
        target.plus(HOUR).plus(KNOWN_AFTER)
    }

    /// When the first question is asked after the next day that has no morning yet.
    fn next_morning(&self) -> Option<Timestamp> {
        let first = self.found.mornings.len() + self.found.grid.slots_a_day();
        let is_asked = self.each_morning && first < self.found.grid.slots();
        is_asked.then(|| self.found.grid.moment(first).now)
    }

    fn read_morning(&mut self) {
        let first = self.found.mornings.len();
        for slot in first..first + self.found.grid.slots_a_day() {
            let labels = self.labels(slot);
            self.found.mornings.push(labels);
        }
    }

    fn read_slot(&mut self) {
        let labels = self.labels(self.next);
        self.found.labels.push(labels);
        self.next += 1;
    }

    /// The labels of a slot, as far as they are known.
    fn labels(&mut self, slot: usize) -> Vec<f32> {
        if !self.told {
            return Vec::new();
        }
        let moment = Moment {
            now: self.known_at(slot),
            target: self.found.grid.moment(slot).target,
        };
        let (store, subject) = (&self.store, &mut self.subject);
        // Pairs are numbered as levels are: in the order in which the ledger opened them.
        let labels = (0..self.found.pairs.len() as u32).map(|level| {
            let mut label = [f32::NAN];
            store.find_level(LevelNo(level), subject);
            store.read(subject, moment, &mut label);
            label[0]
        });
        labels.collect()
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
                categories: Vec::new(),
                since: now,
                sku_since: *self.skus.entry(opening.sku.clone()).or_insert(now),
            });
        }
    }

    fn describe(&mut self, fact: Fact<'_>, known: Timestamp) {
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
            if let Some(pair) = self.found.pairs.get_mut(level as usize)
                && pair.category(known) != Some(category)
            {
                pair.categories.push((known, category));
            }
        }
    }

    /// What is left to be read knows all there is. A look tells of a day at most, so of days after that nothing is known.
    fn finish(mut self) -> Outcomes {
        let last = day_of(self.found.range.1.at) + 1;
        let is_left = |pass: &Self| {
            let slots = pass.found.grid.slots();
            pass.begun && pass.next < slots && pass.found.grid.day(pass.next) <= last
        };
        while is_left(&self) {
            self.read_slot();
        }
        while self.begun && self.next_morning().is_some() {
            self.read_morning();
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
