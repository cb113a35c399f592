//! Which other gateways there are.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How often a gateway says that it is there.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(1);

/// A gateway that has said nothing for so long is gone. Above some lost beats, and below what
/// clients wait for.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(5);

/// For so long after this gateway joined, or was cut off, there may be others that it has not heard
/// of yet: one beat of theirs may be lost, and the next be late.
pub(super) const SETTLES_IN: Duration = Duration::from_millis(2_500);

/// Clocks may be apart by so many seconds before it is logged: above what a beat takes on its way.
const APART_SECONDS_MAX: u64 = 5;

/// The other gateways, as far as this one has heard of them.
pub(super) struct Members(Mutex<State>);

struct State {
    heard: HashMap<u64, Heard>,
    settled_at: Instant,
}

struct Heard {
    at: Instant,
    /// It is logged already that its clock shows another time.
    is_apart: bool,
}

/// Who has to be asked for all to be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) known: HashSet<u64>,
    /// There are no others than those.
    pub(super) is_complete: bool,
}

impl Members {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            heard: HashMap::new(),
            settled_at: Instant::now() + SETTLES_IN,
        }))
    }

    /// This one was said something by `gateway`. Answers whether it is a new one.
    pub(super) fn heard(&self, gateway: u64) -> bool {
        let now = Instant::now();
        let mut is_new = false;
        let mut state = self.0.lock();
        let heard = state.heard.entry(gateway).or_insert_with(|| {
            is_new = true;
            Heard {
                at: now,
                is_apart: false,
            }
        });
        heard.at = now;
        is_new
    }

    /// The clock of `gateway` shows `theirs` when this one's shows `ours`, in seconds. Logged once while
    /// they are apart: what is told by the clock is told wrongly then.
    pub(super) fn told_time(&self, gateway: u64, theirs: u64, ours: u64) {
        let apart = theirs.abs_diff(ours);
        let is_apart = apart > APART_SECONDS_MAX;
        let was_apart = {
            let mut state = self.0.lock();
            let Some(heard) = state.heard.get_mut(&gateway) else {
                return;
            };
            std::mem::replace(&mut heard.is_apart, is_apart)
        };
        if is_apart && !was_apart {
            tracing::warn!(
                apart_seconds = apart,
                "the clock of another node shows another time; see docs/cluster.md"
            );
        }
    }

    /// Answers whether it was there.
    pub(super) fn left(&self, gateway: u64) -> bool {
        self.0.lock().heard.remove(&gateway).is_some()
    }

    /// Something may have been lost: others may have come unheard.
    pub(super) fn unsettle(&self) {
        self.0.lock().settled_at = Instant::now() + SETTLES_IN;
    }

    pub(super) fn is_settled(&self) -> bool {
        Instant::now() >= self.0.lock().settled_at
    }

    pub(super) fn is_there(&self, gateway: u64) -> bool {
        self.0.lock().heard.contains_key(&gateway)
    }

    pub(super) fn others(&self) -> Others {
        let state = self.0.lock();
        Others {
            known: state.heard.keys().copied().collect(),
            is_complete: Instant::now() >= state.settled_at,
        }
    }

    /// Forgets those that have been silent for too long.
    pub(super) fn forget_silent(&self) {
        let now = Instant::now();
        let is_there = |_: &u64, heard: &mut Heard| heard.at + GONE_AFTER > now;
        self.0.lock().heard.retain(is_there);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gateway_is_there_until_it_has_been_silent_for_too_long() {
        let members = Members::new();
        assert!(members.heard(1));
        assert!(!members.heard(1), "it is known");
        tokio::time::advance(GONE_AFTER / 2).await;
        assert!(members.heard(2));
        tokio::time::advance(GONE_AFTER / 2).await;
        members.forget_silent();
        assert!(!members.is_there(1) && members.is_there(2));
        assert!(members.left(2) && !members.left(2));
    }

    #[tokio::test(start_paused = true)]
    async fn there_may_be_unheard_others_for_a_while_after_joining_and_after_a_loss() {
        let members = Members::new();
        assert!(!members.others().is_complete);
        tokio::time::advance(SETTLES_IN).await;
        assert!(members.others().is_complete && members.is_settled());
        members.unsettle();
        assert!(!members.others().is_complete);
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_that_are_apart_are_noted_until_they_are_not() {
        let members = Members::new();
        members.heard(1);
        let is_apart = |members: &Members| members.0.lock().heard[&1].is_apart;
        members.told_time(1, 1_000, 1_000 + APART_SECONDS_MAX);
        assert!(!is_apart(&members));
        members.told_time(1, 1_000, 1_001 + APART_SECONDS_MAX);
        assert!(is_apart(&members));
        members.told_time(1, 1_000, 1_000);
        assert!(!is_apart(&members));
    }
}
