//! Chance that a seed repeats, whatever library is linked.

use std::env;

pub(crate) use madang_e2e::dice::Dice;

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
