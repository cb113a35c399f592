//! A session: what lives on one connection.
//!
//! [`Session`] is the half that others touch: the hub offers events, the commit pipeline answers
//! sends, flushers write, timers look. [`driver`] is the half that only the session's own task
//! touches, [`ending`] its last part. They share the [`outbox`]. What is said on it is a [`dialect`]'s: [`stomp`], [`json`], [`direct`], [`event_stream`],
//! [`notification_stream`]; the others than STOMP show a user's [`rooms`]. How that
//! stands on the connection is [`input`]'s on the way in and [`super::framing`]'s on the way out.

mod clock;
pub(super) mod dialect;
pub(super) mod direct;
mod driver;
mod ending;
pub(super) mod event_stream;
mod feeds;
mod input;
pub(super) mod json;
mod live;
mod notes;
pub(super) mod notification_stream;
mod outbox;
mod places;
pub(super) mod plain;
mod render;
mod replies;
mod room_format;
pub(super) mod rooms;
pub(super) mod stomp;
mod submit;

use std::cell::RefCell;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use madang_domain::ports::PresenceEdge;
use madang_domain::{Caller, Code, Error, Position, RoomId, Timestamp, UserId};
use madang_engine::commit::GroupOutcome;
use madang_engine::{
    Ended, EventBatch, Outlet, RoomEvent, SignalEvent, SubscriptionKey, TopicEvent,
};
use parking_lot::{Mutex, MutexGuard};

use super::Shared;
use super::framing::Framing;
use super::stream::Stream;
use clock::Timing;
pub(super) use driver::{Connection, run};
pub(super) use input::Input;
use outbox::{Outbox, WriteState};
pub(super) use places::Places;
use render::Head;
use replies::Ticket;

