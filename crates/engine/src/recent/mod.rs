//! The newest entries of rooms that are read again and again, kept beside the store (look-aside).
//!
//! **A page from here is the page that the store would have answered at some moment between the call
//! and the answer**, as if it had been read from there: no caller, right or promise has to know of
//! this. What a log's kept entries say depends on the log's life and its newest number alone, because
//! each change of an entry is an entry itself; only which of them retention has removed does not, and
//! the log's head says that. So a head that the store gave out after the call proves a page:
//!
//! - A REST read asks the store about the room anyway, to learn whether the caller may read it, and has
//!   the head by that: one query instead of two. What this node has heard of would not do: a client
//!   that has just written on another node must find its message, and the bus may not have brought it.
//! - A subscription that catches up asks for the head: one query at a time for all who catch up on
//!   this node, in whatever rooms, so that a thousand who resume at once cost a few. Here too, what the
//!   node has heard of would not do: whoever lost the right to a room, or whose room was deleted, on
//!   another node must not be given what is behind that, and the head says both. What is not
//!   kept here is read at once, without asking for the head first.
//!
//! **What keeps it so.** All that is published in a room here, by this node's commits or by the bus, is
//! appended to what is kept of it; where one is missing in between, what was before it is dropped.
//! An entry that changes earlier ones (an edit, a deletion, a notification that is read) drops them. A
//! deleted room is dropped, and a new life's head does not fit an old one's entries. What retention
//! removed is never answered, and dropped by the head check where somebody listens. Where nobody does,
//! what was deleted on another node stays in memory, unread, until it is evicted or the room is read.
//!
//! **Bounds.** `history_bytes_max` in all; a room has a fixed part of it, set aside when its page is read
//! first, and drops its oldest entries beyond that. What is read seldom is evicted. Nothing is kept of
//! a room before it is read, so that a write costs one look-up. Messages are shared, not copied.
//!
//! No lock is held across an await but the turn to ask, which is for those alone who wait for it.

mod heads;
mod round;
mod tail;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, Store, StoreError};
use madang_domain::{Message, RoomHead, RoomId};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use self::heads::Heads;
use self::round::{Asked, Rounds};
use self::tail::{Tail, weight};
use crate::telemetry::{HistoryRead, Telemetry};

/// Least bytes that a room has.
const ROOM_BYTES_MIN: usize = 4 * 1024;

/// Most bytes that a room has: a few pages of a subscription that catches up.
const ROOM_BYTES_MAX: usize = 256 * 1024;

/// A room has no larger part of all than one in so many.
const ROOMS_AT_LEAST: usize = 16;

/// What a room takes besides its entries, about.
const ROOM_BYTES: usize = 256;

/// The newest entries of rooms. One per node; owned by the hub.
pub(crate) struct Recent {
    /// `None`: every page is read from the store.
    kept: Option<Kept>,
    telemetry: Arc<dyn Telemetry>,
}

struct Kept {
    rooms: Cache<RoomId, Arc<Room>, ByBytes, DefaultHashBuilder, Evictions>,
    heads: Heads,
    reads: Rounds<Page, (), Answer>,
    room_bytes_max: usize,
}

/// Which page is read.
type Page = (RoomId, LogQuery, usize);

type Answer = Result<Option<LogPage>, StoreError>;

struct Room {
    /// Never changes: rooms are weighed by it.
    bytes_max: usize,
    tail: Mutex<Tail>,
}

impl Recent {
    /// Empty, with space for so many bytes. 0 keeps nothing.
    pub(crate) fn new(bytes_max: usize, telemetry: Arc<dyn Telemetry>) -> Self {
        let evictions = Evictions(Arc::clone(&telemetry));
        let kept = (bytes_max > 0).then(|| Kept {
            rooms: Cache::with(
                bytes_max / ROOM_BYTES_MIN,
                bytes_max as u64,
                ByBytes,
                DefaultHashBuilder::default(),
                evictions,
            ),
            heads: Heads::default(),
            reads: Rounds::default(),
            room_bytes_max: (bytes_max / ROOMS_AT_LEAST).min(ROOM_BYTES_MAX),
        });
        Self { kept, telemetry }
    }

