//! The read table: every level as far as it is durable, for any number of readers, without a lock.
//!
//! One publisher writes it, after the append that made the entries durable and before the answers go out. So a reader
//! never sees what could still be lost, and a client that got its answer sees its own write. What a reader sees of one
//! level never goes back; [`ReadTable::position`] read before the levels tells what they reflect at least.
//!
//! Names and numbers are those of the catalogue that the writer works with; it may know more than is durable. The table
//! leaves that out: a location past its published extent, and a level whose cell nobody has filled, are not there yet.

mod cell;

pub use cell::Seen;

use crate::machine::Publish;
use cell::Cell;
use onhand_core::catalogue::Growing;
use onhand_core::{
    Catalogue, Extent, Level, LevelNo, LocationId, LocationNo, Seq, Sku, Stamp, State, Timestamp,
};
use onhand_planted::Defect;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The published levels of one partition.
#[derive(Debug)]
pub struct ReadTable {
    catalogue: Arc<Catalogue>,
    cells: Growing<Cell>,
    locations: AtomicU32,
    len: AtomicU32,
    seq: AtomicU64,
    at: AtomicU64,
    fresh_as_of: AtomicU64,
}

impl ReadTable {
    /// A table that shows a state, and from then on what is published of it. All of it must be durable.
    pub fn of(state: &State, clock: Timestamp) -> Self {
        let table = Self {
            catalogue: Arc::clone(state.directory().catalogue()),
            cells: Growing::default(),
            locations: AtomicU32::new(0),
            len: AtomicU32::new(0),
            seq: AtomicU64::new(0),
            at: AtomicU64::new(0),
            fresh_as_of: AtomicU64::new(0),
        };
        let now = Publish::after(state);
        table.extend(now.extent);
        for (no, level) in state.directory().iter() {
            if let Some(cell) = table.cells.get(no.0) {
                cell.store(level, now.last.seq);
            }
        }
        table.stamp(now.last);
        table.touch(clock);
        table
    }

    /// Shows what became durable. Called by the one publisher only.
    pub fn publish(&self, publish: &Publish) {
        self.extend(publish.extent);
        let show = |(no, level, seq): &(LevelNo, Level, Seq)| {
            if let Some(cell) = self.cells.get(no.0) {
                cell.store(level, *seq);
            }
        };
        match Defect::ReadTableGoesBack.is_on() {
            true => publish.levels.iter().rev().for_each(show),
            false => publish.levels.iter().for_each(show),
        }
        self.stamp(publish.last);
    }

    /// Makes cells for levels that are new, and shows locations that are.
    fn extend(&self, extent: Extent) {
        for no in self.len.load(Ordering::Relaxed)..extent.levels {
            self.cells.make(no);
        }
        self.locations.store(extent.locations, Ordering::Release);
        self.len.store(extent.levels, Ordering::Release);
    }

    fn stamp(&self, last: Stamp) {
        self.at.store(last.at.millis(), Ordering::Relaxed);
        self.seq.store(last.seq.0, Ordering::Release);
    }

    /// Notes that at `clock` the table showed all there was.
    pub fn touch(&self, clock: Timestamp) {
        self.fresh_as_of.store(clock.millis(), Ordering::Release);
    }

    /// Notes that the table shows all there is until [`ReadTable::touch`] ends that.
    pub fn rest(&self) {
        self.touch(Timestamp::MAX);
    }

    /// The number of a location.
    pub fn location(&self, location: &LocationId) -> Option<LocationNo> {
        let no = self.catalogue.location(location)?;
        self.shows(no).then_some(no)
    }

    fn shows(&self, location: LocationNo) -> bool {
        location.0 < self.locations.load(Ordering::Acquire)
    }

    /// A level at a location, by the SKU's name.
    pub fn find(&self, location: LocationNo, sku: &Sku) -> Option<(LevelNo, Seen)> {
        let no = self.catalogue.level(location, self.catalogue.sku(sku)?)?;
        Some((no, self.opened(no)?))
    }

    /// Many levels by their names, in their order; much faster than one by one.
    pub fn find_all<'a>(
        &self,
        names: impl Iterator<Item = (&'a LocationId, &'a Sku)> + Clone,
    ) -> Vec<Option<Seen>> {
        let locations = names.clone().map(|name| name.0.as_str());
        let locations = self.catalogue.locations(locations);
        let skus = self.catalogue.skus(names.map(|name| name.1.as_str()));
        let both = |(location, sku): (Option<_>, Option<_>)| {
            let location = location.filter(|no| self.shows(*no));
            location.zip(sku)
        };
        let sought: Vec<_> = locations.zip(skus).map(both).collect();
        let levels = self.catalogue.levels(&sought);
        levels.into_iter().map(|no| self.opened(no?)).collect()
    }

    /// A level that is there: one just opened is not, until the entry that opened it has filled it.
    fn opened(&self, no: LevelNo) -> Option<Seen> {
        Some(self.level(no)).filter(|seen| seen.seq != Seq::ZERO)
    }

    /// A level by its number; all zero if there is none.
    pub fn level(&self, no: LevelNo) -> Seen {
        self.cells.get(no.0).map(Cell::load).unwrap_or_default()
    }

    /// The names of a level; empty if there is no such level.
    pub fn names(&self, no: LevelNo) -> (&str, &str) {
        let is_open = no.0 < self.len.load(Ordering::Acquire);
        match self.catalogue.names(no) {
            Some((location, sku)) if is_open => (
                self.catalogue.location_name(location),
                self.catalogue.sku_name(sku),
            ),
            _ => ("", ""),
        }
    }

    /// The name of a location; empty if there is no such number.
    pub fn location_name(&self, no: LocationNo) -> &str {
        self.catalogue.location_name(no)
    }

    /// The last entry that the table shows. The time is that entry's, or already that of the one coming next.
    pub fn position(&self) -> Stamp {
        let seq = Seq(self.seq.load(Ordering::Acquire));
        let at = Timestamp::from_millis(self.at.load(Ordering::Relaxed));
        Stamp { seq, at }
    }

    /// The last moment at which the table was known to show all there is; [`Timestamp::MAX`] while nothing is under
    /// way.
    pub fn fresh_as_of(&self) -> Timestamp {
        Timestamp::from_millis(self.fresh_as_of.load(Ordering::Acquire))
    }

    /// How many levels it shows.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    /// Whether it shows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many locations it knows.
    pub fn locations(&self) -> usize {
        self.locations.load(Ordering::Acquire) as usize
    }
}
