//! The entries of the journal by room, in memory.
//!
//! What counts is the journal in the reader's own snapshot; this only spares looking it up there.
//! An entry enters before its transaction commits, and leaves when the transaction that merged it
//! has committed and every reader that may have an older snapshot is done. So a reader that says
//! so, takes its snapshot and then looks here finds every entry of that snapshot's journal: it
//! tells apart those that came later by their arrival number, and those that are merged by the
//! log's bounds. Another version of an entry enters and takes the first one's place in the same
//! two steps, with the arrival number of the entry that says so.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{Message, MessageKind, Seq, UserId};
use parking_lot::{Mutex, MutexGuard};

use crate::relational::log::{End, Outdated};

/// An entry that is not merged yet.
#[derive(Debug, Clone)]
pub(super) struct Unmerged {
    pub(super) room_no: i64,
    pub(super) arrival: i64,
    /// As of [`End::n`].
    pub(super) n: u64,
    pub(super) message: Arc<Message>,
}

#[derive(Debug)]
struct Entry {
    arrival: i64,
    n: u64,
    message: Arc<Message>,
    /// What it became by entries that are not known to be committed.
    versions: Vec<(i64, Arc<Message>)>,
}

impl Entry {
    fn seq(&self) -> Seq {
        self.message.position.seq
    }

    fn newest(&self) -> &Arc<Message> {
        self.versions.last().map_or(&self.message, |(_, m)| m)
    }

    fn as_of(&self, arrival: i64) -> Arc<Message> {
        let known = self.versions.iter().rev().find(|(at, _)| *at <= arrival);
        Arc::clone(known.map_or(&self.message, |(_, message)| message))
    }
}

#[derive(Debug)]
struct RoomTail {
    entries: VecDeque<Entry>,
    /// Entries up to here are merged, and kept for older readers alone.
    merged: Seq,
    /// Arrival and number of each sender's messages.
    own: HashMap<UserId, VecDeque<(i64, Seq)>>,
}

impl RoomTail {
    fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            merged: Seq::ZERO,
            own: HashMap::new(),
        }
    }

    fn find(&mut self, seq: Seq) -> Option<&mut Entry> {
        let first = self.entries.front()?.seq().get();
        let index = usize::try_from(seq.get().checked_sub(first)?).ok()?;
        self.entries.get_mut(index)
    }

    fn unmerged(&self) -> impl Iterator<Item = &Entry> {
        let start = self.entries.partition_point(|e| e.seq() <= self.merged);
        self.entries.range(start..)
    }
}

/// What is still here for older readers alone.
#[derive(Debug)]
enum Gone {
    /// A room's entries up to a number.
    Entries(i64, Seq),
    /// The versions of an entry before that of an arrival.
    Versions(i64, Seq, i64),
}

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<i64, RoomTail>,
    /// Of those not merged.
    rows: usize,
    /// Of their newest versions.
    bytes: usize,
    /// What goes when no reader is left that began before it did, in the order of `gone_before`.
    gone: VecDeque<Gone>,
    gone_before: u64,
    /// How many readers began when `gone_before` and `gone` together were so many.
    readers: BTreeMap<u64, usize>,
    /// Rises when all of it was made anew.
    generation: u64,
}

/// Says that a reader may need what leaves from now on, until it is dropped.
pub(super) struct Reading<'a> {
    tail: &'a Tail,
    since: u64,
    generation: u64,
}

/// Shared by the writer, which alone changes it, and the readers. Held for moments only.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<Inner>);

