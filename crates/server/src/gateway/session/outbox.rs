//! What waits to be written to one peer, and what is needed to put more there.

use std::sync::Arc;
use std::task::Waker;

use madang_domain::Error;
use madang_engine::{Ended, RoomEvent, SubscriptionKey, TopicEvent};
use madang_wire::stomp::{Version, message};
use slab::Slab;

use super::super::Shared;
use super::acks::{AckLedger, Delivered};
use super::render::{RoomFormat, append_message, render_room_event, render_topic_event};
use super::replies::Replies;
use super::wake;

/// Who is about to write the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WriteState {
    /// Nobody: there is nothing to write.
    #[default]
    Idle,
    /// A flusher, or whoever is inside a write.
    Queued,
    /// The session's task, when the socket takes bytes again.
    Blocked,
    /// Nobody any more: the connection is gone.
    Dead,
}

/// Bounded by the limits of its session: room events stop at `queue_bytes_max`, topic events end
/// the session at `topic_queue_bytes_max`, and answers stop with the reading of commands.
#[derive(Default)]
pub(super) struct Outbox {
    /// Whole WebSocket frames, not yet given to the socket.
    pub(super) buffer: Vec<u8>,
    /// Bytes inside a write now.
    pub(super) in_flight: usize,
    pub(super) state: WriteState,
    /// The session's task, while it waits.
    pub(super) waker: Option<Waker>,
    pub(super) heads: Slab<Head>,
    pub(super) replies: Replies,
    /// The session's task stopped reading until fewer answers are outstanding.
    pub(super) waits_for_replies: bool,
    /// The session's task does not read, for a reason of ours.
    pub(super) reading_paused: bool,
    /// The session's task has something to do once everything is written.
    pub(super) waits_for_space: bool,
    /// Subscriptions that have to read the log.
    pub(super) lagging: Vec<SubscriptionKey>,
    /// Subscriptions that the hub ended.
    pub(super) ended: Vec<(SubscriptionKey, Ended)>,
    /// Why the session has to end.
    pub(super) ending: Option<Error>,
}

/// What a subscription's messages begin with.
pub(super) struct Head {
    version: Version,
    format: RoomFormat,
    /// `MESSAGE` and `subscription`, as they go out.
    prefix: Box<[u8]>,
    /// `None` when nothing has to be acknowledged.
    pub(super) acks: Option<Box<AckLedger>>,
}

impl Head {
    /// `id` is absent only in 1.0, where SUBSCRIBE needs none.
    pub(super) fn new(
        version: Version,
        format: RoomFormat,
        id: Option<&str>,
        acks: Option<AckLedger>,
    ) -> Self {
        let mut prefix = Vec::new();
        message::encode_head(version, id, None, &mut prefix);
        Self {
            version,
            format,
            prefix: prefix.into(),
            acks: acks.map(Box::new),
        }
    }
}

impl Outbox {
    /// Bytes that wait or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len() + self.in_flight
    }

    /// Takes events from the front while they fit, and answers how many it took. An empty outbox
    /// takes one event of any size.
    pub(super) fn append_room_events(
        &mut self,
        key: SubscriptionKey,
        events: &[Arc<RoomEvent>],
        limit: usize,
        shared: &Shared,
    ) -> usize {
        let waiting = self.waiting();
        let Some(head) = self.heads.get_mut(key as usize) else {
            return events.len();
        };
        let before = self.buffer.len();
        for (index, event) in events.iter().enumerate() {
            let waiting = waiting + self.buffer.len() - before;
            let blocked = head.acks.as_ref().is_some_and(|acks| acks.is_full());
            if blocked || (waiting >= limit && waiting > 0) {
                return index;
            }
            let tail = event
                .renderings
                .get_or_render(head.format.index(head.version), || {
                    render_room_event(event, head.format, head.version, shared)
                });
            let delivered = || Delivered::Room(event.message.position);
            let ack = head.acks.as_mut().map(|acks| acks.delivered(delivered()));
            append_message(&head.prefix, ack.as_deref(), tail, &mut self.buffer);
        }
        events.len()
    }

    /// Takes a topic's event; `false` when there is no space for it.
    pub(super) fn append_topic_event(
        &mut self,
        key: SubscriptionKey,
        event: &Arc<TopicEvent>,
        limit: usize,
    ) -> bool {
        if self.waiting() >= limit {
            return false;
        }
        let Some(head) = self.heads.get_mut(key as usize) else {
            return true;
        };
        if head.acks.as_ref().is_some_and(|acks| acks.is_full()) {
            return false;
        }
        let tail = event.renderings.get_or_render(head.version as usize, || {
            render_topic_event(event, head.version)
        });
        let delivered = || Delivered::Topic(event.id.as_str().into());
        let ack = head.acks.as_mut().map(|acks| acks.delivered(delivered()));
        append_message(&head.prefix, ack.as_deref(), tail, &mut self.buffer);
        true
    }

    /// Puts the unwritten rest of `bytes` before what was appended meanwhile.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>, written: usize) {
        bytes.drain(..written);
        bytes.append(&mut self.buffer);
        self.buffer = bytes;
    }

    /// Everything is written: the session's task may go on if it waited for that.
    pub(super) fn written(&mut self) {
        if self.state != WriteState::Dead {
            self.state = WriteState::Idle;
        }
        if std::mem::take(&mut self.waits_for_space) {
            wake(self.waker.take());
        }
    }
}
