//! The messages of the journal by room, in memory.
//!
//! What counts is the journal in the reader's own snapshot; this only spares looking it up there.
//! A message enters before its transaction commits and leaves after the transaction that merged
//! it has committed. So a reader that first takes its snapshot and then looks here finds every
//! message of that snapshot's journal, and tells apart those that came later by their arrival
//! number, unless some left in between: then `removals` has risen and the reader starts again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{Message, Seq};
use parking_lot::Mutex;

/// A message that is not merged yet.
#[derive(Debug, Clone)]
pub(super) struct Unmerged {
    pub(super) room_no: i64,
    pub(super) arrival: i64,
    pub(super) message: Arc<Message>,
}

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<i64, VecDeque<(i64, Arc<Message>)>>,
    removals: u64,
    rows: usize,
    bytes: usize,
}

/// What a reader's snapshot says of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    /// [`Tail::removals`] before the snapshot was taken.
    pub(super) removals: u64,
    /// The newest row of the journal; 0 when it is empty.
    pub(super) arrival: i64,
}

/// Something left the tail after the snapshot was taken.
#[derive(Debug)]
pub(super) struct Outdated;

/// Shared by the writer, which alone changes it, and the readers. Held for moments only.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<Inner>);

impl Tail {
    pub(super) fn removals(&self) -> u64 {
        self.0.lock().removals
    }

    /// Messages and bytes of text.
    pub(super) fn size(&self) -> (usize, usize) {
        let inner = self.0.lock();
        (inner.rows, inner.bytes)
    }

    /// Adds messages in rising order of arrival.
    pub(super) fn push(&self, batch: &[Unmerged]) {
        let mut inner = self.0.lock();
        for item in batch {
            inner.rows += 1;
            inner.bytes += item.message.text.len();
            let room = inner.rooms.entry(item.room_no).or_default();
            room.push_back((item.arrival, Arc::clone(&item.message)));
        }
    }

    /// Takes back what [`Tail::push`] added; for a transaction that did not commit.
    pub(super) fn take_back(&self, batch: &[Unmerged]) {
        let mut inner = self.0.lock();
        for item in batch.iter().rev() {
            let Some(room) = inner.rooms.get_mut(&item.room_no) else {
                continue;
            };
            if room
                .pop_back_if(|(arrival, _)| *arrival == item.arrival)
                .is_none()
            {
                continue;
            }
            if room.is_empty() {
                inner.rooms.remove(&item.room_no);
            }
            inner.rows -= 1;
            inner.bytes -= item.message.text.len();
        }
    }

    /// The rooms that have messages here, in rising order.
    pub(super) fn rooms(&self) -> VecDeque<i64> {
        let mut rooms: Vec<i64> = self.0.lock().rooms.keys().copied().collect();
        rooms.sort_unstable();
        rooms.into()
    }

    /// At most `limit` of a room's oldest messages here.
    pub(super) fn oldest(&self, room_no: i64, limit: usize) -> Vec<Arc<Message>> {
        let inner = self.0.lock();
        let room = inner.rooms.get(&room_no).into_iter().flatten();
        room.take(limit)
            .map(|(_, message)| message.clone())
            .collect()
    }

    /// Removes a room's messages up to `seq`: they are merged, or the room is deleted.
    pub(super) fn remove_to(&self, room_no: i64, seq: Seq) {
        let mut guard = self.0.lock();
        let inner = &mut *guard;
        let Some(room) = inner.rooms.get_mut(&room_no) else {
            return;
        };
        inner.removals += 1;
        while let Some((_, message)) = room.pop_front_if(|(_, m)| m.position.seq <= seq) {
            inner.rows -= 1;
            inner.bytes -= message.text.len();
        }
        if room.is_empty() {
            inner.rooms.remove(&room_no);
        }
    }

    /// Makes `unmerged`, in rising order of arrival, all that there is, at one moment: a reader
    /// finds what was there before or this.
    pub(super) fn replace(&self, unmerged: &[Unmerged]) {
        let fresh = Self::default();
        fresh.push(unmerged);
        let mut inner = self.0.lock();
        let removals = inner.removals + 1;
        *inner = Inner {
            removals,
            ..fresh.0.into_inner()
        };
    }

    /// The newest message's number in the writer's own view; `merged` when there is none here.
    pub(super) fn last_of_writer(&self, room_no: i64, merged: Seq) -> Seq {
        let inner = self.0.lock();
        let newest = inner.rooms.get(&room_no).and_then(VecDeque::back);
        newest.map_or(merged, |(_, message)| message.position.seq.max(merged))
    }

    /// The newest message's number for each (room, merged up to) in `snapshot`.
    pub(super) fn last_of_each(
        &self,
        snapshot: Snapshot,
        rooms: impl IntoIterator<Item = (i64, Seq)>,
    ) -> Result<Vec<Seq>, Outdated> {
        let inner = self.0.lock();
        if inner.removals != snapshot.removals {
            return Err(Outdated);
        }
        let last = |(room_no, merged): (i64, Seq)| {
            let Some(room) = inner.rooms.get(&room_no) else {
                return merged;
            };
            let end = room.partition_point(|(arrival, _)| *arrival <= snapshot.arrival);
            let newest = end.checked_sub(1).map(|index| room[index].1.position.seq);
            newest.map_or(merged, |seq| seq.max(merged))
        };
        Ok(rooms.into_iter().map(last).collect())
    }

    /// The newest number in `snapshot` and the messages here that answer `query`, at most `limit`
    /// and in rising order. Only what is above `merged` counts.
    pub(super) fn read(
        &self,
        snapshot: Snapshot,
        room_no: i64,
        merged: Seq,
        query: LogQuery,
        limit: usize,
    ) -> Result<(Seq, Vec<Arc<Message>>), Outdated> {
        let inner = self.0.lock();
        if inner.removals != snapshot.removals {
            return Err(Outdated);
        }
        let Some(room) = inner.rooms.get(&room_no) else {
            return Ok((merged, Vec::new()));
        };
        let up_to = |seq: Seq| room.partition_point(|(_, m)| m.position.seq <= seq);
        let end = room.partition_point(|(arrival, _)| *arrival <= snapshot.arrival);
        let start = up_to(merged).min(end);
        let last = (end > start).then(|| room[end - 1].1.position.seq);
        let (from, to) = match query {
            LogQuery::After(seq) => {
                let from = up_to(seq).clamp(start, end);
                (from, end.min(from.saturating_add(limit)))
            }
            LogQuery::Before(seq) => {
                let to = room.partition_point(|(_, m)| m.position.seq < seq);
                let to = to.clamp(start, end);
                (start.max(to.saturating_sub(limit)), to)
            }
        };
        let messages = room.range(from..to).map(|(_, m)| m.clone()).collect();
        Ok((last.unwrap_or(merged), messages))
    }
}
