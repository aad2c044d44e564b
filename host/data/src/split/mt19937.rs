//! NumPy's legacy generator and the one thing that a split draws from it: a permutation.
//!
//! Source: Matsumoto and Nishimura, "Mersenne Twister" (1998), `mt19937ar.c`; `numpy/random/mtrand.pyx` (`RandomState.shuffle`) and
//! `numpy/random/src/distributions/distributions.c` (`random_interval`). NumPy keeps this stream frozen. Not for secrets.

const STATE: usize = 624;
const MIDDLE: usize = 397;

/// The Mersenne Twister with a 32-bit seed.
pub(super) struct Mt19937 {
    state: [u32; STATE],
    next: usize,
}

impl Mt19937 {
    /// Seeds the generator as `RandomState(seed)` does, by `init_genrand`.
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; STATE];
        for i in 1..STATE {
            let last = state[i - 1];
            state[i] = (last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: STATE }
    }

    /// The numbers `0..len` in the order of `RandomState.permutation(len)`.
    pub(super) fn permutation(&mut self, len: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..len).collect();
        for i in (1..len).rev() {
            let j = self.at_most(i);
            order.swap(i as usize, j as usize);
        }
        order
    }

    /// A number in `0..=max`, by rejection under the smallest mask that covers `max`.
    fn at_most(&mut self, max: u32) -> u32 {
        let mask = u32::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        loop {
            let value = self.draw() & mask;
            if value <= max {
                return value;
            }
        }
    }

    fn draw(&mut self) -> u32 {
        if self.next == STATE {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    fn refill(&mut self) {
        for i in 0..STATE {
            let y = self.state[i] & 0x8000_0000 | self.state[(i + 1) % STATE] & 0x7fff_ffff;
            let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % STATE] ^ y >> 1 ^ twist;
        }
        self.next = 0;
    }
}