impl Tail {
    /// To be called before the snapshot is taken.
    pub(super) fn begin(&self) -> Reading<'_> {
        let mut inner = self.0.lock();
        let since = inner.gone_before + inner.gone.len() as u64;
        *inner.readers.entry(since).or_default() += 1;
        Reading {
            tail: self,
            since,
            generation: inner.generation,
        }
    }

    /// Unmerged entries and bytes of their bodies.
    pub(super) fn size(&self) -> (usize, usize) {
        let inner = self.0.lock();
        (inner.rows, inner.bytes)
    }

    /// Adds an entry that arrived after all others.
    pub(super) fn push(&self, item: &Unmerged) {
        self.0.lock().push(item);
    }

    /// Takes back the newest entry; for a transaction that did not commit.
    pub(super) fn take_back(&self, item: &Unmerged) {
        let mut inner = self.0.lock();
        let Some(room) = inner.rooms.get_mut(&item.room_no) else {
            return;
        };
        let newest = |entry: &mut Entry| entry.arrival == item.arrival;
        if room.entries.pop_back_if(newest).is_none() {
            return;
        }
        if let Some(own) = room.own.get_mut(&item.message.sender) {
            own.pop_back_if(|(arrival, _)| *arrival == item.arrival);
        }
        if room.entries.is_empty() {
            inner.rooms.remove(&item.room_no);
        }
        inner.rows -= 1;
        inner.bytes -= item.message.bytes();
    }

    /// Gives an entry another version, which counts from the entry with that arrival number on.
    pub(super) fn revise(&self, room_no: i64, arrival: i64, message: Arc<Message>) {
        let mut inner = self.0.lock();
        let seq = message.position.seq;
        if let Some(entry) = inner.rooms.get_mut(&room_no).and_then(|r| r.find(seq)) {
            let (before, after) = (entry.newest().bytes(), message.bytes());
            entry.versions.push((arrival, message));
            inner.bytes = inner.bytes - before + after;
        }
    }

    /// Takes an entry's newest version back; for a transaction that did not commit.
    pub(super) fn unrevise(&self, room_no: i64, seq: Seq) {
        let mut inner = self.0.lock();
        if let Some(entry) = inner.rooms.get_mut(&room_no).and_then(|r| r.find(seq))
            && let Some((_, taken)) = entry.versions.pop()
        {
            let after = entry.newest().bytes();
            inner.bytes = inner.bytes - taken.bytes() + after;
        }
    }

    /// The newest versions of these entries are committed.
    pub(super) fn settle(&self, revised: &[(i64, Seq)]) {
        if revised.is_empty() {
            return;
        }
        let mut inner = self.0.lock();
        for (room_no, seq) in revised {
            let entry = inner.rooms.get_mut(room_no).and_then(|r| r.find(*seq));
            let newest = entry.and_then(|entry| entry.versions.last());
            if let Some((arrival, _)) = newest {
                let gone = Gone::Versions(*room_no, *seq, *arrival);
                inner.gone.push_back(gone);
            }
        }
        inner.clear_away();
    }

    /// The rooms that have unmerged entries, in rising order.
    pub(super) fn rooms(&self) -> VecDeque<i64> {
        let inner = self.0.lock();
        let unmerged = |room: &RoomTail| room.entries.back().is_some_and(|e| e.seq() > room.merged);
        let rooms = inner.rooms.iter().filter(|(_, room)| unmerged(room));
        let mut rooms: Vec<i64> = rooms.map(|(room_no, _)| *room_no).collect();
        rooms.sort_unstable();
        rooms.into()
    }

    /// At most `limit` of a room's oldest unmerged entries.
    pub(super) fn oldest(&self, room_no: i64, limit: usize) -> Vec<Unmerged> {
        let inner = self.0.lock();
        let room = inner.rooms.get(&room_no).into_iter();
        let entries = room.flat_map(RoomTail::unmerged).take(limit);
        let item = |entry: &Entry| Unmerged {
            room_no,
            arrival: entry.arrival,
            n: entry.n,
            message: Arc::clone(entry.newest()),
        };
        entries.map(item).collect()
    }

    /// A room's entries up to `seq` are merged, or the room is deleted.
    pub(super) fn remove_to(&self, room_no: i64, seq: Seq) {
        let mut guard = self.0.lock();
        let inner = &mut *guard;
        let Some(room) = inner.rooms.get_mut(&room_no) else {
            return;
        };
        for entry in room.unmerged().take_while(|entry| entry.seq() <= seq) {
            inner.rows -= 1;
            inner.bytes -= entry.newest().bytes();
        }
        room.merged = room.merged.max(seq);
        inner.gone.push_back(Gone::Entries(room_no, seq));
        inner.clear_away();
    }

    /// Makes `unmerged`, in rising order of arrival, all that there is.
    pub(super) fn replace(&self, unmerged: &[Unmerged]) {
        let mut inner = self.0.lock();
        let mut fresh = Inner {
            gone_before: inner.gone_before + inner.gone.len() as u64,
            readers: std::mem::take(&mut inner.readers),
            generation: inner.generation + 1,
            ..Inner::default()
        };
        for item in unmerged {
            fresh.push(item);
        }
        *inner = fresh;
    }

    /// Where a log ends in the writer's own view; `merged` when there is nothing of it here.
    pub(super) fn end_of_writer(&self, room_no: i64, merged: End) -> End {
        let inner = self.0.lock();
        let newest = inner.rooms.get(&room_no).and_then(|r| r.entries.back());
        newest.map_or(merged, Entry::end)
    }

    /// An unmerged entry in the writer's own view: its arrival, [`End::n`] and newest version.
    pub(super) fn one_of_writer(&self, room_no: i64, seq: Seq) -> Option<(i64, u64, Arc<Message>)> {
        let mut inner = self.0.lock();
        let room = inner.rooms.get_mut(&room_no)?;
        if seq <= room.merged {
            return None;
        }
        let entry = room.find(seq)?;
        Some((entry.arrival, entry.n, Arc::clone(entry.newest())))
    }
}

