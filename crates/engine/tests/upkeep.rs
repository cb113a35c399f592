//! What the engine does by itself: sweeping, and finding out whose tokens are revoked.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fakes::{FakeBus, FakePresence, FakeStore};
use madang_domain::ports::RetentionRule;
use madang_domain::{RoomKind, Timestamp, UserId};
use madang_engine::{EngineOptions, Revocation};
use tokio::sync::broadcast::Receiver;

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

/// Simulated: whatever is due until then has happened.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn rounds_of_the_sweeper_have_a_pause_between_them_however_long_they_take() {
    let store = Arc::<FakeStore>::default();
    *store.sweep_takes.lock() = Duration::from_secs(90);
    let rule = RetentionRule {
        count: Some(1),
        ..RetentionRule::default()
    };
    let options = EngineOptions {
        retention: [rule; RoomKind::ALL.len()],
        ..fakes::options()
    };
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let _engine = fakes::start(&store, &presence, &bus, options);
    pass(400).await;
    assert_eq!(*store.sweeps.lock(), [0, 150, 300].map(at));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_swept_where_everything_is_kept() {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let _engine = fakes::start(&store, &presence, &bus, fakes::options());
    pass(400).await;
    assert!(store.sweeps.lock().is_empty());
}

fn told(revocations: &mut Receiver<Revocation>) -> Vec<String> {
    let next = || revocations.try_recv().ok();
    let told = std::iter::from_fn(next);
    told.map(|(user, at)| format!("{user}@{}", at.as_secs()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_revocation_of_which_the_bus_lost_the_hint_is_found_by_the_next_check_and_told_once() {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let engine = fakes::start(&store, &presence, &bus, fakes::options());
    let mut revocations = engine.subscribe_revocations();
    let kim = UserId::new("kim").unwrap();
    pass(100).await;
    // Another node's, whose clock is half a minute behind.
    store.revoked.lock().push((kim.clone(), at(70)));
    pass(6).await;
    assert_eq!(told(&mut revocations), ["kim@70"]);
    pass(200).await;
    assert!(told(&mut revocations).is_empty(), "told once");

    engine.revoke_tokens(&kim).await.unwrap();
    assert_eq!(told(&mut revocations), ["kim@306"]);
    pass(200).await;
    assert!(told(&mut revocations).is_empty(), "told once");
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_was_away_has_revocations_looked_up_at_once_and_a_store_that_was_later() {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let options = EngineOptions {
        head_check_interval: Duration::from_secs(1_000),
        ..fakes::options()
    };
    let engine = fakes::start(&store, &presence, &bus, options);
    let mut revocations = engine.subscribe_revocations();
    let [kim, lee] = ["kim", "lee"].map(|id| UserId::new(id).unwrap());
    pass(100).await;
    store.revoked.lock().push((kim, at(100)));
    bus.reconnected.notify_one();
    pass(1).await;
    assert_eq!(told(&mut revocations), ["kim@100"]);

    store.fails.store(true, Ordering::Relaxed);
    store.revoked.lock().push((lee, at(101)));
    bus.reconnected.notify_one();
    pass(500).await;
    bus.reconnected.notify_one();
    pass(1).await;
    store.fails.store(false, Ordering::Relaxed);
    assert!(told(&mut revocations).is_empty());
    pass(500).await;
    assert_eq!(told(&mut revocations), ["lee@101"]);
}
