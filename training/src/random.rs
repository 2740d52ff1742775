//! Random numbers that depend only on a key.
//!
//! Every random choice in a run has its own generator, keyed by its subject, such as (seed, epoch, image). No generator
//! is shared, so the number of threads and the point at which a run was resumed cannot change a result. The algorithm
//! is written out here because a library may change its sequence between versions, and with it every published figure.

/// SplitMix64 (Steele, Lea and Flood 2014, <https://doi.org/10.1145/2714064.2660195>). Not for secrets.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator for one purpose. Keys that differ in any number or in length give unrelated sequences.
    pub fn from_key(key: &[u64]) -> Self {
        let mut rng = Self {
            state: key.len() as u64,
        };
        for &part in key {
            // Mix before adding the next part: a plain xor would make (1, 2) and (2, 1) the same key.
            rng.state = rng.next_u64() ^ part;
        }
        rng.state = rng.next_u64();
        rng
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0 (included) to 1 (excluded), in steps of 2⁻²⁴.
    pub fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Uniform between the two bounds.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        // 1 - u is never 0, so the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit()).cos()
    }

    /// Uniform in 0 to `n - 1`. The bias is below n / 2⁶⁴.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing to choose from");
        // The upper half of the product is below n, so it fits in a usize.
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// Shuffles the items (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference values for state 1234567, as the test vectors of the published C code print them.
    #[test]
    fn gives_the_published_stream() {
        let mut rng = SplitMix64 { state: 1_234_567 };
        let stream = [(); 3].map(|()| rng.next_u64());
        assert_eq!(
            stream,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn keys_that_differ_give_other_streams() {
        let keys: [&[u64]; 7] = [&[], &[0], &[0, 0], &[1, 2], &[2, 1], &[1, 2, 0], &[3]];
        let mut firsts: Vec<u64> = keys
            .iter()
            .map(|key| SplitMix64::from_key(key).next_u64())
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), keys.len());
    }

    #[test]
    fn is_uniform() {
        let mut rng = SplitMix64::from_key(&[7]);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[rng.below(10)] += 1;
        }
        // Five standard deviations of a binomial with p = 0.1.
        assert!(
            counts.iter().all(|&n| n.abs_diff(10_000) < 475),
            "{counts:?}"
        );
        let mean = (0..100_000).map(|_| rng.between(-1.0, 3.0)).sum::<f32>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<usize> = (0..1000).collect();
        SplitMix64::from_key(&[1]).shuffle(&mut items);
        assert_ne!(items[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert!(items.into_iter().eq(0..1000));
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let mut rng = SplitMix64::from_key(&[5]);
        let values: Vec<f64> = (0..20_000).map(|_| f64::from(rng.normal())).collect();
        let moment = |power| values.iter().map(|value| value.powi(power)).sum::<f64>() / 20_000.0;
        assert!(moment(1).abs() < 0.03);
        assert!((moment(2) - 1.0).abs() < 0.05);
        assert!((moment(4) - 3.0).abs() < 0.3);
    }
}
