//! Logs as this adapter keeps them: entries that are accepted go to the journal and the tail, and are
//! merged into their rooms' logs later.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, Message, Seq, UserId};

use super::sent;
use super::tail::{Tail, Unmerged};
use super::unmerged;
use crate::relational::database::{Database, all, execute, first, seq, values};
use crate::relational::digest::ClientIdKey;
use crate::relational::log::{End, Log, OfRoom, Placed, Purges, Step};
use crate::relational::memory::{self, Memory};
use crate::relational::messages::one;
use crate::relational::remove::{Traces, by_sender, uncount_own};
use crate::{extra, numbers};

pub(super) const FIND_CLIENT_ID: &str =
    "SELECT seq FROM client_ids WHERE room_no = ?1 AND digest = ?2";

pub(super) const PURGES: Purges = Purges {
    next: "SELECT room_no, next_seq, last_seq FROM purges LIMIT 1",
    rest: &[
        // A filter may be left of what an earlier purge, without filters, removed half of.
        "DELETE FROM filters WHERE place IN
         (SELECT place FROM filters WHERE place >= ?1 << 32 AND place < (?1 + 1) << 32 LIMIT ?2)",
        "DELETE FROM client_ids WHERE (room_no, digest, seq) IN
         (SELECT room_no, digest, seq FROM client_ids WHERE room_no = ?1 LIMIT ?2)",
        "DELETE FROM delivered WHERE (room_no, user) IN
         (SELECT room_no, user FROM delivered WHERE room_no = ?1 LIMIT ?2)",
        "DELETE FROM members WHERE (user_no, room_no) IN
         (SELECT user_no, room_no FROM members INDEXED BY members_by_mark
          WHERE room_no = ?1 LIMIT ?2)",
        "DELETE FROM removed WHERE (room_no, user_no) IN
         (SELECT room_no, user_no FROM removed WHERE room_no = ?1 LIMIT ?2)",
        // What was not merged: the journal is in order of arrival and bounded, so it is searched. Last:
        // once the rest is gone.
        "DELETE FROM journal WHERE arrival IN
         (SELECT arrival FROM journal WHERE room_no = ?1 LIMIT ?2)",
    ],
};

/// Owned by the writer.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) tail: Arc<Tail>,
    pub(super) key: ClientIdKey,
    /// Unmerged entries by what their senders call them; `client_ids` has the merged ones.
    unmerged_ids: HashMap<(i64, UserId, ClientId), Seq>,
    /// The newest row of the journal, that of an open transaction included.
    pub(super) arrival: i64,
    /// What the open transaction did that memory has to follow.
    pub(super) pending: Pending,
}

/// What an open transaction did, in order.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Entries that are in the tail, too.
    pub(super) pushed: Vec<Unmerged>,
    /// Entries of the tail that have another version there.
    pub(super) revised: Vec<(i64, Seq)>,
    /// What was moved out of the journal.
    pub(super) merged: Vec<Merged>,
    /// Rooms that are gone.
    pub(super) deleted: Vec<i64>,
    /// Something that was said is there no longer.
    pub(super) is_less: bool,
}

/// A room's entries that are merged, up to a number.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) room_no: i64,
    pub(super) to: Seq,
    pub(super) batch: Vec<Unmerged>,
}

impl Journal {
    pub(super) fn new(tail: Arc<Tail>, key: ClientIdKey) -> Self {
        Self {
            tail,
            key,
            unmerged_ids: HashMap::new(),
            arrival: 0,
            pending: Pending::default(),
        }
    }

    /// Makes the memory agree with the database, as after a crash.
    pub(super) fn reload(&mut self, database: &dyn Database) -> Result<(), StoreError> {
        self.unmerged_ids.clear();
        self.pending = Pending::default();
        let unmerged = unmerged::unmerged(database)?;
        for item in &unmerged {
            self.remember_id(item.room_no, &item.message);
        }
        self.tail.replace(&unmerged);
        let newest = "SELECT coalesce(max(arrival), 0) FROM journal";
        let newest = first(database, newest, values![], |row| row.int(0))?;
        self.arrival = self.arrival.max(newest.unwrap_or(0));
        Ok(())
    }

    fn remember_id(&mut self, room_no: i64, message: &Message) {
        if let Some(client_id) = &message.client_id {
            let key = (room_no, message.sender.clone(), client_id.clone());
            self.unmerged_ids.insert(key, message.position.seq);
        }
    }

    fn forget_id(&mut self, room_no: i64, message: &Message) {
        if let Some(client_id) = &message.client_id {
            let key = (room_no, message.sender.clone(), client_id.clone());
            self.unmerged_ids.remove(&key);
        }
    }

    /// Draws the consequences of a commit in memory.
    pub(super) fn settle(&mut self) -> Settled {
        let done = std::mem::take(&mut self.pending);
        let settled = Settled {
            arrived: done.pushed.len(),
            is_less: done.is_less,
            has_deleted: !done.deleted.is_empty(),
        };
        self.tail.settle(&done.revised);
        for Merged { room_no, to, batch } in done.merged {
            self.tail.remove_to(room_no, to);
            for item in batch {
                self.forget_id(room_no, &item.message);
            }
        }
        for room_no in done.deleted {
            for item in self.tail.oldest(room_no, usize::MAX) {
                self.forget_id(room_no, &item.message);
            }
            self.tail.remove_to(room_no, Seq::MAX);
        }
        settled
    }

    /// Forgets all that the open transaction did.
    pub(super) fn undo(&mut self) {
        self.undo_to(Step {
            appended: 0,
            revised: 0,
        });
        self.pending = Pending::default();
    }

