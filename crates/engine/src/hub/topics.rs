//! Application topics: plain fan-out to whoever listens now, nothing stored.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};

use madang_domain::ports::{Bus, Topic};
use parking_lot::Mutex;
use slab::Slab;

use super::outlet::{Outlet, SubscriptionKey};
use crate::event::TopicEvent;
use crate::telemetry::Telemetry;

const SHARDS: usize = 64;

/// Topic subscribers by destination.
pub struct Topics {
    inner: Arc<Inner>,
    telemetry: Arc<dyn Telemetry>,
}

struct Inner {
    shards: [Mutex<HashMap<Arc<str>, Arc<TopicChannel>>>; SHARDS],
    hasher: RandomState,
    bus: Arc<dyn Bus>,
}

struct TopicChannel {
    destination: Arc<str>,
    entries: Mutex<Slab<(Arc<dyn Outlet>, SubscriptionKey)>>,
}

impl Topics {
    pub(super) fn new(bus: Arc<dyn Bus>, telemetry: Arc<dyn Telemetry>) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self {
            inner: Arc::new(Inner {
                shards,
                hasher: RandomState::new(),
                bus,
            }),
            telemetry,
        }
    }

    /// Adds a subscriber, which gets every event published from now on, in the order published.
    #[must_use]
    pub fn subscribe(
        &self,
        destination: &Arc<str>,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> TopicSubscription {
        let mut shard = self.inner.shard(destination).lock();
        let channel = Arc::clone(shard.entry(Arc::clone(destination)).or_insert_with(|| {
            self.inner
                .bus
                .subscribe(Topic::Destination(Arc::clone(destination)));
            let destination = Arc::clone(destination);
            Arc::new(TopicChannel {
                destination,
                entries: Mutex::new(Slab::with_capacity(1)),
            })
        }));
        let index = channel.entries.lock().insert((outlet, key));
        TopicSubscription {
            topics: Arc::downgrade(&self.inner),
            channel,
            index,
        }
    }

    /// Offers `event` to every subscriber of its destination.
    pub fn publish(&self, event: &Arc<TopicEvent>) {
        let channel = self
            .inner
            .shard(&event.destination)
            .lock()
            .get(&event.destination)
            .cloned();
        let Some(channel) = channel else { return };
        let entries = channel.entries.lock();
        for (_, (outlet, key)) in &*entries {
            outlet.offer_topic(*key, event);
        }
        self.telemetry.delivered_live(entries.len());
    }
}

impl Inner {
    fn shard(&self, destination: &str) -> &Mutex<HashMap<Arc<str>, Arc<TopicChannel>>> {
        &self.shards[(self.hasher.hash_one(destination) % SHARDS as u64) as usize]
    }
}

/// One subscription to one destination. Owned by a session; dropping it ends it.
pub struct TopicSubscription {
    topics: Weak<Inner>,
    channel: Arc<TopicChannel>,
    index: usize,
}

impl Drop for TopicSubscription {
    fn drop(&mut self) {
        let mut entries = self.channel.entries.lock();
        let entry = entries.try_remove(self.index);
        let empty = entries.is_empty();
        drop(entries);
        drop(entry);
        let Some(topics) = self.topics.upgrade().filter(|_| empty) else {
            return;
        };
        let destination = &self.channel.destination;
        let mut shard = topics.shard(destination).lock();
        let current = shard
            .get(destination)
            .is_some_and(|held| Arc::ptr_eq(held, &self.channel));
        if current && self.channel.entries.lock().is_empty() {
            shard.remove(destination);
            topics
                .bus
                .unsubscribe(&Topic::Destination(Arc::clone(destination)));
        }
    }
}
