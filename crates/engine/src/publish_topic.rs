//! Publishing to an application topic: plain fan-out, nothing stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use madang_domain::ports::Topic;

use crate::bus_message::BusMessage;
use crate::engine::Engine;
use crate::event::{Renderings, TopicEvent};
use crate::hub::{Outlet, SubscriptionKey, TopicSubscription};

/// A message for an application topic.
#[derive(Debug, Clone)]
pub struct TopicDraft {
    /// Where it goes; as the publisher named it.
    pub destination: Arc<str>,
    /// The publisher's own headers, passed through in order.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Bytes,
}

impl Engine {
    /// Offers `draft` to everybody who listens to its destination now, on every node, each
    /// publisher's messages in its order. Who may publish is the doors' configuration.
    pub fn publish_topic(&self, draft: TopicDraft) {
        self.offer_topic(draft);
    }

    /// As [`Engine::publish_topic`]; returns the message's id, which every subscriber sees.
    #[must_use]
    pub fn publish_topic_with_id(&self, draft: TopicDraft) -> String {
        self.offer_topic(draft).id.clone()
    }

    fn offer_topic(&self, draft: TopicDraft) -> Arc<TopicEvent> {
        let number = self.next_topic_message.fetch_add(1, Ordering::Relaxed);
        let TopicDraft {
            destination,
            headers,
            body,
        } = draft;
        let id = format!("{:x}-{number}", self.run_id);
        let event = TopicEvent {
            destination,
            id,
            headers,
            body,
            renderings: Renderings::default(),
        };
        let topic = Topic::Destination(Arc::clone(&event.destination));
        if self.bus.reaches_others(&topic) {
            self.bus.publish(&topic, BusMessage::topic(&event).encode());
        }
        let event = Arc::new(event);
        self.hub.topics().publish(&event);
        event
    }

    /// Subscribes to an application topic from now on. Who may is the doors' configuration.
    #[must_use]
    pub fn subscribe_topic(
        &self,
        destination: &Arc<str>,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> TopicSubscription {
        self.hub.topics().subscribe(destination, outlet, key)
    }
}
