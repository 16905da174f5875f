//! All chance of a run, from one seed.

/// Throws that only depend on a seed (SplitMix64: Steele, Lea, Flood 2014). The disk in memory throws with a generator of
/// its own, as the log imports no crate of ours, and its tests must not change with the simulator's dice.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The throws of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0 to `alternatives` − 1; 0 if there is none.
    pub fn below(&mut self, alternatives: usize) -> usize {
        (self.bits() % alternatives.max(1) as u64) as usize
    }

    /// One of `from` to `to`, both included.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1).max(1) as usize) as i64
    }

    /// Yes, `times` in `of`.
    pub fn comes(&mut self, times: usize, of: usize) -> bool {
        self.below(of) < times
    }

    /// One of several.
    ///
    /// # Panics
    /// There is none.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The place of one of several weights, each as likely as it is heavy.
    pub fn weighed(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        0
    }
}
