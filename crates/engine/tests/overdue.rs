//! Noting support rooms that wait for too long: when they are due, and without asking all the time.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fakes::{FakeBus, FakePresence, FakeStore};
use madang_domain::{Caller, Role, RoomId, Timestamp, UserId};
use madang_engine::{Engine, EngineOptions};

/// After how long a room is overdue.
const AFTER: u64 = 100;

struct Rig {
    engine: Arc<Engine>,
    store: Arc<FakeStore>,
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(second).unwrap() * 1_000_000)
}

impl Rig {
    /// The clock begins at 0.
    fn new(waiting: impl IntoIterator<Item = u64>) -> Self {
        let store = Arc::<FakeStore>::default();
        *store.waiting.lock() = waiting.into_iter().map(at).collect();
        let options = EngineOptions {
            overdue_after: Some(Duration::from_secs(AFTER)),
            ..fakes::options()
        };
        let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
        let engine = fakes::start(&store, &presence, &bus, options);
        Self { engine, store }
    }

    /// How many rooms each command noted since this was asked last.
    fn noted(&self) -> Vec<usize> {
        std::mem::take(&mut *self.store.noted.lock())
    }

    fn questions(&self) -> usize {
        self.store.questions.swap(0, Ordering::Relaxed)
    }

    /// A customer's room begins to wait now, on this node.
    async fn opens(&self, id: &str) {
        let customer = Caller::new(UserId::new(id).unwrap(), Role::User);
        let room = RoomId::new(id).unwrap();
        let opened = self.engine.open_support_room(&customer, &room).await;
        assert!(opened.unwrap().1);
    }
}

/// Simulated: whatever is due until then has happened.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_room_is_noted_once_when_it_is_due_and_the_store_is_hardly_asked_before() {
    let rig = Rig::new([0, 7]);
    pass(AFTER - 1).await;
    assert!(rig.noted().is_empty());
    assert!(rig.questions() <= 3, "asked at the start and once a minute");
    pass(2).await;
    assert_eq!(rig.noted(), [1]);
    pass(7).await;
    assert_eq!(rig.noted(), [1]);
    pass(10 * AFTER).await;
    assert!(rig.noted().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_room_that_begins_to_wait_here_is_noted_in_time_although_nobody_waited_before() {
    let rig = Rig::new([]);
    pass(61).await;
    rig.opens("kim").await;
    pass(AFTER - 1).await;
    assert!(rig.noted().is_empty());
    pass(2).await;
    assert_eq!(rig.noted(), [1]);
}

#[tokio::test(start_paused = true)]
async fn many_rooms_are_noted_at_once_by_commands_of_a_bounded_size() {
    let rig = Rig::new((0..120).map(|_| 0));
    pass(AFTER + 1).await;
    assert_eq!(rig.noted(), [50, 50, 20]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_after_a_minute_or_when_a_room_begins_to_wait() {
    let rig = Rig::new([0]);
    rig.store.fails.store(true, Ordering::Relaxed);
    pass(AFTER + 50).await;
    assert!(rig.questions() <= 4, "not without a pause");
    rig.store.fails.store(false, Ordering::Relaxed);
    pass(60).await;
    assert_eq!(rig.noted(), [1]);

    rig.store.waiting.lock().push(at(0));
    rig.store.fails.store(true, Ordering::Relaxed);
    pass(61).await;
    rig.store.fails.store(false, Ordering::Relaxed);
    rig.opens("kim").await;
    pass(1).await;
    assert_eq!(rig.noted(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_notes_nothing_of_what_is_due_is_not_asked_without_a_pause() {
    let rig = Rig::new([0]);
    rig.store.notes_nothing.store(true, Ordering::Relaxed);
    pass(AFTER + 10).await;
    let tries = rig.noted().len();
    assert!((1..=11).contains(&tries), "{tries} tries");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_noted_where_no_time_is_set() {
    let store = Arc::<FakeStore>::default();
    store.waiting.lock().push(at(0));
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let _engine = fakes::start(&store, &presence, &bus, fakes::options());
    pass(10 * AFTER).await;
    assert_eq!(store.questions.load(Ordering::Relaxed), 0);
}
