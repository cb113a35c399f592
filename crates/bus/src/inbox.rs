//! What a node has yet to hear.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use madang_domain::ports::{BusEvent, Topic};
use tokio::sync::Notify;

use crate::queue::Queue;

/// A node that is slower than what comes loses some of it, and is told.
pub(crate) struct Inbox {
    queue: Queue<Topic>,
    lost: AtomicBool,
    loss: Notify,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            queue: Queue::new(),
            lost: AtomicBool::new(false),
            loss: Notify::new(),
        }
    }

    /// Puts an event in, or remembers that one was lost. Never waits.
    pub(crate) fn push(&self, topic: Topic, payload: Bytes) {
        if !self.queue.push(topic, payload) {
            self.tell_loss();
        }
    }

    /// Something may have been lost. Told once, however often that happened since it was last told.
    pub(crate) fn tell_loss(&self) {
        self.lost.store(true, Ordering::Release);
        self.loss.notify_one();
    }

    /// The next event. A loss is told as soon as it is known, before what still waits: that may take
    /// long to be read. Cancel safe.
    pub(crate) async fn next(&self) -> BusEvent {
        loop {
            if self.lost.swap(false, Ordering::Acquire) {
                return BusEvent::Reconnected;
            }
            tokio::select! {
                (topic, payload) = self.queue.next() => {
                    return BusEvent::Published { topic, payload };
                }
                () = self.loss.notified() => {}
            }
        }
    }
}
