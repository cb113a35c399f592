//! A message that is accepted while a change of access is being committed.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, Topic};
use madang_domain::{
    Epoch, Message, Position, Role, RoomHead, RoomId, SenderKind, Seq, Timestamp, UserId,
};
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{
    Ended, EventBatch, Hub, Outlet, RoomEvent, RoomSignal, SignalEvent, SignalKind,
    SubscriptionKey, TopicEvent,
};
use parking_lot::Mutex;

struct NoBus;

impl Bus for NoBus {
    fn publish(&self, _: &Topic, _: Bytes) {}
    fn reaches_others(&self, _: &Topic) -> bool {
        false
    }
    fn subscribe(&self, _: Topic) {}
    fn unsubscribe(&self, _: &Topic) {}
    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async { None })
    }
}

#[derive(Default)]
struct Seen {
    events: usize,
    lagging: usize,
    signals: usize,
}

#[derive(Default)]
struct Agent(Mutex<Seen>);

impl Outlet for Agent {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        self.0.lock().events += events.len() - from;
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {
        self.0.lock().lagging += 1;
    }
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {
        self.0.lock().signals += 1;
    }
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<madang_domain::Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn ended(&self, _: SubscriptionKey, _: Ended) {}
}

fn message(room: &RoomId, epoch: Epoch, seq: u64) -> Arc<Message> {
    Arc::new(Message {
        room: room.clone(),
        position: Position {
            epoch,
            seq: Seq::new(seq),
        },
        sender: UserId::new("kim").unwrap(),
        sender_name: None,
        sender_kind: SenderKind::Customer,
        client_id: None,
        text: Arc::from("hello"),
        sent_at: Timestamp::from_micros(0),
    })
}

#[test]
fn what_is_accepted_while_access_changes_is_offered_to_nobody_before_it_is_decided_anew() {
    let hub = Hub::new(Arc::new(NoBus), Arc::new(NoTelemetry));
    let room = RoomId::new("kim").unwrap();
    let epoch = Epoch::new(7);
    let head = RoomHead {
        epoch,
        last: Seq::ZERO,
        oldest: Seq::new(1),
        access_version: 1,
    };
    let agent = Arc::new(Agent::default());
    let outlet = Arc::clone(&agent) as Arc<dyn Outlet>;
    let user = UserId::new("lee").unwrap();
    let registration = hub.rooms().register(&room, outlet, 0, user, Role::Agent);
    let (_subscription, live) = registration.start(head.position(), &head).unwrap();
    assert!(live);

    let typing = Arc::new(SignalEvent::new(RoomSignal {
        room: room.clone(),
        user: UserId::new("kim").unwrap(),
        name: None,
        kind: SignalKind::Typing { active: true },
        at: Timestamp::from_micros(0),
    }));

    hub.rooms().publish(&room, [message(&room, epoch, 1)]);
    hub.rooms().signal(&typing);
    assert_eq!(agent.0.lock().events, 1, "live before");
    assert_eq!(agent.0.lock().signals, 1, "shown before");

    let hold = hub.rooms().hold(&room);
    hub.rooms().publish(&room, [message(&room, epoch, 2)]);
    hub.rooms().signal(&typing);
    assert_eq!(agent.0.lock().signals, 1, "not shown while access changes");
    drop(hold);
    assert_eq!(agent.0.lock().events, 1, "not offered while access changes");
    assert_eq!(
        agent.0.lock().lagging,
        1,
        "told to read the log, which asks"
    );
    hub.rooms().signal(&typing);
    assert_eq!(agent.0.lock().signals, 2, "shown to who reads the log too");
}
