//! What is read for those who listen: how much of a log, and the heads of which rooms.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fakes::{FakeBus, FakePresence, FakeRoom, FakeStore, HISTORY_BYTES};
use madang_domain::ports::{PresenceEdge, RoomView};
use madang_domain::{
    MemberRole, Message, MessageKind, Position, Role, RoomId, SenderKind, Seq, Standing, Timestamp,
    UserId,
};
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{
    CatchUp, Ended, EventBatch, Hub, Outlet, RoomEvent, SignalEvent, SubscriptionKey, TopicEvent,
};
use parking_lot::Mutex;

/// As a session's by default.
const QUEUE_BYTES: usize = 64 * 1024;

/// A session's queue of so many bytes.
#[derive(Default)]
struct Queue(Mutex<(usize, Vec<u64>)>);

impl Outlet for Queue {
    fn offer(&self, _: SubscriptionKey, _: &EventBatch, _: usize) -> usize {
        0
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        let (bytes, taken) = &mut *self.0.lock();
        let fits = events.iter().take_while(|event| {
            let fits = *bytes < QUEUE_BYTES;
            if fits {
                *bytes += event.message.text.len();
                taken.push(event.message.position.seq.get());
            }
            fits
        });
        fits.count()
    }
    fn lagging(&self, _: SubscriptionKey) {}
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, _: SubscriptionKey, _: Ended) {}
}

/// A group of one with so many messages of so many bytes.
fn room(count: u64, bytes: usize) -> FakeRoom {
    let mut room = FakeRoom::group(RoomId::new("g").unwrap());
    let kim = UserId::new("kim").unwrap();
    let text: Arc<str> = "x".repeat(bytes).into();
    room.head.last = Seq::new(count);
    let entry = |seq| {
        Arc::new(Message {
            room: room.id.clone(),
            position: Position {
                epoch: room.head.epoch,
                seq: Seq::new(seq),
            },
            kind: MessageKind::Message,
            sender: kim.clone(),
            sender_name: None,
            sender_kind: SenderKind::Member,
            client_id: None,
            text: Arc::clone(&text),
            sent_at: Timestamp::from_micros(0),
            extra: None,
        })
    };
    room.messages = (1..=count).map(entry).collect();
    let member = Standing::Member(MemberRole::Member);
    room.standings = [(kim.clone(), member)].into();
    room
}

#[tokio::test]
async fn catching_up_reads_little_more_than_there_is_space_for() {
    for (bytes, wasted) in [(12_000, 0.6), (16_000, 0.6), (200, 0.6)] {
        let count = 1_000;
        let store = FakeStore::default();
        let room = room(count, bytes);
        let (id, head) = (room.id.clone(), room.head);
        let view = RoomView {
            room: room.room(),
            standing: Standing::Member(MemberRole::Member),
        };
        *store.room.lock() = Some(room);
        let hub = Hub::new(
            Arc::new(FakeBus::default()),
            Arc::new(NoTelemetry),
            HISTORY_BYTES,
        );
        let queue = Arc::new(Queue::default());
        let outlet = Arc::clone(&queue) as Arc<dyn Outlet>;
        let kim = UserId::new("kim").unwrap();
        let registration = hub.rooms().register(&id, outlet, 0, kim, Role::User);
        let since = Position {
            epoch: head.epoch,
            seq: Seq::ZERO,
        };
        let (subscription, live) = registration.start(since, &view).unwrap();
        assert!(!live);
        loop {
            let caught_up = subscription.catch_up(&store, &*queue, 0).await.unwrap();
            if caught_up == CatchUp::Live {
                break;
            }
            assert_eq!(caught_up, CatchUp::Full);
            // All of it is written.
            queue.0.lock().0 = 0;
        }
        assert_eq!(queue.0.lock().1, (1..=count).collect::<Vec<_>>());
        let read = store.read_from_log.load(Ordering::Relaxed) as f64;
        let most = count as f64 * (1.0 + wasted);
        assert!(read < most, "{read} entries of {bytes} bytes were read");
    }
}

#[tokio::test(start_paused = true)]
async fn the_heads_of_all_rooms_with_subscribers_are_compared_in_questions_of_a_bounded_size() {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let engine = fakes::start(&store, &presence, &bus, fakes::options());
    let kim = UserId::new("kim").unwrap();
    let ids: Vec<_> = (0..2_500)
        .map(|n| RoomId::new(&format!("g{n:04}")).unwrap())
        .collect();
    let register = |id| {
        let outlet = Arc::new(Queue::default());
        let kim = kim.clone();
        (engine.hub().rooms()).register(id, outlet, 0, kim, Role::User)
    };
    let _subscribed: Vec<_> = ids.iter().map(register).collect();
    // Simulated: the check at the start, and no other.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let compared = std::mem::take(&mut *store.compared.lock());
    let sizes: Vec<_> = compared.iter().map(Vec::len).collect();
    assert_eq!(sizes, [1_000, 1_000, 500]);
    let mut all = compared.concat();
    all.sort_unstable();
    assert_eq!(all, ids, "each once");
}
