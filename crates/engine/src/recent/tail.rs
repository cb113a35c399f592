//! The newest entries of one room's log, and which questions they answer. Waits for nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, PageSpace};
use madang_domain::{Epoch, Message, Position, RoomHead, Seq};

/// What an entry takes besides its text and data, about: itself, and the texts around it.
const ENTRY_BYTES: usize = size_of::<Message>() + 96;

/// Consecutive entries of one life of a room, as they read when the last of them was the newest.
///
/// That makes it enough to know the head of a log to know whether a page is in here: an entry
/// changes only by a later entry that names it ([`Message::target`]), and such a one ends what was
/// kept before it.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    epoch: Epoch,
    /// The number of the first entry in here; while there is none, of the log's next.
    first: Seq,
    entries: VecDeque<Arc<Message>>,
    bytes: usize,
    bytes_max: usize,
}

impl Tail {
    /// Empty, behind the newest entry of `head`.
    pub(super) const fn new(head: &RoomHead, bytes_max: usize) -> Self {
        Self {
            epoch: head.epoch,
            first: head.last.next(),
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// What the store answered at the moment when the log's bounds were `as_of`; `None` when that is
    /// not known here.
    pub(super) fn page(&self, as_of: &RoomHead, query: LogQuery, limit: usize) -> Option<LogPage> {
        let ends_within = self.first.previous() <= as_of.last && as_of.last <= self.last();
        if self.epoch != as_of.epoch || !ends_within {
            return None;
        }
        let (from, to) = bounds(as_of, query, limit);
        let mut messages = Vec::new();
        if from < to {
            let skipped = from.get().checked_sub(self.first.get())?;
            let wanted = usize::try_from(to.get() - from.get()).unwrap_or(usize::MAX);
            let mut space = PageSpace::of(query);
            let entries = self.entries.iter();
            let entries = entries.skip(usize::try_from(skipped).unwrap_or(usize::MAX));
            for entry in entries.take(wanted) {
                messages.push(Arc::clone(entry));
                if !space.take(entry) {
                    break;
                }
            }
        }
        let head = *as_of;
        Some(LogPage { head, messages })
    }

    /// Whether the first entry of a page is in here, whatever the log's head is now.
    pub(super) fn may_have(&self, query: LogQuery) -> bool {
        match query {
            LogQuery::After(seq) | LogQuery::Within(seq, _) => {
                self.first <= seq.next() && seq < self.last()
            }
            LogQuery::Before(_) => !self.entries.is_empty(),
        }
    }

    /// Takes newly accepted entries; they may be repeated, late, or have others missing before them.
    pub(super) fn append(&mut self, messages: &[Arc<Message>]) {
        for message in messages {
            let at = message.position;
            let same_life = at.epoch == self.epoch;
            if same_life && at.seq <= self.last() {
                continue;
            }
            let follows = same_life && at.seq == self.last().next();
            if !follows || revises(message) {
                self.restart(at);
            }
            self.bytes += weight(message);
            self.entries.push_back(Arc::clone(message));
            while self.bytes > self.bytes_max {
                self.drop_first();
            }
        }
    }

    /// Takes a page that ended at the log's newest entry when it was read.
    pub(super) fn fill(&mut self, page: &LogPage) {
        let end = page.head.last;
        let first = page.messages.first();
        let first = first.map_or(end.next(), |message| message.position.seq);
        if self.epoch != page.head.epoch || first > self.last().next() {
            self.restart(Position {
                epoch: page.head.epoch,
                seq: end.next(),
            });
        } else {
            self.append(&page.messages);
        }
        self.prepend(page);
    }

    /// Puts the older part of a page before what is here, if nothing changed it since it was read.
    fn prepend(&mut self, page: &LogPage) {
        let end = page.head.last;
        let since = self.entries.iter().rev();
        let mut since = since.take_while(|entry| entry.position.seq > end);
        if self.first > end.next() || since.any(|entry| revises(entry)) {
            return;
        }
        let first = self.first;
        let older = page.messages.iter().rev();
        for entry in older.skip_while(|entry| entry.position.seq >= first) {
            let bytes = self.bytes + weight(entry);
            if bytes > self.bytes_max {
                return;
            }
            self.bytes = bytes;
            self.first = entry.position.seq;
            self.entries.push_front(Arc::clone(entry));
        }
    }

    /// Drops what the log no longer has.
    pub(super) fn forget_removed(&mut self, head: &RoomHead) {
        if self.epoch != head.epoch {
            return;
        }
        while self.first < head.oldest && !self.entries.is_empty() {
            self.drop_first();
        }
    }

    /// The same with space for so many bytes.
    pub(super) fn with_space(&self, bytes_max: usize) -> Self {
        Self {
            bytes_max,
            ..self.clone()
        }
    }

    fn restart(&mut self, at: Position) {
        self.epoch = at.epoch;
        self.first = at.seq;
        self.entries.clear();
        self.bytes = 0;
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= weight(&entry);
            self.first = self.first.next();
        }
    }

    fn last(&self) -> Seq {
        Seq::new(self.first.get() + self.entries.len() as u64).previous()
    }
}

/// The first number that a page has, and the one behind its last; both may be cut further by the
/// page's bound in bytes.
fn bounds(head: &RoomHead, query: LogQuery, limit: usize) -> (Seq, Seq) {
    let end = head.last.next();
    match query {
        LogQuery::After(seq) | LogQuery::Within(seq, _) => {
            let from = seq.next().max(head.oldest);
            let to = from.get().saturating_add(limit as u64);
            (from, Seq::new(to).min(end))
        }
        LogQuery::Before(seq) => {
            let to = seq.min(end);
            let from = to.get().saturating_sub(limit as u64);
            (Seq::new(from).max(head.oldest), to)
        }
    }
}

/// Whether entries before it read otherwise since it was accepted.
fn revises(message: &Message) -> bool {
    message.target().is_some()
}

/// What an entry takes of the memory, about.
pub(super) fn weight(message: &Message) -> usize {
    ENTRY_BYTES + message.bytes()
}
