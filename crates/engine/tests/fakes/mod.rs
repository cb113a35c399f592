//! What tests put in the place of the world: a store of one room and a desk, a clock that follows
//! tokio's, a presence that can fail, a bus without other nodes.

#![allow(dead_code, unused_imports, reason = "no test needs all of it")]

mod presence;
mod store;

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::Timestamp;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, Clock, Topic};
use madang_engine::commit::CommitLimits;
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{Engine, EngineOptions, Ports, PresenceOptions};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

pub(crate) use presence::FakePresence;
pub(crate) use store::{FakeRoom, FakeStore};

/// Enough for all that tests read.
pub(crate) const HISTORY_BYTES: usize = 1024 * 1024;

/// A bus that says once that something was lost, whenever it is told to.
#[derive(Default)]
pub(crate) struct FakeBus {
    pub(crate) reconnected: Notify,
}

impl Bus for FakeBus {
    fn publish(&self, _: &Topic, _: Bytes) {}
    fn reaches_others(&self, _: &Topic) -> bool {
        false
    }
    fn state(&self) -> BusState {
        BusState::Connected
    }
    fn subscribe(&self, _: Topic) {}
    fn unsubscribe(&self, _: &Topic) {}
    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async {
            self.reconnected.notified().await;
            Some(BusEvent::Reconnected)
        })
    }
}

/// Simulated time as the time of day.
pub(crate) struct FakeClock(Instant);

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

/// As tests like it: nothing is overdue, nothing is swept.
pub(crate) fn options() -> EngineOptions {
    EngineOptions {
        commit: CommitLimits {
            batch_drafts_max: 100,
            batch_bytes_max: 10_000,
            queue_drafts_max: 100,
        },
        head_check_interval: Duration::from_secs(5),
        revise_within: None,
        signal_interval: Duration::from_secs(1),
        overdue_after: None,
        added_per_user_per_day_max: 0,
        presence: Some(PresenceOptions {
            lease: Duration::from_secs(30),
            grace: Duration::from_secs(7),
        }),
        retention: Default::default(),
        sweep_interval: Duration::from_secs(60),
        history_bytes_max: HISTORY_BYTES,
    }
}

/// An engine over fakes, on a clock that begins now.
pub(crate) fn start(
    store: &Arc<FakeStore>,
    presence: &Arc<FakePresence>,
    bus: &Arc<FakeBus>,
    options: EngineOptions,
) -> Arc<Engine> {
    let ports = Ports {
        store: Arc::clone(store) as _,
        bus: Arc::clone(bus) as _,
        presence: Arc::clone(presence) as _,
        clock: Arc::new(FakeClock::new()),
        telemetry: Arc::new(NoTelemetry),
    };
    Engine::start(ports, options)
}