thread_local! {
    /// What one write takes, rendered just before it: one buffer per worker, as with reads.
    static WRITE_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How long a session that has to end may wait for what its client asked before, in milliseconds.
const END_TIMEOUT_MS: u64 = 10_000;

/// The shared half of a session. Its last owner is its task, the hub, a flusher or a pending
/// answer, whoever is later.
pub(crate) struct Session {
    id: u64,
    me: Weak<Session>,
    stream: Stream,
    framing: Framing,
    shared: Arc<Shared>,
    outbox: Mutex<Outbox>,
    timing: Mutex<Timing>,
    last_read_ms: AtomicU64,
    last_write_ms: AtomicU64,
    /// What opened it, once that is known and if it was a token.
    proof: OnceLock<TokenProof>,
}

/// What is kept of the token that opened a session.
pub(super) struct TokenProof {
    pub(super) user: UserId,
    /// `None` when the token does not say.
    pub(super) issued_at: Option<Timestamp>,
}

impl Session {
    /// A session on a socket that has left HTTP. `None` while the node drains.
    fn open(shared: &Arc<Shared>, stream: Stream, framing: Framing) -> Option<Arc<Self>> {
        let now = shared.now_ms();
        let connect_timeout = shared.limits.connect_timeout.as_millis();
        let connect_by = now + u64::try_from(connect_timeout).unwrap_or(u64::MAX / 2);
        let session = Arc::new_cyclic(|me| Self {
            id: shared.next_session_id(),
            me: Weak::clone(me),
            stream,
            framing,
            shared: Arc::clone(shared),
            outbox: Mutex::new(Outbox::new(framing)),
            timing: Mutex::default(),
            last_read_ms: AtomicU64::new(now),
            last_write_ms: AtomicU64::new(now),
            proof: OnceLock::new(),
        });
        if !shared.registry.add(&session) {
            return None;
        }
        session.set_timing(|timing| timing.connect_by = connect_by);
        session.stream.bind(&session.me);
        Some(session)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Notes by whose token the session was opened. From then on a revocation finds it.
    fn opened_by(&self, caller: &Caller) {
        // API keys and service accounts, whose proof does not end, are removed instead.
        if caller.expires_at.is_none() {
            return;
        }
        let proof = TokenProof {
            user: caller.user.clone(),
            issued_at: caller.issued_at,
        };
        // One that is known already stays: nobody identifies twice.
        drop(self.proof.set(proof));
    }

    /// The token that opened the session.
    pub(super) fn proof(&self) -> Option<&TokenProof> {
        self.proof.get()
    }

    /// What CONNECTED calls the session: unique per node and start.
    fn session_name(&self) -> String {
        format!("{:x}-{:x}", self.shared.run_id, self.id)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock()
    }

    /// Ends the session once what it sent is answered: ERROR, or a bare close when draining.
    pub(super) fn end(&self, error: Error) {
        let mut outbox = self.outbox();
        outbox.ending.get_or_insert(error);
        wake(outbox.waker.take());
        drop(outbox);
        // A command that waits for a store that hangs must not keep the session for ever.
        let close_by = self.shared.now_ms() + END_TIMEOUT_MS;
        self.set_timing(|timing| {
            if timing.close_by == 0 {
                timing.only_close_by(close_by);
            }
        });
    }

    /// Cuts the connection: the peer did not end it in time.
    pub(super) fn abort(&self) {
        self.outbox().die();
        self.stream.shut_down(Shutdown::Both);
    }

    /// Whether its client comes with one request after another.
    pub(super) fn is_of_requests(&self) -> bool {
        self.stream.is_of_requests()
    }

    /// Ends the direction of writing; what the stream holds back goes out before.
    fn shut_down_writing(&self) {
        self.stream.shut_down(Shutdown::Write);
        if self.stream.has_unsent() {
            self.push_on();
        }
    }

    /// Has the session's task give the connection what the stream holds back.
    pub(super) fn push_on(&self) {
        let mut outbox = self.outbox();
        if outbox.state == WriteState::Idle {
            outbox.state = WriteState::Blocked;
            wake(outbox.waker.take());
        }
    }

    /// Keeps what is needed to show a subscription's events.
    fn insert_head(&self, head: Head) -> SubscriptionKey {
        let mut outbox = self.outbox();
        // Most sessions have one or two: growing as a list usually does would make room for four.
        outbox.heads.reserve_exact(1);
        let key = outbox.heads.insert(head);
        // Bounded by `rooms_max` and `subscriptions_max`.
        u32::try_from(key).unwrap_or(u32::MAX)
    }

    /// Appends bytes to the outbox and has them written soon.
    fn push(&self, append: impl FnOnce(&mut Vec<u8>)) {
        let mut outbox = self.outbox();
        outbox.queue.append(append);
        self.mark(&mut outbox);
    }

    /// Puts the session on a flusher's list unless somebody writes it already.
    fn mark(&self, outbox: &mut Outbox) {
        if outbox.state != WriteState::Idle || outbox.queue.is_empty() {
            return;
        }
        if let Some(me) = self.me.upgrade() {
            outbox.state = WriteState::Queued;
            self.shared.flushers.push(me);
        }
    }

    /// Writes what the session's own task appended, if nobody else is about to.
    fn flush_own(&self) {
        let mut outbox = self.outbox();
        if outbox.state != WriteState::Idle || outbox.queue.is_empty() {
            return;
        }
        outbox.state = WriteState::Queued;
        drop(outbox);
        self.flush_and_count();
    }

    fn flush_and_count(&self) {
        let written = self.flush();
        self.shared.metrics.written_bytes.inc_by(written as u64);
    }

    /// Writes the whole outbox and answers how many bytes the socket took. To be called by whoever
    /// the outbox's state names: the flusher that has the session on its list, or the session's
    /// task when the socket takes bytes again. No lock is held during a write.
    pub(super) fn flush(&self) -> usize {
        WRITE_BUFFER.with_borrow_mut(|buffer| self.flush_through(buffer))
    }

    fn flush_through(&self, buffer: &mut Vec<u8>) -> usize {
        let mut total = 0;
        let mut outbox = self.outbox();
        loop {
            if outbox.state == WriteState::Dead {
                outbox.emptied();
                return total;
            }
            let nothing_left = outbox.queue.is_empty();
            if nothing_left && !self.stream.has_unsent() {
                outbox.emptied();
                return total;
            }
            outbox.state = WriteState::Queued;
            buffer.clear();
            outbox.render(buffer);
            drop(outbox);
            let outcome = self.stream.try_write(buffer);
            outbox = self.outbox();
            if outbox.state == WriteState::Dead {
                // Aborted meanwhile: nothing brings it back.
                outbox.in_flight = 0;
                return total + outcome.unwrap_or(0);
            }
            match outcome {
                Ok(written) => {
                    outbox.wrote(buffer, written);
                    total += written;
                    self.last_write_ms
                        .store(self.shared.coarse_now_ms(), Ordering::Relaxed);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    outbox.wrote(buffer, 0);
                    outbox.state = WriteState::Blocked;
                    wake(outbox.waker.take());
                    return total;
                }
                Err(error) => {
                    tracing::debug!(session = self.id, %error, "the connection broke");
                    outbox.wrote(buffer, buffer.len());
                    outbox.die();
                    return total;
                }
            }
        }
    }

    /// A group that waited for its commit is answered.
    fn committed(&self, ticket: Ticket, outcome: GroupOutcome) {
        let outbox = &mut *self.outbox();
        let Outbox { queue, replies, .. } = outbox;
        let framing = self.framing;
        queue.append(|buffer| replies.resolve(ticket, outcome, framing, buffer));
        if outbox.replies.failed() || outbox.waits_for_replies {
            wake(outbox.waker.take());
        }
        self.mark(outbox);
    }
}

impl Outlet for Session {
    fn offer(&self, key: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        let mut outbox = self.outbox();
        let limit = self.shared.limits.queue_bytes_max;
        let taken = outbox.take_live(key, events, from, limit);
        self.mark(&mut outbox);
        taken
    }

    fn offer_from_log(&self, key: SubscriptionKey, events: &[RoomEvent]) -> usize {
        let mut outbox = self.outbox();
        let limit = self.shared.limits.queue_bytes_max;
        let taken = outbox.take_from_log(key, events, limit);
        self.mark(&mut outbox);
        taken
    }

    fn lagging(&self, key: SubscriptionKey) {
        let mut outbox = self.outbox();
        outbox.lagging.push(key);
        wake(outbox.waker.take());
    }

    fn offer_topic(&self, key: SubscriptionKey, event: &Arc<TopicEvent>) {
        let mut outbox = self.outbox();
        let limit = self.shared.limits.topic_queue_bytes_max;
        if !outbox.take_topic(key, event, limit) {
            outbox
                .ending
                .get_or_insert_with(|| Code::SlowConsumer.into());
            wake(outbox.waker.take());
        }
        self.mark(&mut outbox);
    }

    fn offer_signal(&self, key: SubscriptionKey, event: &Arc<SignalEvent>) {
        let mut outbox = self.outbox();
        let limit = self.shared.limits.queue_bytes_max;
        outbox.take_signal(key, event, limit);
        self.mark(&mut outbox);
    }

    fn rooms_changed(&self, _: SubscriptionKey, room: &RoomId, since: Option<Position>) {
        self.outbox().note_room(room, since);
    }

    fn rooms_unknown(&self, _: SubscriptionKey) {
        self.outbox().note_all_rooms();
    }

    fn presence_changed(&self, _: SubscriptionKey, edge: &PresenceEdge) {
        let mut outbox = self.outbox();
        let limit = self.shared.limits.queue_bytes_max;
        outbox.take_presence(edge, limit);
        self.mark(&mut outbox);
    }

    fn ended(&self, key: SubscriptionKey, cause: Ended) {
        let mut outbox = self.outbox();
        outbox.ended.push((key, cause));
        wake(outbox.waker.take());
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