    fn write(&self, database: &dyn Database, item: &Unmerged) -> Result<(), StoreError> {
        let message = &item.message;
        execute(
            database,
            "INSERT INTO journal (arrival, room_no, seq, kind, sent_at, sender_kind, sender,
                                  sender_name, client_id, extra, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            values![
                item.arrival,
                item.room_no,
                message.position.seq,
                message.kind.number(),
                message.sent_at,
                numbers::of_sender_kind(message.sender_kind),
                message.sender.as_str(),
                message.sender_name.as_deref(),
                message.client_id.as_ref().map(ClientId::as_str),
                &extra::encode(message.extra.as_deref()),
                &*message.text,
            ],
        )
        .map(drop)
    }
}

/// What came of a commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    /// Entries that were accepted.
    pub(super) arrived: usize,
    pub(super) is_less: bool,
    pub(super) has_deleted: bool,
}

impl Log for Journal {
    fn end(&self, room_no: i64, kept: End) -> End {
        self.tail.end_of_writer(room_no, kept)
    }

    fn append(&mut self, database: &dyn Database, entry: Placed) -> Result<(), StoreError> {
        let item = Unmerged {
            room_no: entry.room_no,
            arrival: self.arrival + 1,
            n: entry.n,
            message: entry.message,
        };
        self.write(database, &item)?;
        self.arrival = item.arrival;
        self.remember_id(item.room_no, &item.message);
        // Before the commit, or a reader could see it without finding its entries.
        self.tail.push(&item);
        self.pending.pushed.push(item);
        Ok(())
    }

    fn newest(&self, room_no: i64, seq: Seq) -> Option<(Arc<Message>, u64)> {
        let (_, n, message) = self.tail.one_of_writer(room_no, seq)?;
        Some((message, n))
    }

    fn rewrite(
        &mut self,
        database: &dyn Database,
        room_no: i64,
        message: Message,
    ) -> Result<Option<Message>, StoreError> {
        let seq = message.position.seq;
        let Some((arrival, _, _)) = self.tail.one_of_writer(room_no, seq) else {
            return Ok(Some(message));
        };
        let json = extra::encode(message.extra.as_deref());
        execute(
            database,
            "UPDATE journal SET extra = ?2, text = ?3 WHERE arrival = ?1",
            values![arrival, &json, &*message.text],
        )?;
        self.tail.revise(room_no, self.arrival, Arc::new(message));
        self.pending.revised.push((room_no, seq));
        Ok(None)
    }

    fn find_named(
        &self,
        database: &dyn Database,
        of: OfRoom<'_>,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        let key = (of.room_no, sender.clone(), client_id.clone());
        if let Some(seq) = self.unmerged_ids.get(&key) {
            return Ok(self.newest(of.room_no, *seq).map(|(message, _)| message));
        }
        let digest = self.key.digest(sender, client_id);
        let key = values![of.room_no, digest];
        let seqs = all(database, FIND_CLIENT_ID, key, |row| seq(row, 0))?;
        for seq in seqs {
            let found = one(database, of.room_no, (of.id, of.epoch), seq)?;
            let same = |m: &Message| m.sender == *sender && m.client_id.as_ref() == Some(client_id);
            if let Some((message, _)) = found.filter(|(message, _)| same(message)) {
                return Ok(Some(Arc::new(message)));
            }
        }
        Ok(None)
    }

    fn own_behind(
        &self,
        database: &dyn Database,
        _: &UserId,
        user_and_room: [i64; 2],
        place: Seq,
    ) -> Result<i64, StoreError> {
        sent::behind(database, user_and_room, place)
    }

    /// What is not merged yet goes when all that is merged does: it has to be, then.
    fn settle_due(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        is_due: &dyn Fn(&Message) -> bool,
        limit: usize,
    ) -> Result<(), StoreError> {
        let is_due = |item: &&Unmerged| is_due(&item.message);
        if self
            .tail
            .oldest(room_no, 1)
            .iter()
            .any(|item| is_due(&item))
        {
            let unmerged = self.tail.oldest(room_no, limit);
            let count = unmerged.iter().take_while(is_due).count();
            self.merge_whole(database, memory, room_no, count)?;
        }
        Ok(())
    }

    fn remove_traces(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        entries: &[Traces],
    ) -> Result<(), StoreError> {
        for entry in entries {
            if let Some(client_id) = &entry.client_id {
                let digest = self.key.digest(&entry.sender, client_id);
                execute(
                    database,
                    "DELETE FROM client_ids WHERE room_no = ?1 AND digest = ?2 AND seq = ?3",
                    values![room_no, digest, entry.seq],
                )?;
            }
        }
        for (sender, seqs) in by_sender(entries) {
            if let Some(user_no) = memory::user_no(database, memory, sender)? {
                sent::remove(database, [user_no, room_no], &seqs)?;
                uncount_own(database, [user_no, room_no], &seqs)?;
            }
        }
        Ok(())
    }

    fn note_less(&mut self) {
        self.pending.is_less = true;
    }

    fn note_deleted(&mut self, room_no: i64) {
        self.pending.deleted.push(room_no);
    }

    fn purges(&self) -> Purges {
        PURGES
    }

    fn step(&self) -> Step {
        Step {
            appended: self.pending.pushed.len(),
            revised: self.pending.revised.len(),
        }
    }

    fn undo_to(&mut self, step: Step) {
        for (room_no, seq) in self.pending.revised.drain(step.revised..).rev() {
            self.tail.unrevise(room_no, seq);
        }
        for item in self.pending.pushed.split_off(step.appended).iter().rev() {
            self.tail.take_back(item);
            self.forget_id(item.room_no, &item.message);
            self.arrival = item.arrival - 1;
        }
    }
}