impl Inner {
    fn push(&mut self, item: &Unmerged) {
        self.rows += 1;
        self.bytes += item.message.bytes();
        let room = (self.rooms.entry(item.room_no)).or_insert_with(RoomTail::new);
        if item.message.kind == MessageKind::Message {
            let own = match room.own.get_mut(&item.message.sender) {
                Some(own) => own,
                None => room.own.entry(item.message.sender.clone()).or_default(),
            };
            own.push_back((item.arrival, item.message.position.seq));
        }
        room.entries.push_back(Entry {
            arrival: item.arrival,
            n: item.n,
            message: Arc::clone(&item.message),
            versions: Vec::new(),
        });
    }
}

impl Inner {
    /// Lets go what no reader needs.
    fn clear_away(&mut self) {
        let needed = self.readers.keys().next().copied().unwrap_or(u64::MAX);
        while self.gone_before < needed
            && let Some(gone) = self.gone.pop_front()
        {
            self.gone_before += 1;
            match gone {
                Gone::Entries(room_no, seq) => self.let_entries_go(room_no, seq),
                Gone::Versions(room_no, seq, arrival) => {
                    let entry = self.rooms.get_mut(&room_no).and_then(|r| r.find(seq));
                    let Some(entry) = entry else { continue };
                    let committed = entry.versions.partition_point(|(at, _)| *at <= arrival);
                    if let Some((_, newest)) = entry.versions.drain(..committed).next_back() {
                        entry.message = newest;
                    }
                }
            }
        }
    }

    fn let_entries_go(&mut self, room_no: i64, seq: Seq) {
        let Some(room) = self.rooms.get_mut(&room_no) else {
            return;
        };
        while let Some(entry) = room.entries.pop_front_if(|entry| entry.seq() <= seq) {
            if entry.message.kind != MessageKind::Message {
                continue;
            }
            let sender = &entry.message.sender;
            if let Some(own) = room.own.get_mut(sender) {
                own.pop_front();
                if own.is_empty() {
                    room.own.remove(sender);
                }
            }
        }
        if room.entries.is_empty() {
            self.rooms.remove(&room_no);
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut inner = self.tail.0.lock();
        if let Some(count) = inner.readers.get_mut(&self.since) {
            *count -= 1;
            if *count == 0 {
                inner.readers.remove(&self.since);
                inner.clear_away();
            }
        }
    }
}

impl Reading<'_> {
    /// What is here of the snapshot whose journal's newest row is `arrival`, 0 when it is empty.
    pub(super) fn view(&self, arrival: i64) -> Result<View<'_>, Outdated> {
        let inner = self.tail.0.lock();
        if inner.generation != self.generation {
            return Err(Outdated);
        }
        Ok(View { inner, arrival })
    }
}

