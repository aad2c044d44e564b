//! Chance that replays.

/// SplitMix64: Guy Steele, Doug Lea and Christine Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), with the constants of
/// Sebastiano Vigna's <https://prng.di.unimi.it/splitmix64.c>, which is in the public domain.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `below`, without `below` itself. The bias of taking the upper half of a product is `below` in 2^64.
    pub fn below(&mut self, below: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(below)) >> 64) as u64
    }
}

/// A random choice of at most so many of the things that come by: Jeffrey Vitter, "Random sampling with a reservoir" (1985), algorithm R.
#[derive(Debug, Clone)]
pub struct Reservoir<T> {
    capacity: usize,
    seen: u64,
    random: Random,
    kept: Vec<T>,
}

impl<T> Reservoir<T> {
    /// An empty choice.
    pub fn new(capacity: usize, seed: u64) -> Self {
        Self { capacity, seen: 0, random: Random::new(seed), kept: Vec::new() }
    }

    /// Shows it the next thing.
    pub fn offer(&mut self, item: T) {
        self.seen += 1;
        if self.kept.len() < self.capacity {
            self.kept.push(item);
        } else if let Some(slot) = self.kept.get_mut(self.random.below(self.seen) as usize) {
            *slot = item;
        }
    }

    /// What was chosen. Up to the capacity, everything, in order.
    pub fn into_kept(self) -> Vec<T> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // The first outputs of splitmix64.c for the seed 1234567.
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.bits(), random.bits(), random.bits()], expected);
    }

    #[test]
    fn a_reservoir_keeps_each_thing_equally_often() {
        let mut counts = [0_u32; 10];
        for seed in 0..2000 {
            let mut reservoir = Reservoir::new(3, seed);
            (0..10).for_each(|item| reservoir.offer(item));
            reservoir.into_kept().into_iter().for_each(|item: usize| counts[item] += 1);
        }
        assert!(counts.iter().all(|&count| (500..700).contains(&count)), "{counts:?}");
    }
}
