//! Publishing to an application topic: plain fan-out, nothing stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use madang_domain::UserId;
use madang_domain::ports::Topic;

use crate::bus_message::BusMessage;
use crate::engine::Engine;
use crate::event::{Renderings, TopicEvent};
use crate::hub::{Outlet, SubscriptionKey, TopicSource, TopicSubscription};

/// Where a topic's message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicTarget {
    /// To everybody who subscribes to the destination.
    Shared(Arc<str>),
    /// To this user's sessions that subscribe to the destination as their own, which is named as
    /// they name it: what is sent to `/user/kim/queue/x` goes to `kim`'s `/user/queue/x`.
    User(UserId, Arc<str>),
}

/// A message for an application topic.
#[derive(Debug, Clone)]
pub struct TopicDraft {
    /// Where it goes.
    pub target: TopicTarget,
    /// The publisher's own headers, passed through in order.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Bytes,
}

/// What subscribers see as the message's id: unique per node and time of its start; opaque.
pub type TopicMessageId = String;

impl Engine {
    /// Offers `draft` to everybody who listens there now, on every node, each publisher's messages
    /// in its order. Who may publish is the doors' configuration.
    pub fn publish_topic(&self, draft: TopicDraft) -> TopicMessageId {
        let number = self.next_topic_message.fetch_add(1, Ordering::Relaxed);
        let TopicDraft {
            target,
            headers,
            body,
        } = draft;
        let (user, destination) = match target {
            TopicTarget::Shared(destination) => (None, destination),
            TopicTarget::User(user, destination) => (Some(user), destination),
        };
        let id = format!("{:x}-{number}", self.run_id);
        let event = Arc::new(TopicEvent {
            destination,
            id: id.clone(),
            headers,
            body,
            renderings: Renderings::default(),
        });
        match user {
            None => self.publish_shared(&event),
            Some(user) => self.publish_to_user(&user, &event),
        }
        id
    }

    fn publish_shared(&self, event: &Arc<TopicEvent>) {
        let topic = Topic::Destination(Arc::clone(&event.destination));
        if self.bus.reaches_others(&topic) {
            self.bus.publish(&topic, BusMessage::topic(event).encode());
        }
        self.hub.topics().publish(event);
    }

    fn publish_to_user(&self, user: &UserId, event: &Arc<TopicEvent>) {
        let topic = Topic::User(user.clone());
        if self.bus.reaches_others(&topic) {
            self.bus
                .publish(&topic, BusMessage::user_topic(event).encode());
        }
        self.hub.topics().publish_to_user(user, event);
    }

    /// Subscribes to application topics from now on. Who may is the doors' configuration; that a
    /// [`TopicSource::Own`] is the subscriber's own is theirs to see to.
    #[must_use]
    pub fn subscribe_topic(
        &self,
        source: &TopicSource,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> TopicSubscription {
        self.hub.topics().subscribe(source, outlet, key)
    }
}
