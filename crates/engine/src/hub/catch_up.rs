//! Reading the log until the live stream is met.

use madang_domain::ports::{LogPage, LogQuery, Store, StoreError};
use madang_domain::{Position, RoomHead, policy};

use super::channel::AccessVersion;
use super::outlet::{Ended, Outlet, SubscriptionKey};
use super::rooms::RoomSubscription;
use crate::event::RoomEvent;

/// Messages read from the store at once: large enough to spread the cost of a read, small enough
/// that a page fits a session's queue a few times over.
const PAGE: usize = 128;

/// Bytes of texts and data that a page has, but for one large entry: half of a session's queue by
/// default, so that little is read that does not fit and has to be read again.
const PAGE_BYTES: usize = 32 * 1024;

/// How far catching up has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// The subscription is live (or over): nothing more to do.
    Live,
    /// The outlet is full: call again when it has space.
    Full,
    /// Part of what the cursor wanted is gone. The cursor now stands before the oldest message
    /// kept; tell the client, then call again.
    Reset(RoomHead),
    /// It is over: the room is gone, or the right to read it. [`Outlet::ended`] does not follow.
    Ended(Ended),
}

impl RoomSubscription {
    /// Reads the log from the cursor on into `outlet` until the live stream is met, the outlet is
    /// full, or the client must be told something. Idempotent on a live subscription. At most one
    /// call per subscription at a time. Cancel safe: the cursor moves only with what was offered.
    ///
    /// # Errors
    /// [`StoreError`]: the store could not be read; the cursor stands; call again later.
    pub async fn catch_up(
        &self,
        store: &dyn Store,
        outlet: &dyn Outlet,
        key: SubscriptionKey,
    ) -> Result<CatchUp, StoreError> {
        while let Some(reading) = self.channel.begin_reading(self.index) {
            let seq = reading.position.seq;
            let query = LogQuery::Within(seq, PAGE_BYTES);
            let Some(page) = self.read(store, query).await? else {
                return Ok(self.end(Ended::RoomGone));
            };
            let access = AccessVersion::of(&page.head);
            if !reading.decided.is_some_and(|known| known.covers(access)) {
                // The page may hold what this subscriber has no right to: decide, then read again.
                match self.decide_access(store).await? {
                    Some(cause) => return Ok(self.end(cause)),
                    None => continue,
                }
            }
            if !page.head.can_resume(reading.position) {
                return Ok(self.reset(page.head));
            }
            let events: Vec<_> = page.messages.into_iter().map(RoomEvent::new).collect();
            let Some(taken) = self.channel.offer_read(self.index, outlet, key, &events) else {
                break;
            };
            self.count(taken);
            if taken < events.len() {
                return Ok(CatchUp::Full);
            }
            let met_head = events.last().map_or(seq, |e| e.message.position.seq) >= page.head.last;
            if met_head {
                self.channel.join_live(self.index, reading.changes);
            }
        }
        Ok(CatchUp::Live)
    }

    async fn read(
        &self,
        store: &dyn Store,
        query: LogQuery,
    ) -> Result<Option<LogPage>, StoreError> {
        let room = &self.channel.room;
        match self.rooms.upgrade() {
            Some(rooms) => rooms.recent.read_log(store, room, query, PAGE).await,
            None => store.read_log(room, query, PAGE).await,
        }
    }

    /// Why the subscriber may not read the room as it is now, if it may not.
    async fn decide_access(&self, store: &dyn Store) -> Result<Option<Ended>, StoreError> {
        let Some((user, role)) = self.channel.subscriber(self.index) else {
            return Ok(None);
        };
        let Some(view) = store.view_room(&self.channel.room, &user).await? else {
            return Ok(Some(Ended::RoomGone));
        };
        if !policy::reads(&view.room.detail, view.standing, &user, role) {
            return Ok(Some(Ended::AccessLost));
        }
        self.channel.decided(self.index, &view);
        Ok(None)
    }

    /// Ends the subscription, unless the hub has done so (and said so) during the read.
    fn end(&self, cause: Ended) -> CatchUp {
        match self.channel.end(self.index) {
            Some(()) => CatchUp::Ended(cause),
            None => CatchUp::Live,
        }
    }

    fn reset(&self, head: RoomHead) -> CatchUp {
        let at = Position {
            epoch: head.epoch,
            seq: head.oldest.previous(),
        };
        if self.channel.set_position(self.index, at).is_none() {
            return CatchUp::Live;
        }
        if let Some(rooms) = self.rooms.upgrade() {
            rooms.telemetry.reset();
        }
        CatchUp::Reset(head)
    }

    fn count(&self, events: usize) {
        let Some(rooms) = self.rooms.upgrade() else {
            return;
        };
        rooms.telemetry.delivered_from_log(events);
    }
}
