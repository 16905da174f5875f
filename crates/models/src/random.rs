//! Random numbers that are a function of what they are for.
//!
//! A draw is a hash of the seed, of the purpose and of an index (a row, a feature, a round). So it does not matter
//! which thread asks first, or whether anybody asks at all. The hash is SplitMix64's finalizer (Steele, Lea, Flood:
//! *Fast splittable pseudorandom number generators*, OOPSLA 2014), a fixed function that no release may change.

/// What a draw is for; each purpose has a stream of its own.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Binning = 1,
    Rounding = 2,
    Rows = 3,
    Features = 4,
    Bootstrap = 5,
}

/// A stream of random numbers, read at any index.
#[derive(Clone, Copy)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64, purpose: Purpose, round: usize) -> Self {
        let purpose = mix(seed ^ (purpose as u64).wrapping_mul(GOLDEN));
        Self(mix(purpose ^ (round as u64).wrapping_mul(GOLDEN)))
    }

    pub(crate) fn at(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(GOLDEN)))
    }

    /// Uniform in [0, 1), in steps of 2^-53.
    pub(crate) fn unit(self, index: u64) -> f64 {
        (self.at(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..bound`; the bias is below 2^-32 for bounds below 2^32.
    pub(crate) fn below(self, index: u64, bound: usize) -> usize {
        ((u128::from(self.at(index)) * bound as u128) >> 64) as usize
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_never_changes() {
        let stream = Stream::new(7, Purpose::Rows, 3);
        let drawn: Vec<u64> = (0..3).map(|index| stream.at(index)).collect();
        assert_eq!(
            drawn,
            [
                4_339_313_943_204_261_947,
                15_956_679_761_338_663_414,
                9_203_823_798_280_795_778
            ]
        );
        // The second number that SplitMix64 is known by: seed 1234567.
        assert_eq!(
            mix(1_234_567u64.wrapping_add(GOLDEN.wrapping_mul(2))),
            3_203_168_211_198_807_973
        );
    }

    #[test]
    fn units_are_uniform() {
        let stream = Stream::new(1, Purpose::Rounding, 0);
        let mean = (0..10_000).map(|index| stream.unit(index)).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((0..1000).all(|index| stream.below(index, 7) < 7));
    }
}