    /// As [`Store::read_log`].
    ///
    /// # Errors
    /// [`StoreError`]: the store could not be asked.
    pub(crate) async fn read_log(
        &self,
        store: &dyn Store,
        room: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<Option<LogPage>, StoreError> {
        let Some(kept) = &self.kept else {
            return store.read_log(room, query, limit).await;
        };
        if !kept.may_have(room, query) {
            return self.read(kept, store, (room, query, limit)).await;
        }
        match kept.heads.of(store, room, &*self.telemetry).await? {
            Some(head) => self.read_log_since(store, room, &head, query, limit).await,
            None => Ok(None),
        }
    }

    /// As [`Store::read_log`], for a caller who knows what the log's head was at a moment since the
    /// call that is answered with this began.
    ///
    /// # Errors
    /// [`StoreError`]: it is not kept here, and the store could not be asked.
    pub(crate) async fn read_log_since(
        &self,
        store: &dyn Store,
        room: &RoomId,
        since: &RoomHead,
        query: LogQuery,
        limit: usize,
    ) -> Result<Option<LogPage>, StoreError> {
        let Some(kept) = &self.kept else {
            return store.read_log(room, query, limit).await;
        };
        if let Some(page) = kept.page(room, since, query, limit) {
            self.telemetry.history_read(HistoryRead::Memory);
            return Ok(Some(page));
        }
        self.read(kept, store, (room, query, limit)).await
    }

    /// From the store, once for all who miss the same page.
    async fn read(
        &self,
        kept: &Kept,
        store: &dyn Store,
        (room, query, limit): (&RoomId, LogQuery, usize),
    ) -> Answer {
        let read = |_| async move {
            let page = store.read_log(room, query, limit).await?;
            if let Some(page) = &page {
                kept.keep(room, page);
                self.telemetry.history_kept(kept.rooms.weight());
            }
            Ok(page)
        };
        let page = (room.clone(), query, limit);
        let (answer, asked) = kept.reads.answer(page, (), read).await;
        self.telemetry.history_read(match asked {
            Asked::Here => HistoryRead::Store,
            Asked::ByAnother => HistoryRead::Shared,
        });
        answer
    }

    /// Newly accepted messages of one room. Cheap when nothing is kept of it.
    pub(crate) fn append(&self, room: &RoomId, messages: &[Arc<Message>]) {
        if let Some(room) = self.room(room) {
            room.tail.lock().append(messages);
        }
    }

    /// The store says that the log's bounds are `head`.
    pub(crate) fn head_seen(&self, room: &RoomId, head: &RoomHead) {
        if let Some(room) = self.room(room) {
            room.tail.lock().forget_removed(head);
        }
    }

    /// The room is gone.
    pub(crate) fn deleted(&self, room: &RoomId) {
        if let Some(kept) = &self.kept
            && kept.rooms.remove(room).is_some()
        {
            self.telemetry.history_kept(kept.rooms.weight());
        }
    }

    /// What is kept of a room; that it was looked for here does not say that it is read.
    fn room(&self, room: &RoomId) -> Option<Arc<Room>> {
        self.kept.as_ref()?.rooms.peek(room)
    }
}

impl Kept {
    /// Whether the first entry that is asked for is in here, the log's head not being known.
    fn may_have(&self, room: &RoomId, query: LogQuery) -> bool {
        let room = self.rooms.peek(room);
        room.is_some_and(|room| room.tail.lock().may_have(query))
    }

    fn page(
        &self,
        room: &RoomId,
        as_of: &RoomHead,
        query: LogQuery,
        limit: usize,
    ) -> Option<LogPage> {
        let room = self.rooms.get(room)?;
        let tail = room.tail.lock();
        tail.page(as_of, query, limit)
    }

    /// Keeps a page that was read, if it ends where the log does.
    fn keep(&self, id: &RoomId, page: &LogPage) {
        let end = page.messages.last().map(|message| message.position.seq);
        if end.is_some_and(|end| end < page.head.last) || page.messages.is_empty() {
            return;
        }
        let needed: usize = page.messages.iter().map(|message| weight(message)).sum();
        let room = self.rooms.peek(id);
        if let Some(room) = &room
            && (needed <= room.bytes_max || room.bytes_max >= self.room_bytes_max)
        {
            return room.tail.lock().fill(page);
        }
        // Twice, for what is said next.
        let bytes_max = (2 * needed).max(ROOM_BYTES_MIN).min(self.room_bytes_max);
        let mut tail = match room {
            Some(room) => room.tail.lock().with_space(bytes_max),
            None => Tail::new(&page.head, bytes_max),
        };
        // What is published from here on until it is in its place is missing, which the next one shows.
        tail.fill(page);
        let tail = Mutex::new(tail);
        self.rooms
            .insert(id.clone(), Arc::new(Room { bytes_max, tail }));
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<RoomId, Arc<Room>> for ByBytes {
    fn weight(&self, _: &RoomId, room: &Arc<Room>) -> u64 {
        (ROOM_BYTES + room.bytes_max) as u64
    }
}

/// Counts what is evicted, and drops it when the cache's lock is released.
#[derive(Clone)]
struct Evictions(Arc<dyn Telemetry>);

impl Lifecycle<RoomId, Arc<Room>> for Evictions {
    type RequestState = Vec<Arc<Room>>;

    fn on_evict(&self, evicted: &mut Vec<Arc<Room>>, _: RoomId, room: Arc<Room>) {
        self.0.history_evicted();
        evicted.push(room);
    }
}
