//! A client that shows all of a user's rooms: attends first, lists after, and subscribes to what it
//! is told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use madang_domain::{Caller, Code, Error, RoomId};
use madang_engine::{
    Ended, Engine, EventBatch, Outlet, RoomEvent, RoomSubscription, SignalEvent, Start,
    SubscriptionKey, TopicEvent,
};
use parking_lot::Mutex;

use crate::cluster::Cluster;
use crate::world::{Phase, World, sleep_ms};

/// More than any user of a run has.
const ROOMS_MAX: usize = 100;

const KEY: SubscriptionKey = 3;

/// What the final checks see of an attendant.
pub(crate) struct Attended {
    pub(crate) caller: Caller,
    rooms: Mutex<Option<Rooms>>,
}

/// The rooms that it shows, each subscribed to.
type Rooms = BTreeMap<RoomId, RoomSubscription>;

/// What it was told and has not looked up.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Told>);

#[derive(Default)]
struct Told {
    rooms: BTreeSet<RoomId>,
    unknown: bool,
}

impl Attended {
    pub(crate) fn new(caller: Caller) -> Arc<Self> {
        Arc::new(Self {
            caller,
            rooms: Mutex::default(),
        })
    }

    /// The rooms that it shows; `None` while it has no list.
    pub(crate) fn known(&self) -> Option<BTreeSet<RoomId>> {
        let rooms = self.rooms.lock();
        Some(rooms.as_ref()?.keys().cloned().collect())
    }

    /// Subscribes anew to everything: a subscription may have been ended.
    async fn list(&self, engine: &Engine, notes: &Arc<Notes>) -> Result<(), Error> {
        let listed = engine.rooms_of(&self.caller, ROOMS_MAX).await?;
        *self.rooms.lock() = Some(Rooms::new());
        for room in listed {
            self.look_up(engine, notes, &room.id).await?;
        }
        Ok(())
    }

    /// Shows the room if it is the user's now: found out by subscribing to it.
    async fn look_up(
        &self,
        engine: &Engine,
        notes: &Arc<Notes>,
        room: &RoomId,
    ) -> Result<(), Error> {
        let outlet = Arc::clone(notes) as Arc<dyn Outlet>;
        let subscribing = engine.subscribe_room(&self.caller, room, Start::Now, outlet, KEY);
        let subscription = match subscribing.await {
            Ok(subscribed) => Some(subscribed.subscription),
            Err(error) if matches!(error.code(), Code::RoomNotFound | Code::NotYourRoom) => None,
            Err(error) => return Err(error),
        };
        if let Some(rooms) = &mut *self.rooms.lock() {
            rooms.remove(room);
            rooms.extend(subscription.map(|held| (room.clone(), held)));
        }
        Ok(())
    }
}

impl Notes {
    pub(crate) fn take(&self) -> (BTreeSet<RoomId>, bool) {
        let told = std::mem::take(&mut *self.0.lock());
        (told.rooms, told.unknown)
    }
}

impl Outlet for Notes {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {}
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, room: &RoomId, _: Option<madang_domain::Position>) {
        self.0.lock().rooms.insert(room.clone());
    }
    fn rooms_unknown(&self, _: SubscriptionKey) {
        self.0.lock().unknown = true;
    }
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
    let notes = Arc::new(Notes::default());
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
        let idle = rooms.is_empty() && !unknown;
        if unknown && attended.list(&node.engine, &notes).await.is_err() {
            notes.rooms_unknown(KEY);
        }
        for room in &rooms {
            if attended.look_up(&node.engine, &notes, room).await.is_err() {
                notes.rooms_changed(KEY, room, None);
            }
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
