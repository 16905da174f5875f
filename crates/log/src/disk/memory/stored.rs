//! A file in two pictures, and what becomes of the bytes between them.

use super::{Choose, SECTOR, Survives};
use std::collections::BTreeMap;

/// What became of the unsynced writes to a file.
pub(super) enum Fate {
    None,
    Kept,
    Lost,
    Torn,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    pub(super) seen: Vec<u8>,
    pub(super) platter: Vec<u8>,
    pending: Vec<Change>,
    pub(super) locked_by: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(len) => image.resize(*len, 0),
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                image.resize(image.len().max(end), 0);
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }

    fn sectors(&self) -> std::ops::Range<usize> {
        match self {
            Self::Length(_) => 0..0,
            Self::Write { offset, bytes } => {
                offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR)
            }
        }
    }
}

impl Stored {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.platter);
        }
    }

    /// Lets some of what was not synced reach the platter, and forgets the rest.
    pub(super) fn tear(&mut self, survives: Survives, choose: Choose<'_>) -> Fate {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Fate::None;
        }
        let way = match survives {
            Survives::Anything => choose(4),
            Survives::Nothing => 0,
            Survives::Everything => 1,
            Survives::Part => 2 + choose(2),
        };
        match way {
            0 => return Fate::Lost,
            1 => {
                pending
                    .iter()
                    .for_each(|change| change.apply(&mut self.platter));
                return Fate::Kept;
            }
            2 => self.tear_sectors(&pending, choose),
            _ => self.tear_prefix(pending, choose),
        }
        Fate::Torn
    }

    fn tear_sectors(&mut self, pending: &[Change], choose: Choose<'_>) {
        let mut image = self.platter.clone();
        let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for change in pending {
            change.apply(&mut image);
            for sector in change.sectors() {
                let end = image.len().min((sector + 1) * SECTOR);
                let version = image[sector * SECTOR..end].to_vec();
                versions.entry(sector).or_default().push(version);
            }
        }
        if choose(2) == 1 {
            self.platter.resize(image.len(), 0);
        }
        for (sector, versions) in versions {
            if let Some(chosen) = choose(versions.len() + 1).checked_sub(1) {
                self.put_sector(sector * SECTOR, &versions[chosen]);
            }
        }
    }

    fn put_sector(&mut self, offset: usize, bytes: &[u8]) {
        let room = self.platter.len().saturating_sub(offset).min(bytes.len());
        if room > 0 {
            self.platter[offset..offset + room].copy_from_slice(&bytes[..room]);
        }
    }

    fn tear_prefix(&mut self, mut pending: Vec<Change>, choose: Choose<'_>) {
        pending.truncate(choose(pending.len()) + 1);
        if let Some(Change::Write { bytes, .. }) = pending.last_mut() {
            bytes.truncate(choose(bytes.len() + 1));
        }
        pending
            .iter()
            .for_each(|change| change.apply(&mut self.platter));
    }
}
