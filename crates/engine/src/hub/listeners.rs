//! Who listens on this node, by what they listen to.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Weak};

use madang_domain::UserId;
use madang_domain::ports::{Bus, Topic};
use parking_lot::Mutex;
use slab::Slab;

/// Enough that subscribing to many things at once rarely meets on one lock.
const SHARDS: usize = 64;

/// What can be listened to by its exact name.
pub(super) trait Name: Clone + Eq + Hash {
    /// Under which topic other nodes speak of it.
    fn topic(&self) -> Topic;
}

/// A shared destination.
impl Name for Arc<str> {
    fn topic(&self) -> Topic {
        Topic::Destination(Arc::clone(self))
    }
}

impl Name for UserId {
    fn topic(&self) -> Topic {
        Topic::User(self.clone())
    }
}

/// Listeners by name: one lookup in one shard, whatever their number. The bus hears of a name's
/// first and last listener.
pub(super) struct Listeners<N, L> {
    inner: Arc<Inner<N, L>>,
}

struct Inner<N, L> {
    shards: [Mutex<Shard<N, L>>; SHARDS],
    hasher: RandomState,
    bus: Arc<dyn Bus>,
}

type Shard<N, L> = HashMap<N, Arc<Channel<N, L>>>;

struct Channel<N, L> {
    name: N,
    entries: Mutex<Slab<L>>,
}

impl<N: Name, L> Listeners<N, L> {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        Self {
            inner: Arc::new(Inner {
                shards: std::array::from_fn(|_| Mutex::default()),
                hasher: RandomState::new(),
                bus,
            }),
        }
    }

    /// Adds a listener, which hears of everything from now on.
    pub(super) fn add(&self, name: &N, listener: L) -> Listening<N, L> {
        let mut shard = self.inner.shard(name).lock();
        let channel = Arc::clone(shard.entry(name.clone()).or_insert_with(|| {
            self.inner.bus.subscribe(name.topic());
            Arc::new(Channel {
                name: name.clone(),
                entries: Mutex::new(Slab::with_capacity(1)),
            })
        }));
        // Under the shard's lock: the channel must not be forgotten in between.
        let index = channel.entries.lock().insert(listener);
        Listening {
            listeners: Arc::downgrade(&self.inner),
            channel,
            index,
        }
    }

    /// Calls `tell` for each listener of `name`, under the name's own lock: what is told by one
    /// thread arrives in its order.
    pub(super) fn tell(&self, name: &N, mut tell: impl FnMut(&L)) {
        let channel = self.inner.shard(name).lock().get(name).cloned();
        if let Some(channel) = channel {
            let entries = channel.entries.lock();
            entries.iter().for_each(|(_, listener)| tell(listener));
        }
    }

    /// Calls `tell` for each listener of any name, under that name's lock.
    pub(super) fn tell_all(&self, mut tell: impl FnMut(&L)) {
        for shard in &self.inner.shards {
            let channels: Vec<_> = shard.lock().values().cloned().collect();
            for channel in channels {
                let entries = channel.entries.lock();
                entries.iter().for_each(|(_, listener)| tell(listener));
            }
        }
    }
}

impl<N: Name, L> Inner<N, L> {
    fn shard(&self, name: &N) -> &Mutex<Shard<N, L>> {
        &self.shards[(self.hasher.hash_one(name) % SHARDS as u64) as usize]
    }

    /// Forgets the channel if it is still empty; a listener may have come meanwhile.
    fn forget_if_empty(&self, channel: &Arc<Channel<N, L>>) {
        let mut shard = self.shard(&channel.name).lock();
        let current = shard
            .get(&channel.name)
            .is_some_and(|held| Arc::ptr_eq(held, channel));
        if current && channel.entries.lock().is_empty() {
            shard.remove(&channel.name);
            self.bus.unsubscribe(&channel.name.topic());
        }
    }
}

/// One listener. Dropping it ends it.
pub(super) struct Listening<N: Name, L> {
    listeners: Weak<Inner<N, L>>,
    channel: Arc<Channel<N, L>>,
    index: usize,
}

impl<N: Name, L> Drop for Listening<N, L> {
    fn drop(&mut self) {
        let mut entries = self.channel.entries.lock();
        let entry = entries.try_remove(self.index);
        let empty = entries.is_empty();
        drop(entries);
        // An outlet's last owner may be this entry: its drop must not run under the lock.
        drop(entry);
        if let Some(listeners) = self.listeners.upgrade().filter(|_| empty) {
            listeners.forget_if_empty(&self.channel);
        }
    }
}
