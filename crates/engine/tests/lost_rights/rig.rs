//! A hub over one room in the fake store, and what its subscribers are offered.

use std::sync::Arc;

use madang_domain::ports::{PresenceEdge, RoomView};
use madang_domain::{
    Epoch, Extra, MemberRole, Message, MessageKind, Position, Profile, Role, Room, RoomDetail,
    RoomHead, RoomId, SenderKind, Seq, Standing, Timestamp, UserId,
};
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{
    CatchUp, Ended, EventBatch, Hub, Outlet, RoomEvent, RoomSignal, RoomSubscription, SignalEvent,
    SignalKind, SubscriptionKey, TopicEvent,
};
use parking_lot::Mutex;

use crate::fakes::{FakeBus, FakeRoom, FakeStore, HISTORY_BYTES};

pub(crate) const LIFE: Epoch = Epoch::new(7);
pub(crate) const NEXT_LIFE: Epoch = Epoch::new(8);

/// What one session was offered and told.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) live: Vec<u64>,
    pub(crate) from_log: Vec<u64>,
    pub(crate) lagging: usize,
    pub(crate) signals: usize,
    pub(crate) ended: Vec<Ended>,
}

#[derive(Default)]
pub(crate) struct Session(Mutex<Seen>);

impl Session {
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.0.lock())
    }
}

pub(crate) fn numbers(events: &[RoomEvent]) -> impl Iterator<Item = u64> {
    let seq = |event: &RoomEvent| event.message.position.seq.get();
    events.iter().map(seq)
}

impl Outlet for Session {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        self.0.lock().live.extend(numbers(&events[from..]));
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        self.0.lock().from_log.extend(numbers(events));
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {
        self.0.lock().lagging += 1;
    }
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {
        self.0.lock().signals += 1;
    }
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, _: SubscriptionKey, cause: Ended) {
        self.0.lock().ended.push(cause);
    }
}

/// A session and its subscription.
pub(crate) struct Reader {
    pub(crate) session: Arc<Session>,
    pub(crate) subscription: RoomSubscription,
}

impl Reader {
    pub(crate) async fn catch_up(&self, store: &FakeStore) -> CatchUp {
        let caught_up = self.subscription.catch_up(store, &*self.session, 0);
        caught_up.await.unwrap()
    }
}

/// A hub whose room is in the fake store.
pub(crate) struct Rig {
    pub(crate) hub: Hub,
    pub(crate) store: FakeStore,
    pub(crate) room: RoomId,
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn head(epoch: Epoch, last: u64, access_version: u64) -> RoomHead {
    RoomHead {
        epoch,
        last: Seq::new(last),
        oldest: Seq::new(1),
        access_version,
    }
}

/// The room as its members see it.
pub(crate) fn member_of(head: &RoomHead) -> RoomView {
    RoomView {
        room: Room {
            id: RoomId::new("g").unwrap(),
            number: 1,
            head: *head,
            created_at: Timestamp::from_micros(0),
            detail: RoomDetail::Group,
            profile: Profile::default(),
            owner: None,
            member_count: 1,
        },
        standing: Standing::Member(MemberRole::Member),
    }
}

impl Rig {
    /// A group of kim, lee and park with the entries 1 to 4, whose access is at version 1.
    pub(crate) fn new() -> Self {
        let room = RoomId::new("g").unwrap();
        let member = |id| (user(id), Standing::Member(MemberRole::Member));
        let rig = Self {
            hub: Hub::new(
                Arc::new(FakeBus::default()),
                Arc::new(NoTelemetry),
                HISTORY_BYTES,
            ),
            store: FakeStore::default(),
            room: room.clone(),
        };
        *rig.store.room.lock() = Some(FakeRoom {
            id: room,
            head: head(LIFE, 4, 1),
            messages: (1..=4).map(|seq| rig.message(seq)).collect(),
            standings: ["kim", "lee", "park"].map(member).into(),
        });
        rig
    }

    pub(crate) fn entry(
        &self,
        epoch: Epoch,
        seq: u64,
        revokes: Option<(&str, u64)>,
    ) -> Arc<Message> {
        let revokes = revokes.map(|(id, version)| (user(id), version));
        let kind = match &revokes {
            Some(_) => MessageKind::Removed,
            None => MessageKind::Message,
        };
        Arc::new(Message {
            room: self.room.clone(),
            position: Position {
                epoch,
                seq: Seq::new(seq),
            },
            kind,
            sender: user("lee"),
            sender_name: None,
            sender_kind: SenderKind::Member,
            client_id: None,
            text: Arc::from("hello"),
            sent_at: Timestamp::from_micros(0),
            extra: revokes.map(|revokes| {
                Box::new(Extra {
                    revokes: Some(revokes),
                    ..Extra::default()
                })
            }),
        })
    }

    pub(crate) fn message(&self, seq: u64) -> Arc<Message> {
        self.entry(LIFE, seq, None)
    }

    pub(crate) fn removal(&self, seq: u64, id: &str, version: u64) -> Arc<Message> {
        self.entry(LIFE, seq, Some((id, version)))
    }

    /// Appends to the store's log; whoever is removed stays so.
    pub(crate) fn stored(&self, entries: &[Arc<Message>]) {
        let mut room = self.store.room.lock();
        let room = room.as_mut().unwrap();
        for entry in entries {
            room.head.last = entry.position.seq;
            if let Some((user, version)) = entry.revokes() {
                room.head.access_version = *version;
                room.standings.insert(user.clone(), Standing::Removed);
            }
            room.messages.push(Arc::clone(entry));
        }
    }

    pub(crate) fn publish(&self, entries: impl IntoIterator<Item = Arc<Message>>) {
        let entries: Vec<_> = entries.into_iter().collect();
        self.hub.rooms().publish(&self.room, entries);
    }

    pub(crate) fn signal(&self) {
        let typing = RoomSignal {
            room: self.room.clone(),
            user: user("lee"),
            name: None,
            kind: SignalKind::Typing { active: true },
            at: Timestamp::from_micros(0),
        };
        self.hub.rooms().signal(&Arc::new(SignalEvent::new(typing)));
    }

    /// Subscribes at the head as it is in `head`, and answers whether that is live.
    pub(crate) fn subscribe_at(&self, id: &str, role: Role, head: &RoomHead) -> (Reader, bool) {
        let session = Arc::new(Session::default());
        let outlet = Arc::clone(&session) as Arc<dyn Outlet>;
        let rooms = self.hub.rooms();
        let registration = rooms.register(&self.room, outlet, 0, user(id), role);
        let (subscription, live) = registration
            .start(head.position(), &member_of(head))
            .unwrap();
        let reader = Reader {
            session,
            subscription,
        };
        (reader, live)
    }

    pub(crate) fn live(&self, id: &str, role: Role) -> Reader {
        let head = self.store.room.lock().as_ref().unwrap().head;
        let (reader, live) = self.subscribe_at(id, role, &head);
        assert!(live);
        reader
    }
}
