//! A sorted map in leaves that a snapshot can share.
//!
//! The problem and the rule are those of [`crate::pages`], for few things of many numbers: what stays behind when its
//! neighbours are forgotten, or is found by a name of two parts. Entries lie sorted in leaves behind `Arc`. A snapshot
//! clones the list of leaves, one pointer for a hundred entries or so, and the writer copies a leaf when it first
//! changes something in it while a snapshot still holds it.

use std::sync::Arc;

/// The most entries of a leaf. Two neighbours hold more than half as many, or they are joined.
const LEAF: usize = 256;

type Leaf<K, V> = Arc<Vec<(K, V)>>;

/// A sorted map. No leaf is ever empty.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, V> {
    leaves: Vec<Leaf<K, V>>,
    len: usize,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self {
            leaves: Vec::new(),
            len: 0,
        }
    }
}

impl<K, V> Sorted<K, V> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl<K: Copy + Ord, V: Clone> Sorted<K, V> {
    /// The value of a key.
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let (leaf, place) = self.find(key).ok()?;
        Some(&self.leaves[leaf][place].1)
    }

    /// The value of a key, to change.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let (leaf, place) = self.find(key).ok()?;
        Some(&mut Arc::make_mut(&mut self.leaves[leaf])[place].1)
    }

    /// The lowest key.
    pub(crate) fn first(&self) -> Option<K> {
        self.leaves.first().map(|leaf| leaf[0].0)
    }

    /// All entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let entries = self.leaves.iter().flat_map(|leaf| leaf.iter());
        entries.map(|(key, value)| (*key, value))
    }

    /// Puts a value in, in the place of the one that its key had.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.find(key) {
            Ok((leaf, place)) => Arc::make_mut(&mut self.leaves[leaf])[place].1 = value,
            Err((leaf, place)) => {
                let (leaf, place) = self.make_room(leaf, place);
                Arc::make_mut(&mut self.leaves[leaf]).insert(place, (key, value));
                self.len += 1;
            }
        }
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let (leaf, place) = self.find(key).ok()?;
        let entries = Arc::make_mut(&mut self.leaves[leaf]);
        let (_, value) = entries.remove(place);
        self.len -= 1;
        if entries.is_empty() {
            self.leaves.remove(leaf);
        } else if !self.join(leaf) && leaf > 0 {
            self.join(leaf - 1);
        }
        Some(value)
    }

    /// The leaf and the place where a key is, or where it belongs.
    fn find(&self, key: K) -> Result<(usize, usize), (usize, usize)> {
        let begun = self.leaves.partition_point(|leaf| leaf[0].0 <= key);
        let leaf = begun.saturating_sub(1);
        let entries = self.leaves.get(leaf).map_or(&[][..], |leaf| &leaf[..]);
        let place = entries.binary_search_by_key(&key, |(key, _)| *key);
        place
            .map(|place| (leaf, place))
            .map_err(|place| (leaf, place))
    }

    /// Sees to it that the leaf has room for one more; gives the leaf and the place that the one then has. Keys that
    /// only grow leave full leaves behind.
    fn make_room(&mut self, leaf: usize, place: usize) -> (usize, usize) {
        if self.leaves.is_empty() {
            self.leaves.push(Leaf::default());
        }
        if self.leaves[leaf].len() < LEAF {
            return (leaf, place);
        }
        let cut = if place == LEAF { LEAF } else { LEAF / 2 };
        let above = Arc::make_mut(&mut self.leaves[leaf]).split_off(cut);
        self.leaves.insert(leaf + 1, Arc::new(above));
        match place < cut {
            true => (leaf, place),
            false => (leaf + 1, place - cut),
        }
    }

    /// Makes one of a leaf and the one after it, if they hold little; says whether they did.
    fn join(&mut self, leaf: usize) -> bool {
        let has_little = self
            .leaves
            .get(leaf + 1)
            .is_some_and(|next| self.leaves[leaf].len() + next.len() <= LEAF / 2);
        if has_little {
            let next = self.leaves.remove(leaf + 1);
            Arc::make_mut(&mut self.leaves[leaf]).extend_from_slice(&next);
        }
        has_little
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn assert_same(sorted: &Sorted<u64, u64>, plain: &BTreeMap<u64, u64>) {
        let entries: Vec<_> = sorted.iter().map(|(key, value)| (key, *value)).collect();
        let plain: Vec<_> = plain.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(entries, plain);
        assert_eq!(sorted.len(), plain.len());
        assert!(
            sorted
                .leaves
                .iter()
                .all(|leaf| (1..=LEAF).contains(&leaf.len()))
        );
    }

    /// Keys in an order that looks like chance and is always the same.
    fn shuffled(count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |at| at * 7919 % count)
    }

    #[test]
    fn it_is_as_a_plain_map() {
        const COUNT: u64 = 3000;
        let (mut sorted, mut plain) = (Sorted::default(), BTreeMap::new());
        for key in shuffled(COUNT).chain(shuffled(COUNT / 2)) {
            sorted.insert(key, key + 1);
            plain.insert(key, key + 1);
        }
        assert_same(&sorted, &plain);
        for key in shuffled(COUNT).filter(|key| key % 5 != 0) {
            if let Some(value) = sorted.get_mut(key) {
                *value += 1;
            }
            assert_eq!(
                sorted.remove(key),
                plain.remove(&key).map(|value| value + 1)
            );
            assert_eq!(sorted.get(key), None);
        }
        assert_same(&sorted, &plain);
        assert_eq!(sorted.first(), Some(0));
        for key in shuffled(COUNT) {
            sorted.remove(key);
        }
        assert!(sorted.leaves.is_empty());
    }

    #[test]
    fn a_clone_keeps_what_it_saw() {
        let mut sorted = Sorted::default();
        (0..1000u64).for_each(|key| sorted.insert(key, key));
        let seen = sorted.clone();
        for key in 0..1000 {
            sorted.remove(key);
        }
        assert!(seen.iter().map(|(key, _)| key).eq(0..1000));
    }

    #[test]
    fn leaves_are_full_when_keys_only_grow_and_few_when_little_is_left() {
        let mut sorted = Sorted::default();
        (0..100_000u64).for_each(|key| sorted.insert(key, key));
        assert_eq!(sorted.leaves.len(), 100_000_usize.div_ceil(LEAF));
        for key in (0..100_000).filter(|key| key % 1000 != 0) {
            sorted.remove(key);
        }
        assert!(sorted.leaves.len() <= 3, "{}", sorted.leaves.len());
    }
}
