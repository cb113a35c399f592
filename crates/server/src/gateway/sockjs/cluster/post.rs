//! How a gateway says something to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use madang_domain::ports::{Bus, Topic};

use super::message::{Content, Message};

/// The way out. What is said may be lost.
pub(super) struct Post {
    /// This gateway.
    pub(super) me: u64,
    has_left: AtomicBool,
    bus: Arc<dyn Bus>,
}

impl Post {
    /// A gateway that hears what is said to it, and to all, from soon on.
    pub(super) fn open(bus: Arc<dyn Bus>) -> Self {
        let me = rand::random();
        bus.subscribe(Topic::Gateway(me));
        bus.subscribe(Topic::AllGateways);
        Self {
            me,
            has_left: AtomicBool::new(false),
            bus,
        }
    }

    /// Whether there may be another gateway.
    pub(super) fn reaches_others(&self) -> bool {
        self.bus.reaches_others(&Topic::AllGateways)
    }

    /// Says that this gateway goes, and nothing after it.
    pub(super) fn leave(&self) {
        self.tell_all(0, Content::Leave);
        self.has_left.store(true, Ordering::Relaxed);
    }

    pub(super) fn tell(&self, gateway: u64, request: u64, content: Content) {
        self.publish(&Topic::Gateway(gateway), request, content);
    }

    pub(super) fn tell_all(&self, request: u64, content: Content) {
        self.publish(&Topic::AllGateways, request, content);
    }

    fn publish(&self, topic: &Topic, request: u64, content: Content) {
        if self.has_left.load(Ordering::Relaxed) {
            return;
        }
        let message = Message {
            from: self.me,
            request,
            content,
        };
        self.bus.publish(topic, message.encode());
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.bus.unsubscribe(&Topic::Gateway(self.me));
        self.bus.unsubscribe(&Topic::AllGateways);
    }
}
