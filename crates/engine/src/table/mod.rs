//! The read table: every level as far as it is durable, for any number of readers, without a lock.
//!
//! One publisher writes it, after the append that made the entries durable and before the answers go out. So a reader
//! never sees what could still be lost, and a client that got its answer sees its own write. What a reader sees of one
//! level never goes back; [`ReadTable::position`] read before the levels tells what they reflect at least.

mod cell;
mod index;
mod names;
mod pages;

pub use cell::Seen;

use crate::machine::Publish;
use cell::Cell;
use index::SharedIndex;
use names::SharedNames;
use onhand_core::{
    Level, LevelNo, LocationId, LocationNo, Opening, Seq, Sku, SkuNo, Stamp, State, Timestamp,
};
use onhand_planted::Defect;
use pages::SharedPages;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The published levels of one partition.
#[derive(Debug)]
pub struct ReadTable {
    locations: SharedNames,
    skus: SharedNames,
    cells: SharedPages<Cell>,
    index: SharedIndex,
    len: AtomicU32,
    seq: AtomicU64,
    at: AtomicU64,
    fresh_as_of: AtomicU64,
}

impl ReadTable {
    /// A table that shows a state. All of it must be durable.
    pub fn of(state: &State, clock: Timestamp) -> Self {
        let table = Self {
            locations: SharedNames::new(),
            skus: SharedNames::new(),
            cells: SharedPages::new(),
            index: SharedIndex::new(),
            len: AtomicU32::new(0),
            seq: AtomicU64::new(0),
            at: AtomicU64::new(0),
            fresh_as_of: AtomicU64::new(0),
        };
        let last = state.last();
        for (no, level) in state.directory().iter() {
            let location = state.directory().location_name(level.location);
            table.open(location, state.directory().sku_name(level.sku));
            if let Some(cell) = table.cells.get(no.0) {
                cell.store(level, last.seq);
            }
        }
        table.stamp(last);
        table.touch(clock);
        table
    }

    /// Shows what became durable. Called by the one publisher only.
    pub fn publish(&self, publish: &Publish) {
        for Opening { location, sku } in &publish.openings {
            self.open(location.as_str(), sku.as_str());
        }
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

    fn open(&self, location: &str, sku: &str) {
        let location = LocationNo(self.locations.find_or_add(location));
        let sku = SkuNo(self.skus.find_or_add(sku));
        if self.level_no(location, sku).is_some() {
            return;
        }
        let no = self.len.load(Ordering::Relaxed);
        let Some(cell) = self.cells.make(no) else {
            return;
        };
        cell.set_names(location, sku);
        self.len.store(no + 1, Ordering::Release);
        let rehash = |no| {
            let names = self.cells.get(no).map(Cell::names).unwrap_or_default();
            hash(names)
        };
        self.index.insert(hash((location, sku)), no, rehash);
    }

    fn level_no(&self, location: LocationNo, sku: SkuNo) -> Option<u32> {
        let is_it = |no| {
            self.cells
                .get(no)
                .is_some_and(|cell| cell.names() == (location, sku))
        };
        self.index.find(hash((location, sku)), is_it)
    }

    /// The number of a location.
    pub fn location(&self, location: &LocationId) -> Option<LocationNo> {
        self.locations.find(location.as_str()).map(LocationNo)
    }

    /// A level at a location, by the SKU's name.
    pub fn find(&self, location: LocationNo, sku: &Sku) -> Option<(LevelNo, Seen)> {
        let sku = SkuNo(self.skus.find(sku.as_str())?);
        let no = self.level_no(location, sku)?;
        let seen = self.cells.get(no)?.load();
        // A level just opened is not there until the entry that opened it has filled it.
        (seen.seq != Seq::ZERO).then_some((LevelNo(no), seen))
    }

    /// A level by its number; all zero if there is none.
    pub fn level(&self, no: LevelNo) -> Seen {
        self.cells.get(no.0).map(Cell::load).unwrap_or_default()
    }

    /// The names of a level; empty if there is no such level.
    pub fn names(&self, no: LevelNo) -> (&str, &str) {
        let is_open = no.0 < self.len.load(Ordering::Acquire);
        match self.cells.get(no.0).map(Cell::names) {
            Some((location, sku)) if is_open => {
                (self.locations.text(location.0), self.skus.text(sku.0))
            }
            _ => ("", ""),
        }
    }

    /// The name of a location; empty if there is no such number.
    pub fn location_name(&self, no: LocationNo) -> &str {
        self.locations.text(no.0)
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
        self.locations.len() as usize
    }
}

/// A fixed mixing of the two numbers (Fibonacci hashing, folded).
fn hash((location, sku): (LocationNo, SkuNo)) -> u64 {
    let both = u64::from(location.0) << 32 | u64::from(sku.0);
    let mixed = (both ^ (both >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}
