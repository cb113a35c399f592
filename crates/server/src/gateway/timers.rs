//! One coarse clock for all sessions: heart-beats, time-outs, expiry.
//!
//! A wheel of slots, each with the sessions to look at then. A session is in one slot at a time
//! and says itself when it wants to be looked at next, so the cost is one look per session and
//! interval, whatever happens on it meanwhile.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_engine::vital;
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use super::Shared;
use super::session::Session;

/// The wheel's resolution. Heart-beats are sent one tick early for it.
pub(super) const TICK_MS: u64 = 50;

/// Slots: a little over 25 seconds in all. What is due later goes round again.
const SLOTS: u64 = 512;

pub(super) struct Timers {
    wheel: Mutex<Wheel>,
}

struct Wheel {
    slots: Vec<Vec<Weak<Session>>>,
    /// The next tick to be served.
    tick: u64,
}

impl Timers {
    pub(super) fn new() -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self {
            wheel: Mutex::new(Wheel { slots, tick: 0 }),
        }
    }

    /// Has the session looked at not before `at_ms`, or at the wheel's horizon if that is sooner.
    /// Answers when.
    pub(super) fn schedule(&self, session: Weak<Session>, at_ms: u64) -> u64 {
        let mut wheel = self.wheel.lock();
        let tick = at_ms
            .div_ceil(TICK_MS)
            .clamp(wheel.tick, wheel.tick + SLOTS - 1);
        wheel.slots[(tick % SLOTS) as usize].push(session);
        tick * TICK_MS
    }

    /// The sessions of the next slot that is due at `now_ms`; `None` when there is none.
    fn take_due(&self, now_ms: u64) -> Option<Vec<Weak<Session>>> {
        let mut wheel = self.wheel.lock();
        if wheel.tick * TICK_MS > now_ms {
            return None;
        }
        let slot = (wheel.tick % SLOTS) as usize;
        wheel.tick += 1;
        Some(std::mem::take(&mut wheel.slots[slot]))
    }
}

/// Serves the wheel until the gateway is gone.
pub(super) fn start(shared: &Arc<Shared>) {
    let shared = Arc::downgrade(shared);
    vital::spawn("timers", async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let now = shared.now_ms();
            shared.coarse_now.store(now, Ordering::Relaxed);
            while let Some(due) = shared.timers.take_due(now) {
                due.iter()
                    .filter_map(Weak::upgrade)
                    .for_each(|session| session.look_at_clock());
            }
        }
    });
}