impl Entry {
    fn end(&self) -> End {
        End {
            seq: self.seq(),
            n: self.n,
            at: self.message.sent_at,
        }
    }
}

/// What a snapshot sees. Holds the lock: nothing may be waited for meanwhile.
pub(super) struct View<'a> {
    inner: MutexGuard<'a, Inner>,
    arrival: i64,
}

impl View<'_> {
    /// A room's entries above `merged`.
    fn entries(&self, room_no: i64, merged: Seq) -> Option<(&RoomTail, std::ops::Range<usize>)> {
        let room = self.inner.rooms.get(&room_no)?;
        let end = (room.entries).partition_point(|entry| entry.arrival <= self.arrival);
        let start = room.entries.partition_point(|entry| entry.seq() <= merged);
        (start < end).then_some((room, start..end))
    }

    /// Where the log ends.
    pub(super) fn end(&self, room_no: i64, merged: End) -> End {
        match self.entries(room_no, merged.seq) {
            Some((room, visible)) => room.entries[visible.end - 1].end(),
            None => merged,
        }
    }

    /// The entries that answer `query`, at most `limit` and in rising order.
    pub(super) fn log(
        &self,
        room_no: i64,
        merged: Seq,
        query: LogQuery,
        limit: usize,
    ) -> Vec<Arc<Message>> {
        let Some((room, visible)) = self.entries(room_no, merged) else {
            return Vec::new();
        };
        let (start, end) = (visible.start, visible.end);
        let (from, to) = match query {
            LogQuery::After(seq) | LogQuery::Within(seq, _) => {
                let from = room.entries.partition_point(|entry| entry.seq() <= seq);
                let from = from.clamp(start, end);
                (from, end.min(from.saturating_add(limit)))
            }
            LogQuery::Before(seq) => {
                let to = room.entries.partition_point(|entry| entry.seq() < seq);
                let to = to.clamp(start, end);
                (start.max(to.saturating_sub(limit)), to)
            }
        };
        let entries = room.entries.range(from..to);
        entries.map(|entry| entry.as_of(self.arrival)).collect()
    }

    /// The entry with this number.
    pub(super) fn one(&self, room_no: i64, merged: Seq, seq: Seq) -> Option<Arc<Message>> {
        let (room, visible) = self.entries(room_no, merged)?;
        let at = room.entries.partition_point(|entry| entry.seq() < seq);
        let entry = visible.contains(&at).then(|| &room.entries[at])?;
        (entry.seq() == seq).then(|| entry.as_of(self.arrival))
    }

    /// The countable entries whose [`End::n`] is above `low` and at most `high`.
    pub(super) fn counted(
        &self,
        room_no: i64,
        merged: Seq,
        (low, high): (u64, u64),
    ) -> Vec<Arc<Message>> {
        let Some((room, visible)) = self.entries(room_no, merged) else {
            return Vec::new();
        };
        let bound = |n: u64| {
            let at = room.entries.partition_point(|entry| entry.n <= n);
            at.clamp(visible.start, visible.end)
        };
        let (from, to) = (bound(low), bound(high));
        let entries = room.entries.range(from..to.max(from));
        let counted = entries.filter(|entry| entry.message.kind.counts());
        counted.map(|entry| entry.as_of(self.arrival)).collect()
    }

    /// How many of the user's own messages are here above both numbers.
    pub(super) fn own_after(&self, room_no: i64, merged: Seq, user: &UserId, after: Seq) -> u64 {
        let Some(room) = self.inner.rooms.get(&room_no) else {
            return 0;
        };
        let Some(own) = room.own.get(user) else {
            return 0;
        };
        let end = own.partition_point(|(arrival, _)| *arrival <= self.arrival);
        let start = own.partition_point(|(_, seq)| *seq <= after.max(merged));
        end.saturating_sub(start) as u64
    }
}
