//! Reading the log until the live stream is met.

use madang_domain::ports::{LogQuery, Store, StoreError};
use madang_domain::{Position, RoomHead, Seq};

use super::outlet::{Ended, Outlet, SubscriptionKey};
use super::rooms::RoomSubscription;
use crate::event::RoomEvent;

/// Messages read from the store at once: large enough to spread the cost of a read, small enough
/// that a page fits a session's queue a few times over.
const PAGE: usize = 256;

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
    /// There is no such room any more.
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
            let Position { epoch, seq } = reading.position;
            let page = store
                .read_log(&self.channel.room, LogQuery::After(seq), PAGE)
                .await?;
            let Some(page) = page else {
                return Ok(CatchUp::Ended(Ended::RoomGone));
            };
            if !page.head.can_resume(reading.position) {
                return Ok(self.reset(page.head));
            }
            let events: Vec<_> = page.messages.into_iter().map(RoomEvent::new).collect();
            let taken = outlet.offer(key, &events);
            if let Some(last) = events[..taken].last() {
                let at = Position {
                    epoch,
                    seq: last.message.position.seq,
                };
                self.channel.set_position(self.index, at);
            }
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

    fn reset(&self, head: RoomHead) -> CatchUp {
        let seq: Seq = head.oldest.previous();
        self.channel.set_position(
            self.index,
            Position {
                epoch: head.epoch,
                seq,
            },
        );
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
