//! Versions: what has changed since a value was remembered.
//!
//! A mean over a thousand shelves is dear to make and changes seldom. So readers remember it, with the versions of what
//! it was made of, and the store raises a version with every fact. A remembered value is the one that would be made
//! anew, bit by bit, or it is not used: rows stay a pure function of the store and the moment.
//!
//! A filter is made of the past of the SKU, here and at all other locations, and of the hours of today that sold anything
//! here. The past would change with every sale anywhere, were it not that usual amounts leave today out: it changes only
//! with what is told of another day. So there is a version of the SKU's past, raised by such facts alone. The hours are
//! compared themselves, so a filter goes on from where it was last asked today: one step an hour instead of the whole
//! day. What is told of the begun hour does not show in it before the hour is full, and so neither in a mean of filters:
//! an order that comes now leaves the mean over its location as it is. So a row has two versions: of all that was told, and
//! of what was told of other hours than the one in which it was last told something. A version covers reads on the day of
//! the newest entry. Asked about another day, all that is told is past, and a value is remembered until the next entry.

use crate::calendar::{day_of, hour_of};
use crate::changes::Changes;
use crate::members::NONE;
use onhand_core::{LevelNo, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// The versions of a store's rows.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) life: Life,
    /// Whose versions were raised.
    pub(crate) changes: Changes,
    /// By kind of entity and row.
    rows: Vec<Vec<Version>>,
    /// Of all levels of a SKU, by its row.
    pasts: Vec<u64>,
    /// Of all SKUs.
    past: u64,
}

/// The version of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Version {
    /// Raised with all that changes.
    all: u64,
    /// The hour in which something was last told.
    hour: u32,
    /// What `all` was before anything was told of that hour itself.
    earlier: u64,
}

/// Which store, and since when it has had the same members: another has another. A number only ever compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life(u64);

impl Default for Life {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Life {
    pub(crate) fn number(&self) -> u64 {
        self.0
    }
}

impl Versions {
    pub(crate) fn new(kinds: usize) -> Self {
        Self {
            rows: vec![Vec::new(); kinds],
            ..Self::default()
        }
    }

    /// Something changed at a level, which has these rows.
    pub(crate) fn change(&mut self, level: LevelNo, rows: &[u32]) {
        self.changes.add(level);
        self.each(rows, |version| {
            version.all += 1;
            version.earlier = version.all;
        });
    }

    /// Something was told at `known` that happened at some time, of a level that has these rows.
    pub(crate) fn take(
        &mut self,
        level: LevelNo,
        rows: &[u32],
        (happened, known): (Timestamp, Timestamp),
    ) {
        self.changes.add(level);
        let (happened, hour) = (hour_of(happened), hour_of(known));
        self.each(rows, |version| {
            if version.hour != hour {
                version.earlier = version.all;
                version.hour = hour;
            }
            version.all += 1;
            if happened != hour {
                version.earlier = version.all;
            }
        });
    }

    fn each(&mut self, rows: &[u32], mut change: impl FnMut(&mut Version)) {
        for (versions, row) in self.rows.iter_mut().zip(rows) {
            if *row != NONE {
                change(at(versions, *row));
            }
        }
    }

    /// Something was told at `known` that happened at another time, of a level of a SKU.
    pub(crate) fn tell(&mut self, sku: u32, happened: Timestamp, known: Timestamp) {
        if day_of(happened) != day_of(known) {
            self.past += 1;
            *at(&mut self.pasts, sku) += 1;
        }
    }

    /// Levels changed their groups, or gave their rows back: nothing that was remembered holds.
    pub(crate) fn regroup(&mut self) {
        self.life = Life::default();
    }

    /// Of all that was told of a row.
    pub(crate) fn of(&self, kind: usize, row: usize) -> u64 {
        self.rows[kind].get(row).map_or(0, |version| version.all)
    }

    /// Of what was told of a row that happened before an hour, nearly: what happened in it may count, too, where the
    /// newest fact is of a later one.
    pub(crate) fn before(&self, kind: usize, row: usize, hour: u32) -> u64 {
        let version = self.rows[kind].get(row).copied().unwrap_or_default();
        match version.hour == hour {
            true => version.earlier,
            false => version.all,
        }
    }

    /// Of a SKU's past; of all, if there is none.
    pub(crate) fn past(&self, sku: Option<u32>) -> u64 {
        match sku {
            Some(sku) => self.pasts.get(sku as usize).copied().unwrap_or(0),
            None => self.past,
        }
    }
}

fn at<T: Clone + Default>(versions: &mut Vec<T>, row: u32) -> &mut T {
    let row = row as usize;
    if versions.len() <= row {
        versions.resize(row + 1, T::default());
    }
    &mut versions[row]
}
