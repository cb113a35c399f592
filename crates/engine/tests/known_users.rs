//! What callers' tokens say of them, kept.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fakes::{FakeBus, FakePresence, FakeStore};
use madang_domain::{Caller, Role, UserChange, UserId};
use madang_engine::Engine;

fn start() -> (Arc<Engine>, Arc<FakeStore>) {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let engine = fakes::start(&store, &presence, &bus, fakes::options());
    (engine, store)
}

fn caller(id: &str, name: &str, role: Role) -> Caller {
    Caller {
        name: Some(Arc::from(name)),
        ..Caller::new(UserId::new(id).unwrap(), role)
    }
}

/// Simulated: whatever needs no more than a moment has happened.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn kept(store: &FakeStore) -> Vec<UserChange> {
    std::mem::take(&mut *store.kept.lock()).concat()
}

#[tokio::test(start_paused = true)]
async fn what_a_token_says_is_kept_once_until_a_token_says_something_else() {
    let (engine, store) = start();
    let kim = caller("kim", "Kim", Role::User);
    for _ in 0..3 {
        engine.see(&kim);
        settle().await;
    }
    assert_eq!(kept(&store), [UserChange::seen(&kim)]);
    let renamed = caller("kim", "Kim Minji", Role::User);
    let promoted = caller("kim", "Kim Minji", Role::Agent);
    for other in [&renamed, &promoted] {
        engine.see(other);
        settle().await;
        assert_eq!(kept(&store), [UserChange::seen(other)]);
    }
    engine.see(&caller("host", "Host", Role::Service));
    settle().await;
    assert!(kept(&store).is_empty(), "a service is no person");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_kept_is_kept_when_the_caller_comes_again() {
    let (engine, store) = start();
    let kim = caller("kim", "Kim", Role::User);
    store.fails.store(true, Ordering::Relaxed);
    engine.see(&kim);
    settle().await;
    store.fails.store(false, Ordering::Relaxed);
    engine.see(&kim);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(kept(&store), [UserChange::seen(&kim)]);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_kept_in_pieces_of_a_bounded_size_and_none_is_left_out() {
    let (engine, store) = start();
    for n in 0..1_000 {
        engine.see(&caller(&format!("u{n}"), "U", Role::User));
    }
    settle().await;
    let pieces = std::mem::take(&mut *store.kept.lock());
    let sizes: Vec<_> = pieces.iter().map(Vec::len).collect();
    assert_eq!(sizes, [256, 256, 256, 232]);
}

#[tokio::test(start_paused = true)]
async fn what_a_token_says_is_kept_again_after_the_host_said_something_else() {
    let (engine, store) = start();
    let kim = caller("kim", "Kim", Role::User);
    engine.see(&kim);
    settle().await;
    let renamed = UserChange::seen(&caller("kim", "The host's Kim", Role::User));
    engine.upsert_users(vec![renamed]).await.unwrap();
    kept(&store);
    engine.see(&kim);
    settle().await;
    assert_eq!(kept(&store), [UserChange::seen(&kim)]);
}
