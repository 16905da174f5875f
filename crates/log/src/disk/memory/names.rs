//! The names of files in two pictures.

use super::Choose;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Which file each name stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    seen: BTreeMap<PathBuf, u64>,
    platter: BTreeMap<PathBuf, u64>,
    /// Changes that were not synced, each with its folder.
    pending: Vec<(PathBuf, NameChange)>,
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Put {
        name: PathBuf,
        file: u64,
    },
    Take {
        name: PathBuf,
    },
    Move {
        from: PathBuf,
        to: PathBuf,
        file: u64,
    },
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Put { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Take { name } => {
                names.remove(name);
            }
            Self::Move { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }
}

impl Names {
    pub(super) fn file(&self, path: &Path) -> io::Result<u64> {
        let not_found = || io::Error::from(io::ErrorKind::NotFound);
        self.seen.get(path).copied().ok_or_else(not_found)
    }

    pub(super) fn name_of(&self, file: u64) -> Option<&Path> {
        let mut names = self.seen.iter();
        names.find_map(|(name, of)| (*of == file).then_some(name.as_path()))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.seen.iter().map(|(name, file)| (name.as_path(), *file))
    }

    pub(super) fn change(&mut self, dir: &Path, change: NameChange) {
        change.apply(&mut self.seen);
        self.pending.push((dir.to_owned(), change));
    }

    /// Ends the life of what was not synced in a folder, or in all: `choose` says of each change whether it reaches the
    /// platter. Gives how many did not.
    pub(super) fn settle(&mut self, dir: Option<&Path>, choose: Choose<'_>) -> u64 {
        let (here, elsewhere): (Vec<_>, _) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(of, _)| dir.is_none_or(|dir| of == dir));
        self.pending = elsewhere;
        let mut lost = 0;
        for (_, change) in here {
            match choose(2) {
                1 => change.apply(&mut self.platter),
                _ => lost += 1,
            }
        }
        lost
    }

    /// The system forgets what it saw; gives the files that still have a name.
    pub(super) fn restart(&mut self) -> BTreeSet<u64> {
        self.seen = self.platter.clone();
        self.seen.values().copied().collect()
    }

    /// Takes a name away from both pictures; says whether it was there.
    pub(super) fn lose(&mut self, path: &Path) -> bool {
        self.platter.remove(path);
        self.seen.remove(path).is_some()
    }
}

/// The folder that a path lies in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
