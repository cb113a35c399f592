//! What waits to be written to one peer, and what is needed to put more there.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::task::Waker;

use madang_domain::ports::PresenceEdge;
use madang_domain::{Error, Position, RoomId};
use madang_engine::{Ended, EventBatch, RoomEvent, SignalEvent, SubscriptionKey, TopicEvent};
use slab::Slab;

use super::super::framing::Framing;
use super::live;
use super::notes::RoomNotes;
use super::places;
use super::render::{Head, signal_id};
use super::replies::Replies;
use super::stomp::acks::Delivered;
use super::wake;

/// Bytes given to one write, about: enough that a larger write costs no less per byte.
const WRITE_BYTES_MAX: usize = 256 * 1024;

/// Pieces for which an idle outbox keeps space.
const IDLE_PIECES_MAX: usize = 1;

/// What stands around a usual message, about.
const FRAME_HEAD: usize = 4;

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
pub(super) struct Outbox {
    framing: Framing,
    /// What is not yet given to the socket.
    pub(super) queue: Queue,
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
    /// What became of the user's rooms, where the session attends to that.
    pub(super) notes: Option<Box<RoomNotes>>,
    /// Why the session has to end.
    pub(super) ending: Option<Error>,
}

/// What goes out, in order.
#[derive(Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// Of all pieces, once rendered.
    bytes: usize,
}

enum Piece {
    /// Whole messages in their framing, or the rest of one that the socket took a part of.
    Rendered(Vec<u8>),
    /// Live events that many sessions hold, rendered when they are written: what is rendered then
    /// is still in the processor's cache, and a session that does not read holds no copy.
    Live {
        key: SubscriptionKey,
        events: EventBatch,
        range: Range<usize>,
        bytes: usize,
    },
}

