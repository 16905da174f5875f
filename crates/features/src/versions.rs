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
//! day. A version covers reads on the day of the newest entry. Asked about another day, all that is told is past, and a
//! value is remembered until the next entry.

use crate::calendar::day_of;
use crate::members::NONE;
use onhand_core::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// The versions of a store's rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    pub(crate) life: Life,
    /// By kind of entity and row.
    rows: Vec<Vec<u64>>,
    /// Of all levels of a SKU, by its row.
    pasts: Vec<u64>,
    /// Of all SKUs.
    past: u64,
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

impl Clone for Life {
    /// A copy goes its own way from here.
    fn clone(&self) -> Self {
        Self::default()
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
    pub(crate) fn change(&mut self, rows: &[u32]) {
        for (versions, row) in self.rows.iter_mut().zip(rows) {
            if *row != NONE {
                *at(versions, *row) += 1;
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

    pub(crate) fn of(&self, kind: usize, row: usize) -> u64 {
        self.rows[kind].get(row).copied().unwrap_or(0)
    }

    /// Of a SKU's past; of all, if there is none.
    pub(crate) fn past(&self, sku: Option<u32>) -> u64 {
        match sku {
            Some(sku) => self.pasts.get(sku as usize).copied().unwrap_or(0),
            None => self.past,
        }
    }
}

fn at(versions: &mut Vec<u64>, row: u32) -> &mut u64 {
    let row = row as usize;
    if versions.len() <= row {
        versions.resize(row + 1, 0);
    }
    &mut versions[row]
}
