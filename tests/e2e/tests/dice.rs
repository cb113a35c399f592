//! Chance that a seed repeats, whatever library is linked.

use std::env;

/// The variable that repeats a run.
pub(crate) const SEED: &str = "MADANG_E2E_SEED";

/// The seed that the environment names, or another each time; printed, so that a run can be repeated.
pub(crate) fn seed() -> u64 {
    let seed = number(SEED).unwrap_or_else(rand::random);
    println!("{SEED}={seed}");
    seed
}

/// How many of something: as the environment says.
pub(crate) fn count(name: &str, default: usize) -> usize {
    number(name).map_or(default, |count| usize::try_from(count).unwrap())
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The chance of one thing: of the run's seed, a group and the number in it.
    pub(crate) fn new(seed: u64, group: usize, number: usize) -> Self {
        let mut dice = Self(seed ^ ((group as u64) << 48) ^ ((number as u64) << 8));
        dice.next();
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Once in `bound` times.
    pub(crate) fn once_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}
