//! What a reader remembers: filters by level as far as they have come today, and means by group as of an hour.
//! [`crate::versions`] says why it may.

use crate::calendar::{day_of, hour_of};
use crate::filter::{Belief, Pass, Progress, Sold, Usual};
use crate::store::Store;
use crate::subject::Block;
use crate::window::Moment;
use onhand_core::Seq;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells an entry's number from a version.
const ANOTHER_DAY: u64 = 1 << 63;
/// Members of a group that are asked together.
const AT_ONCE: usize = 64;

/// What a mean was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) version: u64,
    pub(crate) past: u64,
    /// The hour of the request, and the one asked about.
    pub(crate) hours: (u32, u32),
}

/// What a filter's usual amounts were made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usually {
    past: u64,
    today: u32,
}

/// What a filter has taken in of the day, and what it said last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    sold: Sold,
    progress: Progress,
    target: u32,
    belief: Option<Belief>,
}

/// Values by row.
#[derive(Clone, Debug)]
struct Remembered<K, T>(Vec<Option<(K, T)>>);

impl<K, T> Default for Remembered<K, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq, T: Copy> Remembered<K, T> {
    fn get(&self, row: usize, key: K) -> Option<T> {
        let (of, value) = self.0.get(row)?.as_ref()?;
        (*of == key).then_some(*value)
    }

    fn put(&mut self, row: usize, key: K, value: T) {
        if self.0.len() <= row {
            self.0.resize(row + 1, None);
        }
        self.0[row] = Some((key, value));
    }
}

/// Everything remembered of one store. Clones remember together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    life: u64,
    /// The newest entry, if that is of another day than the request.
    pub(crate) other_day: Option<Seq>,
    together: Arc<Mutex<Together>>,
    /// Room for members of a group.
    members: Block,
}

/// What readers remember together: none makes anew what another has made. It is locked to look something up and to put
/// something in, never while something is made.
#[derive(Debug, Default)]
struct Together {
    life: u64,
    /// By number of the filter.
    filters: Vec<Remembered<Usually, Taken>>,
    /// By number of the mean.
    means: Vec<Remembered<Key, f64>>,
}

impl Memo {
    /// Forgets what is of another store, or of other members.
    pub(crate) fn attend(&mut self, life: u64, filters: usize, means: usize) {
        self.life = life;
        let mut together = lock(&self.together);
        if together.life != life {
            *together = Together {
                life,
                filters: vec![Remembered::default(); filters],
                means: vec![Remembered::default(); means],
            };
        }
    }

    /// How many means are remembered.
    #[cfg(test)]
    pub(crate) fn means(&self) -> usize {
        let together = lock(&self.together);
        let rows = together.means.iter().flat_map(|means| &means.0);
        rows.flatten().count()
    }

    /// What is remembered, unless it is of another store by now.
    fn together(&self) -> Option<MutexGuard<'_, Together>> {
        let together = lock(&self.together);
        (together.life == self.life).then_some(together)
    }
}

