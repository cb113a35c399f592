//! Countable entries without the events between them.

use std::sync::Arc;

use madang_domain::ports::{MessagePage, StoreError};
use madang_domain::{Epoch, Message, RoomId, Seq};

use super::database::{Database, all, first, number, values};
use super::log::End;
use super::marks::COUNTED_TO;
use super::messages::{self, Decoder, select_messages};
use super::read::{Halt, Read};
use super::rooms::{Log, find_log};

// The kinds are those that count: messages and notifications.
pub(crate) const COUNTED: &str =
    select_messages!("seq <= ?2 AND kind IN (0, 17) ORDER BY seq DESC LIMIT ?3");

/// The place of the countable entry that made the log's count `n`: kept, and merged. A log has no
/// holes and its count never falls, so it is searched by halves, between the bounds that its other
/// entries leave.
fn place(database: &dyn Database, room_no: i64, log: &Log, n: u64) -> Result<Seq, StoreError> {
    let mut low = log.oldest.get() + (n - log.oldest_n) - 1;
    let mut high = log.end.seq.get() - (log.end.n - n);
    while low < high {
        let middle = low + (high - low) / 2;
        let values = values![room_no, middle.cast_signed()];
        let found = first(database, COUNTED_TO, values, |row| number(row, 0))?;
        if found.is_some_and(|found| found >= n) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Seq::new(high))
}

impl Read<'_> {
    pub(crate) fn read_messages(
        &self,
        id: &RoomId,
        skip: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, Halt> {
        let Some((room, log)) = find_log(self.database, id)? else {
            return Ok(None);
        };
        let end = self.newest.end(room.room_no, log.end)?;
        let total = end.n - log.oldest_n;
        // The page has those that made the count greater than `low`, up to `high`.
        let high = end.n - skip.min(total);
        let low = high.saturating_sub(limit as u64).max(log.oldest_n);
        let newer = self
            .newest
            .counted(room.room_no, log.end.seq, (low, high))?;
        let merged = high.min(log.end.n);
        let mut found = Vec::new();
        if merged > low {
            let from = place(self.database, room.room_no, &log, merged)?;
            let mut decoder = Decoder::new(id, room.epoch);
            let values = values![room.room_no, from, (merged - low).cast_signed()];
            found = all(self.database, COUNTED, values, |row| {
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
    pub(crate) fn last_message(
        &self,
        room_no: i64,
        of: (&RoomId, Epoch),
        (log, end): (&Log, End),
    ) -> Result<Option<Arc<Message>>, Halt> {
        if end.n > log.end.n {
            let newest = (end.n - 1, end.n);
            return Ok(self.newest.counted(room_no, log.end.seq, newest)?.pop());
        }
        if end.n == log.oldest_n {
            return Ok(None);
        }
        let seq = place(self.database, room_no, log, end.n)?;
        let found = messages::one(self.database, room_no, of, seq)?;
        Ok(found.map(|(message, _)| Arc::new(message)))
    }
}
