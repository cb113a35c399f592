//! What all parts of one simulated run share: the seed's choices, the trace and the verdicts.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use madang_domain::ports::Clock;
use madang_domain::{Epoch, Timestamp};
use parking_lot::Mutex;

use crate::plan::Plan;

/// Store and bus calls after which a run counts as one that never ends.
const STEPS_MAX: u64 = 60_000;

/// SplitMix64: its sequence must never change with a library, or old seeds could not be replayed.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.below(items.len() as u64)).expect("an index")]
    }
}

/// What the run is doing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Faults, and everybody comes and goes.
    Chaos,
    /// No faults but a dead bus; sessions still come and go.
    Quiet,
    /// No faults but a dead bus: everybody stays and must get everything.
    Healed,
    /// Everybody goes home.
    Over,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    rng: Mutex<Rng>,
    trace: Option<Mutex<Vec<String>>>,
    violations: Mutex<Vec<String>>,
    steps: AtomicU64,
    phase: AtomicU8,
}

impl World {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            plan: Plan::new(&mut rng),
            rng: Mutex::new(rng),
            trace: traced.then(Mutex::default),
            violations: Mutex::default(),
            steps: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Chaos as u8),
        }
    }

    /// A run of a test's own plan.
    pub(crate) fn calm(plan: Plan) -> Self {
        Self {
            plan,
            ..Self::new(0, false)
        }
    }

    /// Of another plan than the seed's.
    pub(crate) fn planned(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    pub(crate) fn below(&self, n: u64) -> u64 {
        self.rng.lock().below(n)
    }

    pub(crate) fn within(&self, low: u64, high: u64) -> u64 {
        self.rng.lock().within(low, high)
    }

    pub(crate) fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        self.rng.lock().pick(items)
    }

    /// That of a room that is made now.
    pub(crate) fn new_epoch(&self) -> Epoch {
        Epoch::new(self.within(2, 1 << 40))
    }

    /// A percentage that counts only while there are faults.
    pub(crate) fn fault(&self, percent: u64) -> bool {
        self.phase() == Phase::Chaos && self.percent(percent)
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Chaos,
            1 => Phase::Quiet,
            2 => Phase::Healed,
            _ => Phase::Over,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.note(|| format!("---- {phase:?}"));
    }

    /// Lets any number of other tasks run, as the seed says: no step, a few, or a long time.
    pub(crate) async fn wander(&self) {
        if self.steps.fetch_add(1, Ordering::Relaxed) > STEPS_MAX {
            // Whoever runs in circles is stopped here; the run's time limit then reports it.
            self.violated("more steps than any run needs".into());
            std::future::pending::<()>().await;
        }
        match self.below(16) {
            0 => sleep_ms(self.within(1, 30)).await,
            n => {
                for _ in 0..n / 3 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.lock().push(line());
        }
    }

    pub(crate) fn violated(&self, what: String) {
        self.note(|| format!("VIOLATION {what}"));
        self.violations.lock().push(what);
    }

    pub(crate) fn verdict(&self) -> Vec<String> {
        self.violations.lock().clone()
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.trace
            .as_ref()
            .map(|trace| trace.lock().clone())
            .unwrap_or_default()
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let steps = self.steps.load(Ordering::Relaxed);
        Timestamp::from_micros(i64::try_from(steps).unwrap_or(i64::MAX))
    }
}

/// Simulated time: passes at once when nobody has anything else to do.
pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
