//! Numbers that look like chance, and are the same each time (xorshift64*).

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64) -> Chance {
        // Neighbouring seeds are to have nothing in common.
        let mut chance = Chance(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            chance.next();
        }
        chance
    }

    /// Any number of 53 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    /// From 0 up to this.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A place in something that is so long.
    pub fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// From 0 up to 1.
    pub fn part(&mut self) -> f64 {
        self.next() as f64 / (1u64 << 53) as f64
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.part())
    }

    /// Another source, for somebody who is busy at the same time.
    pub fn split(&mut self) -> Chance {
        Chance::of(self.next())
    }
}
