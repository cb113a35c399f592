//! Countable entries without the events between them.

use std::sync::Arc;

use madang_domain::ports::{MessagePage, StoreError};
use madang_domain::{Epoch, Message, RoomId, Seq};
use rusqlite::{Connection, params};

use super::marks::COUNTED_TO;
use super::messages::{self, Decoder, select_messages};
use super::reader::{Halt, Read, Reader};
use super::rooms::{Log, find_log};
use super::sql::{all, first, number, signed};
use super::tail::End;

// The kinds are those that count: messages and notifications.
pub(super) const COUNTED: &str =
    select_messages!("seq <= ?2 AND kind IN (0, 17) ORDER BY seq DESC LIMIT ?3");

/// The place of the countable entry that made the log's count `n`: kept, and merged. A log has no
/// holes and its count never falls, so it is searched by halves, between the bounds that its other
/// entries leave.
fn place(connection: &Connection, room_no: i64, log: &Log, n: u64) -> Result<Seq, StoreError> {
    let mut low = log.oldest.get() + (n - log.oldest_n) - 1;
    let mut high = log.end.seq.get() - (log.end.n - n);
    while low < high {
        let middle = low + (high - low) / 2;
        let values = [room_no, middle.cast_signed()];
        let found = first(connection, COUNTED_TO, values, |row| number(row, 0))?;
        if found.is_some_and(|found| found >= n) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Seq::new(high))
}

impl Reader {
    pub(super) fn read_messages(
        &self,
        id: &RoomId,
        skip: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        self.snapshot(|read| read.messages(id, skip, limit))
    }
}

impl Read<'_> {
    fn messages(&self, id: &RoomId, skip: u64, limit: usize) -> Result<Option<MessagePage>, Halt> {
        let Some((room, log)) = find_log(self.connection, id)? else {
            return Ok(None);
        };
        let tail = self.tail()?;
        let end = tail.end(room.room_no, log.end);
        let total = end.n - log.oldest_n;
        // The page has those that made the count greater than `low`, up to `high`.
        let high = end.n - skip.min(total);
        let low = high.saturating_sub(limit as u64).max(log.oldest_n);
        let newer = tail.counted(room.room_no, log.end.seq, (low, high));
        drop(tail);
        let merged = high.min(log.end.n);
        let mut found = Vec::new();
        if merged > low {
            let from = place(self.connection, room.room_no, &log, merged)?;
            let mut decoder = Decoder::new(id, room.epoch);
            let values = params![room.room_no, signed(from), (merged - low).cast_signed()];
            found = all(self.connection, COUNTED, values, |row| {
                decoder.message(row, 0).map(Arc::new)
            })?;
            found.reverse();
        }
        found.extend(newer);
        Ok(Some(MessagePage {
            messages: found,
            total,
        }))
    }

    /// The newest countable entry that is kept.
    pub(super) fn last_message(
        &self,
        room_no: i64,
        of: (&RoomId, Epoch),
        (log, end): (&Log, End),
    ) -> Result<Option<Arc<Message>>, Halt> {
        if end.n > log.end.n {
            let newest = (end.n - 1, end.n);
            return Ok(self.tail()?.counted(room_no, log.end.seq, newest).pop());
        }
        if end.n == log.oldest_n {
            return Ok(None);
        }
        let seq = place(self.connection, room_no, log, end.n)?;
        let found = messages::one(self.connection, room_no, of, seq)?;
        Ok(found.map(|(message, _)| Arc::new(message)))
    }
}
