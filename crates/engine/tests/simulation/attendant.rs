//! A client that shows all of a user's rooms: attends first, lists after, and subscribes to what it
//! is told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use madang_domain::ports::{PresenceEdge, RoomsQuery};
use madang_domain::{Caller, Code, Error, MessageKind, Position, RoomId, UserId, policy};
use madang_engine::{
    CatchUp, Ended, EventBatch, Outlet, RoomEvent, RoomSubscription, SignalEvent, Start,
    SubscriptionKey, TopicEvent,
};
use parking_lot::Mutex;

use crate::cluster::{Cluster, Node};
use crate::world::{Phase, World, sleep_ms};

/// More than any user of a run has.
const ROOMS_MAX: usize = 100;

/// Of what is told of the user; rooms' subscriptions have others.
const KEY: SubscriptionKey = 0;

/// What the final checks see of an attendant.
pub(crate) struct Attended {
    pub(crate) caller: Caller,
    rooms: Mutex<Option<Rooms>>,
    keys: AtomicU32,
}

/// The rooms that it shows, each subscribed to.
type Rooms = BTreeMap<RoomId, Arc<Shown>>;

struct Shown {
    key: SubscriptionKey,
    subscription: RoomSubscription,
}

/// What it was told and has not looked up.
pub(crate) struct Notes {
    user: UserId,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    rooms: BTreeSet<RoomId>,
    unknown: bool,
    /// Subscriptions that must read their logs.
    lagging: BTreeSet<SubscriptionKey>,
}

impl Attended {
    pub(crate) fn new(caller: Caller) -> Arc<Self> {
        Arc::new(Self {
            caller,
            rooms: Mutex::default(),
            keys: AtomicU32::new(KEY + 1),
        })
    }

    /// The rooms that it shows; `None` while it has no list.
    pub(crate) fn known(&self) -> Option<BTreeSet<RoomId>> {
        let rooms = self.rooms.lock();
        Some(rooms.as_ref()?.keys().cloned().collect())
    }

    /// Subscribes anew to everything: a subscription may have been ended.
    async fn list(&self, node: &Node, notes: &Arc<Notes>) -> Result<(), Error> {
        let query = RoomsQuery {
            limit: ROOMS_MAX,
            ..RoomsQuery::default()
        };
        let listed = node.engine.rooms_of(&self.caller, &query).await?;
        *self.rooms.lock() = Some(Rooms::new());
        for summary in listed {
            self.look_up(node, notes, &summary.view.room.id).await?;
        }
        Ok(())
    }

    /// Shows the room if it is the user's now. Subscribes first and asks after: what changes then is
    /// in the log behind the cursor.
    async fn look_up(&self, node: &Node, notes: &Arc<Notes>, room: &RoomId) -> Result<(), Error> {
        let shown = match self.subscribe(node, notes, room).await {
            Ok(shown) => shown,
            Err(error) if matches!(error.code(), Code::RoomNotFound | Code::NotYourRoom) => None,
            Err(error) => return Err(error),
        };
        if let Some(rooms) = &mut *self.rooms.lock() {
            rooms.remove(room);
            rooms.extend(shown.map(|shown| (room.clone(), Arc::new(shown))));
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        node: &Node,
        notes: &Arc<Notes>,
        room: &RoomId,
    ) -> Result<Option<Shown>, Error> {
        let (engine, caller) = (&node.engine, &self.caller);
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        let outlet = Arc::clone(notes) as Arc<dyn Outlet>;
        let subscribing = engine.subscribe_room(caller, room, Start::Now, outlet, key);
        let subscribed = subscribing.await?;
        if !subscribed.live {
            notes.lagging(key);
        }
        let view = engine.view_room(caller, room).await?;
        let (detail, standing) = (&view.room.detail, view.standing);
        let theirs = policy::takes_part(detail, standing, &caller.user, caller.role);
        Ok(theirs.then_some(Shown {
            key,
            subscription: subscribed.subscription,
        }))
    }

    /// Reads on where a subscription has fallen behind.
    async fn catch_up(&self, cluster: &Cluster, notes: &Notes, key: SubscriptionKey) {
        let shown = self.rooms.lock().as_ref().and_then(|rooms| {
            let shown = rooms.values().find(|shown| shown.key == key);
            shown.cloned()
        });
        let Some(shown) = shown else {
            return;
        };
        let caught_up = shown.subscription.catch_up(&*cluster.store, notes, key);
        match caught_up.await {
            Ok(CatchUp::Live) => {}
            Ok(CatchUp::Ended(cause)) => notes.ended(key, cause),
            Ok(CatchUp::Full | CatchUp::Reset(_)) | Err(_) => notes.lagging(key),
        }
    }
}

impl Notes {
    pub(crate) fn of(user: &UserId) -> Arc<Self> {
        Arc::new(Self {
            user: user.clone(),
            told: Mutex::default(),
        })
    }

    pub(crate) fn take(&self) -> (BTreeSet<RoomId>, bool) {
        let mut told = self.told.lock();
        let unknown = std::mem::take(&mut told.unknown);
        (std::mem::take(&mut told.rooms), unknown)
    }
}

impl Outlet for Notes {
    fn offer(&self, key: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        self.offer_from_log(key, &events[from..])
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        // Whoever leaves an open room can still read it: only the log says that it is theirs no more.
        let left = events.iter().find(|event| {
            event.message.kind == MessageKind::Left && event.message.sender == self.user
        });
        if let Some(left) = left {
            self.told.lock().rooms.insert(left.message.room.clone());
        }
        events.len()
    }
    fn lagging(&self, key: SubscriptionKey) {
        self.told.lock().lagging.insert(key);
    }
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, room: &RoomId, _: Option<Position>) {
        self.told.lock().rooms.insert(room.clone());
    }
    fn rooms_unknown(&self, _: SubscriptionKey) {
        self.told.lock().unknown = true;
    }
    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, key: SubscriptionKey, _: Ended) {
        self.rooms_unknown(key);
    }
}

pub(crate) async fn run(cluster: Arc<Cluster>, attended: Arc<Attended>) {
    let world = &cluster.world;
    while world.phase() != Phase::Over {
        attend(&cluster, &attended).await;
        *attended.rooms.lock() = None;
        sleep_ms(world.within(5, 60)).await;
    }
}

/// On one node until that goes down, the client leaves, or the run is over.
async fn attend(cluster: &Cluster, attended: &Attended) {
    let (world, node) = (&cluster.world, cluster.any_node());
    let notes = Notes::of(&attended.caller.user);
    let outlet = Arc::clone(&notes) as Arc<dyn Outlet>;
    let _attending = node.engine.attend(&attended.caller, outlet, KEY);
    notes.rooms_unknown(KEY);
    loop {
        let phase = world.phase();
        let leaves = phase == Phase::Chaos && world.one_in(60);
        if node.is_down() || phase == Phase::Over || leaves {
            return;
        }
        let (rooms, unknown) = notes.take();
        let lagging = std::mem::take(&mut notes.told.lock().lagging);
        let idle = rooms.is_empty() && lagging.is_empty() && !unknown;
        if unknown && attended.list(&node, &notes).await.is_err() {
            notes.rooms_unknown(KEY);
        }
        for room in &rooms {
            if attended.look_up(&node, &notes, room).await.is_err() {
                notes.rooms_changed(KEY, room, None);
            }
        }
        for key in lagging {
            attended.catch_up(cluster, &notes, key).await;
        }
        pause(world, idle).await;
    }
}

async fn pause(world: &World, idle: bool) {
    if idle {
        sleep_ms(world.within(1, 30)).await;
    } else {
        world.wander().await;
    }
}
