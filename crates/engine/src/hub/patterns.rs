//! Subscribers to destination patterns.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use madang_domain::ports::{Bus, Topic};
use parking_lot::{Mutex, RwLock};
use slab::Slab;

use super::outlet::{Outlet, SubscriptionKey};
use super::pattern::{DestinationPattern, first_segment};
use crate::event::TopicEvent;

/// Pattern subscribers by pattern, and patterns by their first segment.
///
/// An event costs one atomic load while there are none. Otherwise it is matched once against each
/// different pattern that begins with the event's first segment or with a wildcard, however many
/// subscribe to it. A node that has any is sent every destination's events by the other nodes.
pub(super) struct Patterns {
    inner: Arc<Inner>,
}

struct Inner {
    any: AtomicBool,
    index: RwLock<Index>,
    bus: Arc<dyn Bus>,
}

#[derive(Default)]
struct Index {
    by_first: HashMap<Box<str>, Bucket>,
    /// Those whose first segment has a wildcard.
    anywhere: Bucket,
}

/// By the pattern's text.
type Bucket = HashMap<Arc<str>, Arc<Channel>>;

struct Channel {
    pattern: DestinationPattern,
    entries: Mutex<Slab<(Arc<dyn Outlet>, SubscriptionKey)>>,
}

impl Patterns {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        Self {
            inner: Arc::new(Inner {
                any: AtomicBool::new(false),
                index: RwLock::default(),
                bus,
            }),
        }
    }

    pub(super) fn subscribe(
        &self,
        pattern: &DestinationPattern,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> PatternSubscription {
        let mut index = self.inner.index.write();
        if index.is_empty() {
            self.inner.bus.subscribe(Topic::AllDestinations);
            self.inner.any.store(true, Ordering::Release);
        }
        let bucket = match pattern.first_literal() {
            Some(first) => index.by_first.entry(first.into()).or_default(),
            None => &mut index.anywhere,
        };
        let channel = bucket.entry(Arc::clone(pattern.text())).or_insert_with(|| {
            Arc::new(Channel {
                pattern: pattern.clone(),
                entries: Mutex::new(Slab::with_capacity(1)),
            })
        });
        let channel = Arc::clone(channel);
        let index = channel.entries.lock().insert((outlet, key));
        PatternSubscription {
            patterns: Arc::downgrade(&self.inner),
            channel,
            index,
        }
    }

    /// Offers `event` once to each subscription whose pattern matches; answers to how many.
    pub(super) fn publish(&self, event: &Arc<TopicEvent>) -> usize {
        if !self.inner.any.load(Ordering::Acquire) {
            return 0;
        }
        let offer = |channel: Arc<Channel>| {
            let entries = channel.entries.lock();
            for (_, (outlet, key)) in &*entries {
                outlet.offer_topic(*key, event);
            }
            entries.len()
        };
        self.matching(&event.destination)
            .into_iter()
            .map(offer)
            .sum()
    }

    fn matching(&self, destination: &str) -> Vec<Arc<Channel>> {
        let index = self.inner.index.read();
        let literal = first_segment(destination).and_then(|first| index.by_first.get(first));
        let buckets = literal.into_iter().chain([&index.anywhere]);
        let channels = buckets.flat_map(HashMap::values);
        let matching = channels.filter(|channel| channel.pattern.matches(destination));
        matching.cloned().collect()
    }
}

impl Inner {
    /// Forgets the channel if it is still empty; a subscriber may have come meanwhile.
    fn forget_if_empty(&self, channel: &Arc<Channel>) {
        let mut index = self.index.write();
        if !channel.entries.lock().is_empty() {
            return;
        }
        if index.forget(channel) && index.is_empty() {
            self.any.store(false, Ordering::Release);
            self.bus.unsubscribe(&Topic::AllDestinations);
        }
    }
}

impl Index {
    fn is_empty(&self) -> bool {
        self.by_first.is_empty() && self.anywhere.is_empty()
    }

    /// Answers whether the channel was there.
    fn forget(&mut self, channel: &Arc<Channel>) -> bool {
        let text = channel.pattern.text();
        let first = channel.pattern.first_literal();
        let bucket = match first {
            Some(first) => self.by_first.get_mut(first),
            None => Some(&mut self.anywhere),
        };
        let held = bucket.filter(|bucket| {
            let held = bucket.get(text);
            held.is_some_and(|held| Arc::ptr_eq(held, channel))
        });
        let Some(bucket) = held else {
            return false;
        };
        bucket.remove(text);
        if let Some(first) = first.filter(|_| bucket.is_empty()) {
            self.by_first.remove(first);
        }
        true
    }
}

/// One subscription to a pattern. Dropping it ends it.
pub(super) struct PatternSubscription {
    patterns: Weak<Inner>,
    channel: Arc<Channel>,
    index: usize,
}

impl Drop for PatternSubscription {
    fn drop(&mut self) {
        let mut entries = self.channel.entries.lock();
        let entry = entries.try_remove(self.index);
        let empty = entries.is_empty();
        drop(entries);
        // An outlet's last owner may be this entry: its drop must not run under the lock.
        drop(entry);
        if let Some(patterns) = self.patterns.upgrade().filter(|_| empty) {
            patterns.forget_if_empty(&self.channel);
        }
    }
}