/// Nothing is made under the lock, so whoever panicked under it left whole values.
fn lock(together: &Mutex<Together>) -> MutexGuard<'_, Together> {
    together.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// What stands for the past in a key: the version of the SKU's, or of all; on another day than that of the newest
    /// entry that entry itself, for then everything told is past.
    fn past(&self, sku: Option<u32>, memo: &Memo) -> u64 {
        match memo.other_day {
            Some(seq) => seq.0 | ANOTHER_DAY,
            None => self.versions.past(sku),
        }
    }

    /// Makes sure that a block has what a filter says of each.
    pub(crate) fn believe(
        &self,
        number: usize,
        block: &mut Block,
        moment: Moment,
        memo: &mut Memo,
    ) {
        let plan = self.set.plan();
        let (_, own) = self.series(plan.filters[number].sold);
        let (_, sku) = self.series(plan.filters[number].sku[0].0);
        let mut beliefs = std::mem::take(&mut block.beliefs[number]);
        if beliefs.is_empty() {
            beliefs.extend(block.rows.chunks_exact(plan.entities.len()).map(|rows| {
                let (own, sku) = (self.kept_row(own, rows[own]), self.kept_row(sku, rows[sku]));
                self.filter(number, (own?, sku?), moment, memo)
            }));
        }
        block.beliefs[number] = beliefs;
    }

    /// What a filter says of a SKU at a location, by the rows of both. It goes on from where it was last asked today.
    fn filter(
        &self,
        number: usize,
        (row, sku): (usize, usize),
        moment: Moment,
        memo: &mut Memo,
    ) -> Option<Belief> {
        let plan = &self.set.plan().filters[number];
        let (sales, _) = self.series(plan.sold);
        let (begun, target, today) = (
            hour_of(moment.now),
            hour_of(moment.target),
            day_of(moment.now),
        );
        let pass = Pass {
            filter: plan.filter,
            own: self.usual_amounts(plan.own, row),
            sku: self.usual_amounts(plan.sku, sku),
            today,
        };
        if !pass.has_begun(begun) {
            return pass.usually(begun, target);
        }
        let key = Usually {
            past: self.past(Some(sku as u32), memo),
            today,
        };
        let sales = sales.hours(row);
        let sold = Sold::before(begun, today, |hour| sales.get(hour) > 0);
        let taken = memo
            .together()
            .and_then(|all| all.filters[number].get(row, key));
        let taken = taken.filter(|taken| {
            taken.progress.begun <= begun && taken.sold.agrees(sold, taken.progress.begun)
        });
        let start = match taken {
            Some(taken) if (taken.progress.begun, taken.target) == (begun, target) => {
                return taken.belief;
            }
            Some(taken) => taken.progress,
            None => pass.start()?,
        };
        let progress = pass.go_on(start, begun, sold);
        let belief = pass.belief(&progress, target);
        let taken = Taken {
            sold,
            progress,
            target,
            belief,
        };
        if let Some(mut all) = memo.together() {
            all.filters[number].put(row, key, taken);
        }
        belief
    }

    fn usual_amounts(&self, places: [(usize, usize); 5], row: usize) -> Usual<'_> {
        let [seconds_in, seconds_out, went_out, came_back, selling] =
            places.map(|(series, place)| self.kept.series[series].usual(place, row));
        Usual {
            seconds_in,
            seconds_out,
            went_out,
            came_back,
            selling,
        }
    }

    /// The mean over the members of a row, as of the full hour, remembered for it. `sku` is their row, if they are all
    /// of one.
    pub(crate) fn mean(
        &self,
        number: usize,
        row: usize,
        sku: Option<u32>,
        moment: Moment,
        memo: &mut Memo,
    ) -> Option<f64> {
        let plan = self.set.plan();
        let mean = &plan.means[number];
        let moment = moment.at_full_hours();
        let is_of_one_sku = plan.entities[mean.entity].is_of_one_sku();
        let begun = hour_of(moment.now);
        let version = match mean.is_of_full_hours {
            true => self.versions.before(mean.entity, row, begun),
            false => self.versions.of(mean.entity, row),
        };
        let key = Key {
            version,
            past: self.past(sku.filter(|_| is_of_one_sku), memo),
            hours: (begun, hour_of(moment.target)),
        };
        let known = memo
            .together()
            .and_then(|all| all.means[number].get(row, key));
        if known.is_some() {
            return known;
        }
        let mut block = std::mem::take(&mut memo.members);
        let (mut sum, mut members) = (0.0, 0u32);
        for levels in self.kept.members.list(mean.entity, row).chunks(AT_ONCE) {
            block.clear();
            for level in levels {
                block.push(*level, self.kept.members.rows(*level));
            }
            let all = 0..mean.nodes.len();
            self.run(&mean.nodes, all, &mut block, moment, memo);
            let first = mean.output * levels.len();
            for value in &block.values[first..first + levels.len()] {
                if !value.is_nan() {
                    sum += value;
                    members += 1;
                }
            }
        }
        memo.members = block;
        // The mean of nothing is missing.
        let value = sum / f64::from(members);
        if let Some(mut all) = memo.together() {
            all.means[number].put(row, key, value);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        version: 1,
        past: 1,
        hours: (5, 5),
    };

    fn mean(memo: &Memo) -> Option<f64> {
        memo.together()?.means[0].get(3, KEY)
    }

    #[test]
    fn clones_remember_together_and_never_what_is_of_another_store() {
        let mut one = Memo::default();
        let mut other = one.clone();
        one.attend(7, 1, 1);
        other.attend(7, 1, 1);
        one.together().unwrap().means[0].put(3, KEY, 0.5);
        assert_eq!(mean(&other), Some(0.5));
        other.attend(8, 1, 1);
        assert_eq!(mean(&other), None);
        assert!(one.together().is_none(), "it has not heard of it yet");
        one.attend(8, 1, 1);
        assert_eq!(mean(&one), None);
    }
}