impl Queue {
    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends whole messages in their framing.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        if !matches!(self.pieces.back(), Some(Piece::Rendered(_))) {
            self.push(Piece::Rendered(Vec::new()));
        }
        let Some(Piece::Rendered(buffer)) = self.pieces.back_mut() else {
            return;
        };
        let before = buffer.len();
        append(buffer);
        self.bytes += buffer.len() - before;
        if buffer.is_empty() {
            self.pieces.pop_back();
        }
    }

    fn push_live(
        &mut self,
        key: SubscriptionKey,
        events: &EventBatch,
        range: Range<usize>,
        bytes: usize,
    ) {
        let events = Arc::clone(events);
        self.push(Piece::Live {
            key,
            events,
            range,
            bytes,
        });
        self.bytes += bytes;
    }

    fn push(&mut self, piece: Piece) {
        if self.pieces.capacity() == 0 {
            // One is the usual number; a list would begin with four.
            self.pieces.reserve_exact(IDLE_PIECES_MAX);
        }
        self.pieces.push_back(piece);
    }

    /// Puts the unwritten rest of a write before everything else.
    fn put_back(&mut self, rest: &[u8]) {
        self.bytes += rest.len();
        self.pieces.push_front(Piece::Rendered(rest.to_vec()));
    }

    /// Forgets what a subscription has not been sent yet.
    fn forget(&mut self, subscription: SubscriptionKey) {
        let bytes = &mut self.bytes;
        self.pieces.retain(|piece| match piece {
            Piece::Live {
                key, bytes: own, ..
            } if *key == subscription => {
                *bytes -= own;
                false
            }
            Piece::Live { .. } | Piece::Rendered(_) => true,
        });
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Outbox {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            queue: Queue::default(),
            in_flight: 0,
            state: WriteState::Idle,
            waker: None,
            heads: Slab::new(),
            replies: Replies::default(),
            waits_for_replies: false,
            reading_paused: false,
            waits_for_space: false,
            lagging: Vec::new(),
            ended: Vec::new(),
            notes: None,
            ending: None,
        }
    }

    /// Bytes that wait or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.queue.bytes() + self.in_flight
    }

    /// Takes live events from `from` on while they fit, and answers how many it took. An empty
    /// outbox takes one event of any size.
    pub(super) fn take_live(
        &mut self,
        key: SubscriptionKey,
        events: &EventBatch,
        from: usize,
        limit: usize,
    ) -> usize {
        let mut waiting = self.waiting();
        let before = waiting;
        let Some(head) = self.heads.get(key as usize) else {
            return events.len() - from;
        };
        if head.held {
            return 0;
        }
        if head.acks.is_some() || head.place.is_some() {
            return self.take_from_log(key, &events[from..], limit);
        }
        let mut to = from;
        while to < events.len() && (waiting < limit || waiting == 0) {
            waiting += head.len(&events[to], self.framing) + FRAME_HEAD;
            to += 1;
        }
        if to > from {
            self.queue
                .push_live(key, events, from..to, waiting - before);
        }
        to - from
    }

    /// Takes events of its own while they fit, rendered at once, and answers how many it took.
    pub(super) fn take_from_log(
        &mut self,
        key: SubscriptionKey,
        events: &[RoomEvent],
        limit: usize,
    ) -> usize {
        let (in_flight, framing) = (self.in_flight, self.framing);
        let Some(head) = self.heads.get_mut(key as usize) else {
            return events.len();
        };
        if head.held {
            return 0;
        }
        if head.place.is_some() {
            return self.take_placed(key, events, limit);
        }
        for (index, event) in events.iter().enumerate() {
            let waiting = self.queue.bytes() + in_flight;
            if !head.shows(event) {
                continue;
            }
            let blocked = head.acks.as_ref().is_some_and(|acks| acks.is_full());
            if blocked || (waiting >= limit && waiting > 0) {
                return index;
            }
            let delivered = || Delivered::Room(event.message.position);
            let ack = head.acks.as_mut().map(|acks| acks.delivered(delivered()));
            self.queue
                .append(|out| head.append_room(event, ack.as_deref(), framing, out));
        }
        events.len()
    }

    /// The same for events that each say where all of the session's rooms stand.
    fn take_placed(&mut self, key: SubscriptionKey, events: &[RoomEvent], limit: usize) -> usize {
        for (index, event) in events.iter().enumerate() {
            let waiting = self.waiting();
            if waiting >= limit && waiting > 0 {
                return index;
            }
            self.stand_at(key, event.message.position);
            let id = self.places_id();
            let framing = self.framing;
            if let Some(head) = self.heads.get(key as usize) {
                self.queue
                    .append(|out| head.append_placed(event, &id, framing, out));
            }
        }
        events.len()
    }

    /// The subscription's client has, or will have got, everything up to `position`.
    pub(super) fn stand_at(&mut self, key: SubscriptionKey, position: Position) {
        let head = self.heads.get_mut(key as usize);
        if let Some(place) = head.and_then(|head| head.place.as_mut()) {
            place.position = position;
        }
    }

    /// Where all rooms stand whose events have such an id, as one line of an event stream.
    pub(super) fn places_id(&self) -> Vec<u8> {
        // Those too of which the client is about to be told.
        let heads = self.heads.iter();
        places::id_line(heads.filter_map(|(_, head)| head.place.as_deref()))
    }

    /// Takes what somebody does in a room; drops it when there is no space.
    pub(super) fn take_signal(
        &mut self,
        key: SubscriptionKey,
        event: &Arc<SignalEvent>,
        limit: usize,
    ) {
        let (full, framing) = (self.waiting() >= limit, self.framing);
        let head = self.heads.get_mut(key as usize);
        let takes = |head: &&mut Head| {
            let owes = head.acks.as_ref().is_some_and(|acks| acks.is_full());
            !head.held && !full && !owes && head.shows_signal(event)
        };
        let Some(head) = head.filter(takes) else {
            return;
        };
        let delivered = || Delivered::Topic(signal_id(event).into());
        let ack = head.acks.as_mut().map(|acks| acks.delivered(delivered()));
        self.queue
            .append(|out| head.append_signal(event, ack.as_deref(), framing, out));
    }

    /// Takes that a watched user went online or offline; drops it when there is no space. Only the
    /// JSON door watches.
    pub(super) fn take_presence(&mut self, edge: &PresenceEdge, limit: usize) {
        if self.waiting() < limit {
            let (framing, event) = (self.framing, live::json_presence(edge));
            self.queue.append(|out| framing.append_text(&event, out));
        }
    }

    /// Takes note of a room that may have changed, where the session attends to that.
    pub(super) fn note_room(&mut self, room: &RoomId, since: Option<Position>) {
        if let Some(notes) = &mut self.notes {
            notes.add(room, since);
            wake(self.waker.take());
        }
    }

    /// Takes note that any room may have changed.
    pub(super) fn note_all_rooms(&mut self) {
        if let Some(notes) = &mut self.notes {
            notes.add_all();
            wake(self.waker.take());
        }
    }

    /// Takes a topic's event; `false` when there is no space for it.
    pub(super) fn take_topic(
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
        let framing = self.framing;
        let delivered = || Delivered::Topic(event.id.as_str().into());
        let ack = head.acks.as_mut().map(|acks| acks.delivered(delivered()));
        self.queue
            .append(|out| head.append_topic(event, ack.as_deref(), framing, out));
        true
    }

    /// Moves what is next to go out into `out`, up to about [`WRITE_BYTES_MAX`].
    pub(super) fn render(&mut self, out: &mut Vec<u8>) {
        while out.len() < WRITE_BYTES_MAX {
            match self.queue.pieces.pop_front() {
                None => break,
                Some(Piece::Rendered(bytes)) => {
                    self.queue.bytes -= bytes.len();
                    out.extend_from_slice(&bytes);
                }
                Some(Piece::Live {
                    key,
                    events,
                    range,
                    bytes,
                }) => {
                    self.queue.bytes -= bytes;
                    let Some(head) = self.heads.get(key as usize) else {
                        continue;
                    };
                    for event in &events[range] {
                        head.append_room(event, None, self.framing, out);
                    }
                }
            }
        }
        self.in_flight = out.len();
    }

    /// A write has ended after `written` bytes of `out`.
    pub(super) fn wrote(&mut self, out: &[u8], written: usize) {
        self.in_flight = 0;
        if written < out.len() {
            self.queue.put_back(&out[written..]);
        }
    }

    /// Everything is written: the session's task may go on if it waited for that.
    pub(super) fn emptied(&mut self) {
        if self.state != WriteState::Dead {
            self.state = WriteState::Idle;
        }
        if self.queue.pieces.capacity() > IDLE_PIECES_MAX {
            self.queue.clear();
        }
        if std::mem::take(&mut self.waits_for_space) {
            wake(self.waker.take());
        }
    }

    /// The connection is gone, and what waits with it.
    pub(super) fn die(&mut self) {
        self.state = WriteState::Dead;
        self.queue.clear();
        wake(self.waker.take());
    }

    /// Forgets a subscription: nothing of it goes out any more.
    pub(super) fn forget(&mut self, key: SubscriptionKey) {
        self.heads.try_remove(key as usize);
        self.lagging.retain(|lagging| *lagging != key);
        self.ended.retain(|(ended, _)| *ended != key);
        self.queue.forget(key);
    }
}
