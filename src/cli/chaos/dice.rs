//! Chance that can be repeated: the same seed, the same faults.

/// A generator of numbers (SplitMix64, by Steele, Lea and Flood), good enough to throw faults with.
pub(super) struct Dice(u64);

impl Dice {
    /// Dice that fall by `seed`, and by what they are for.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let mut dice = Self(seed);
        for byte in purpose.bytes() {
            dice.0 = dice.next() ^ u64::from(byte);
        }
        dice
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, 0 where that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_chance_and_another_purpose_another() {
        let thrown = |seed, purpose| {
            let mut dice = Dice::new(seed, purpose);
            [(); 8].map(|()| dice.below(1000))
        };
        assert_eq!(thrown(7, "kills"), thrown(7, "kills"));
        assert_ne!(thrown(7, "kills"), thrown(7, "relay"));
        assert_ne!(thrown(7, "kills"), thrown(8, "kills"));
    }
}
