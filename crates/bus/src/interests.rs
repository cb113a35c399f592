//! Which topics a node wants, and which channels of the broker it takes to hear them.

use std::collections::{HashMap, HashSet};

use madang_domain::ports::Topic;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::channel::{Channel, Channels};

/// Shared by the bus, whose callers never wait, and by its link, which follows the changes.
pub(crate) struct Interests {
    channels: Channels,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    topics: HashSet<Topic>,
    /// How many topics need each channel.
    needed: HashMap<Channel, usize>,
    /// Channels that became needed or stopped to be since the link last looked. Coalesced: it says
    /// which, and `needed` says what they are now.
    changed: HashSet<Channel>,
}

/// What the link has to change on the broker.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) subscribe: Vec<Channel>,
    pub(crate) unsubscribe: Vec<Channel>,
}

impl Interests {
    pub(crate) fn new(channels: Channels) -> Self {
        Self {
            channels,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) const fn channels(&self) -> &Channels {
        &self.channels
    }

    pub(crate) fn add(&self, topic: Topic) {
        let channels = self.channels.of(&topic);
        let mut state = self.state.lock();
        if !state.topics.insert(topic) {
            return;
        }
        for channel in channels {
            let needed = state.needed.entry(channel.clone()).or_default();
            *needed += 1;
            if *needed == 1 {
                state.changed.insert(channel);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(crate) fn remove(&self, topic: &Topic) {
        let channels = self.channels.of(topic);
        let mut state = self.state.lock();
        if !state.topics.remove(topic) {
            return;
        }
        for channel in channels {
            let Some(needed) = state.needed.get_mut(&channel) else {
                continue;
            };
            *needed -= 1;
            if *needed == 0 {
                state.needed.remove(&channel);
                state.changed.insert(channel);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(crate) fn wants(&self, topic: &Topic) -> bool {
        crate::wants(&self.state.lock().topics, topic)
    }

    /// The broker ended this channel: whoever needs it has to have it again.
    pub(crate) fn ended(&self, channel: &str) {
        let channel = Channel::named(channel);
        let mut state = self.state.lock();
        if state.needed.contains_key(&channel) {
            state.changed.insert(channel);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Everything that is needed, for a connection that has nothing yet.
    pub(crate) fn all(&self) -> Vec<Channel> {
        let mut state = self.state.lock();
        state.changed.clear();
        state.needed.keys().cloned().collect()
    }

    /// Waits until something changed. Cancel safe.
    pub(crate) async fn changes(&self) -> Changes {
        loop {
            let mut changes = Changes::default();
            {
                let mut state = self.state.lock();
                let State {
                    needed, changed, ..
                } = &mut *state;
                for channel in changed.drain() {
                    if needed.contains_key(&channel) {
                        changes.subscribe.push(channel);
                    } else {
                        changes.unsubscribe.push(channel);
                    }
                }
            }
            if !changes.subscribe.is_empty() || !changes.unsubscribe.is_empty() {
                return changes;
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::RoomId;

    use super::*;

    #[tokio::test]
    async fn a_channel_that_the_broker_ended_is_subscribed_to_again_where_it_is_needed() {
        let interests = Interests::new(Channels::new("madang"));
        let room = Topic::Room(RoomId::new("kim").unwrap());
        interests.add(room.clone());
        let first = interests.changes().await.subscribe;
        interests.ended("madang.room.lee");
        interests.ended("madang.room.kim");
        let again = interests.changes().await;
        assert_eq!(again.subscribe, first);
        assert_eq!(again.unsubscribe, []);
        interests.remove(&room);
        assert_eq!(interests.changes().await.unsubscribe, first);
        interests.ended("madang.room.kim");
        assert!(interests.state.lock().changed.is_empty());
    }
}
