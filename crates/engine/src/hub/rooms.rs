//! The rooms that somebody on this node listens to.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};

use madang_domain::ports::{Bus, RoomView, Topic};
use madang_domain::{Epoch, Message, Position, Role, RoomHead, RoomId, UserId};
use parking_lot::Mutex;

use super::channel::RoomChannel;
use super::outlet::{Outlet, SubscriptionKey};
use crate::event::{RoomEvent, SignalEvent};
use crate::recent::Recent;
use crate::telemetry::Telemetry;

/// Enough that subscribing in many rooms at once rarely meets on one lock.
const SHARDS: usize = 64;

/// Room subscribers by room.
pub struct Rooms {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    shards: [Mutex<HashMap<RoomId, Arc<RoomChannel>>>; SHARDS],
    hasher: RandomState,
    bus: Arc<dyn Bus>,
    pub(super) telemetry: Arc<dyn Telemetry>,
    pub(super) recent: Recent,
}

impl Rooms {
    pub(super) fn new(bus: Arc<dyn Bus>, telemetry: Arc<dyn Telemetry>, recent: Recent) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self {
            inner: Arc::new(Inner {
                shards,
                hasher: RandomState::new(),
                bus,
                telemetry,
                recent,
            }),
        }
    }

    /// Puts a subscriber on the room's list before anything is read or decided, so that no later
    /// change of access and no later event can pass it by. Nothing is offered until
    /// [`Registration::start`].
    #[must_use]
    pub fn register(
        &self,
        room: &RoomId,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
        user: UserId,
        role: Role,
    ) -> Registration {
        let mut shard = self.inner.shard(room).lock();
        let channel = Arc::clone(shard.entry(room.clone()).or_insert_with(|| {
            self.inner.bus.subscribe(Topic::Room(room.clone()));
            Arc::new(RoomChannel::new(room.clone()))
        }));
        let (index, changes) = channel.add(outlet, key, user, role);
        let rooms = Arc::downgrade(&self.inner);
        Registration {
            subscription: RoomSubscription {
                rooms,
                channel,
                index,
            },
            changes,
        }
    }

    /// Offers newly accepted messages of one room, consecutive and in order, to its live
    /// subscribers. Only the last of them may take somebody's right to read: their subscriptions end
    /// behind it. Cheap when nobody here listens.
    pub fn publish<M>(&self, room: &RoomId, messages: M)
    where
        M: IntoIterator<Item = Arc<Message>> + AsRef<[Arc<Message>]>,
    {
        // First: whoever hears of them may look for them here.
        self.inner.recent.append(room, messages.as_ref());
        let Some(channel) = self.inner.channel(room) else {
            return;
        };
        let events = messages.into_iter().map(RoomEvent::new).collect();
        let (taken, behind) = channel.publish(&events);
        self.inner.telemetry.delivered_live(taken);
        self.inner.count_behind(behind);
    }

    /// Offers a signal to the subscribers of its room who may read it, and what is for members to
    /// those who may see them. Cheap when nobody here listens.
    pub fn signal(&self, event: &Arc<SignalEvent>) {
        if let Some(channel) = self.inner.channel(&event.signal.room) {
            channel.signal(event);
        }
    }

    /// What the store says of a room's head: whoever is behind it, or does not know yet whether a
    /// right was lost, must read. `None` says that there is no such room.
    pub fn head_seen(&self, room: &RoomId, head: Option<&RoomHead>) {
        match head {
            Some(head) => self.inner.recent.head_seen(room, head),
            None => self.inner.recent.deleted(room),
        }
        let Some(channel) = self.inner.channel(room) else {
            return;
        };
        let behind = match head {
            Some(head) => channel.head_seen(head),
            None => channel.gone(),
        };
        self.inner.count_behind(behind);
    }

    /// Ends every subscription to a life of a room that was deleted.
    pub fn deleted(&self, room: &RoomId, epoch: Epoch) {
        self.inner.recent.deleted(room);
        if let Some(channel) = self.inner.channel(room) {
            channel.deleted(epoch);
        }
    }

    /// What is kept of the newest entries.
    pub(crate) fn recent(&self) -> &Recent {
        &self.inner.recent
    }

    /// The rooms that have a subscriber here, a part at a time: one that has a subscriber all along
    /// is in just one part.
    pub fn listened(&self) -> impl Iterator<Item = Vec<RoomId>> {
        let shards = self.inner.shards.iter();
        shards.map(|shard| shard.lock().keys().cloned().collect())
    }
}

impl Inner {
    fn shard(&self, room: &RoomId) -> &Mutex<HashMap<RoomId, Arc<RoomChannel>>> {
        let hash = self.hasher.hash_one(room);
        &self.shards[(hash % SHARDS as u64) as usize]
    }

    fn channel(&self, room: &RoomId) -> Option<Arc<RoomChannel>> {
        self.shard(room).lock().get(room).cloned()
    }

    fn count_behind(&self, subscribers: usize) {
        (0..subscribers).for_each(|_| self.telemetry.catch_up_started());
    }

    /// Forgets the channel if it is still empty; a subscriber may have come meanwhile.
    fn forget_if_empty(&self, channel: &Arc<RoomChannel>) {
        let mut shard = self.shard(&channel.room).lock();
        let current = shard
            .get(&channel.room)
            .is_some_and(|held| Arc::ptr_eq(held, channel));
        if current && channel.is_empty() {
            shard.remove(&channel.room);
            self.bus.unsubscribe(&Topic::Room(channel.room.clone()));
        }
    }
}

/// A subscriber that is on the list and has no place in the log yet. Dropping it removes it.
pub struct Registration {
    subscription: RoomSubscription,
    changes: u64,
}

impl Registration {
    /// Puts the cursor at `position` and makes it live at once if nothing happened in the room
    /// since it was registered and `position` was the head then; otherwise the subscriber has to
    /// [`RoomSubscription::catch_up`], which also finds out whether the room was deleted or the right
    /// to it lost meanwhile. Answers whether it is live; `None` when the subscription is over.
    #[must_use]
    pub fn start(self, position: Position, view: &RoomView) -> Option<(RoomSubscription, bool)> {
        let Self {
            subscription,
            changes,
        } = self;
        let (channel, index) = (&subscription.channel, subscription.index);
        channel.start(index, position, view)?;
        let live = position == view.room.head.position() && channel.join_live(index, changes);
        Some((subscription, live))
    }
}

/// One subscription to one room. Owned by a session; dropping it ends it.
pub struct RoomSubscription {
    pub(super) rooms: Weak<Inner>,
    pub(super) channel: Arc<RoomChannel>,
    pub(super) index: usize,
}

impl RoomSubscription {
    /// Which room.
    #[must_use]
    pub fn room(&self) -> &RoomId {
        &self.channel.room
    }
}

impl Drop for RoomSubscription {
    fn drop(&mut self) {
        if !self.channel.remove(self.index) {
            return;
        }
        if let Some(rooms) = self.rooms.upgrade() {
            rooms.forget_if_empty(&self.channel);
        }
    }
}
