//! Work that nobody waits for, in pieces small enough that no sender notices: moving the journal
//! into the rooms' logs, cutting the journal, removing the rows of deleted rooms.

use std::collections::{HashMap, VecDeque};

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, Message, MessageKind, Person, Seq, UserId};

use super::journal::{Journal, Merged};
use super::sent::Adding;
use super::tail::Unmerged;
use super::writer::Writer;
use crate::relational::change::Changes;
use crate::relational::database::{Database, execute, first, seq, sql_limit, values};
use crate::relational::memory::{self, Memory};
use crate::relational::{filter, marks};
use crate::{extra, numbers};

/// Entries that one transaction merges, at least: some milliseconds.
const MERGE_STEP_ROWS: usize = 512;

/// A piece of work is at least this many times the batch before it: it must end, and the memory
/// stay bounded, however fast messages arrive.
const STEP_PER_ARRIVAL: usize = 2;

/// Text that gathers before it is merged, however few messages it makes: bounds the memory.
const MERGE_BYTES: usize = 16 << 20;

/// What is under way.
#[derive(Debug)]
pub(super) enum Work {
    Merging {
        /// Rooms that had unmerged entries when it began; rising, so that pages follow pages.
        rooms: VecDeque<i64>,
        /// The journal up to here is merged when no room is left.
        up_to: i64,
    },
    Cutting {
        up_to: i64,
    },
    /// Removing what a merge that was cut short has left in the journal.
    Sifting,
    Purging,
    Idle,
}

impl Work {
    /// What a crash may have left to do.
    pub(super) const fn start() -> Self {
        Self::Sifting
    }

    /// Somebody deleted a room. What is under way purges in the end.
    pub(super) fn purge(&mut self) {
        if matches!(self, Self::Idle) {
            *self = Self::Purging;
        }
    }
}

pub(super) const INSERT: &str =
    "INSERT INTO messages (room_no, seq, n, kind, sent_at, sender_kind, sender, sender_name,
                           client_id, extra, text)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const INSERT_CLIENT_ID: &str = "INSERT INTO client_ids (room_no, digest, seq) VALUES (?1, ?2, ?3)";

/// A sender of messages that are being merged.
struct Own {
    user_no: i64,
    sent: Adding,
    read: Seq,
    /// Messages behind their mark.
    behind: i64,
}

impl Writer {
    /// Does one piece; whether there is more.
    pub(super) fn merge_some(&mut self) -> bool {
        let result = match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Idle => {
                let (rows, bytes) = self.journal.tail.size();
                if rows < self.merge_rows && bytes < MERGE_BYTES {
                    return false;
                }
                Ok(Work::Merging {
                    rooms: self.journal.tail.rooms(),
                    up_to: self.journal.arrival,
                })
            }
            Work::Merging { rooms, up_to } => self.merge_step(rooms, up_to),
            Work::Cutting { up_to } => self.cut_step(up_to),
            Work::Sifting => self.sift_step(),
            Work::Purging => self.purge_step(),
        };
        match result {
            Ok(work) => {
                self.work = work;
                true
            }
            Err(error) => {
                // Nothing is lost: all of it is found again, here or at the next start.
                tracing::warn!(%error, "cannot merge now");
                self.work = Work::start();
                false
            }
        }
    }

    fn merge_step(&mut self, mut rooms: VecDeque<i64>, up_to: i64) -> Result<Work, StoreError> {
        let step = self.step_rows();
        self.within(|database, journal, memory| {
            let mut room_left = step;
            while let Some(room_no) = rooms.front().copied() {
                let taken = journal.merge_room(database, memory, room_no, room_left)?;
                if taken == room_left {
                    // There may be more of this room: it leaves the tail after the commit only.
                    break;
                }
                room_left -= taken;
                rooms.pop_front();
            }
            Ok(())
        })?;
        if rooms.is_empty() {
            return Ok(Work::Cutting { up_to });
        }
        Ok(Work::Merging { rooms, up_to })
    }

    fn purge_step(&mut self) -> Result<Work, StoreError> {
        let more = self.change(|change| change.purge())?;
        Ok(if more { Work::Purging } else { Work::Idle })
    }

    fn step_rows(&mut self) -> usize {
        let arrived = std::mem::take(&mut self.arrived);
        MERGE_STEP_ROWS.max(arrived * STEP_PER_ARRIVAL)
    }

    fn sift_step(&mut self) -> Result<Work, StoreError> {
        let step = sql_limit(MERGE_STEP_ROWS);
        let deleted = self.within(|database, _, _| {
            execute(
                database,
                "DELETE FROM journal WHERE arrival IN
                     (SELECT j.arrival FROM journal AS j JOIN logs AS l ON l.room_no = j.room_no
                      WHERE j.seq <= l.last_seq LIMIT ?1)",
                values![step],
            )
        })?;
        Ok(if deleted == 0 {
            Work::Purging
        } else {
            Work::Sifting
        })
    }

    fn cut_step(&mut self, up_to: i64) -> Result<Work, StoreError> {
        let step = sql_limit(self.step_rows());
        let deleted = self.within(|database, _, _| {
            execute(
                database,
                "DELETE FROM journal WHERE arrival <=
                     min(?1, (SELECT min(arrival) FROM journal) + ?2)",
                values![up_to, step - 1],
            )
        })?;
        Ok(if deleted == 0 {
            Work::Purging
        } else {
            Work::Cutting { up_to }
        })
    }
}

impl Journal {
    /// Moves at most `limit` entries of a room; answers how many.
    pub(super) fn merge_room(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let batch = self.tail.oldest(room_no, limit);
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
            return Ok(0);
        };
        let before = first.message.position.seq.previous();
        let (to, at) = (last.message.position.seq, last.message.sent_at);
        let mut own = senders(database, memory, room_no, &batch)?;
        self.insert_batch(database, room_no, &batch, &mut own)?;
        for own in own.values_mut() {
            own.sent.store(database)?;
            count_own(database, room_no, own)?;
        }
        if !last.message.room.is_internal() {
            filter::complete(database, room_no, before, to)?;
        }
        execute(
            database,
            "UPDATE logs SET last_seq = ?2, last_n = ?3, active_at = ?4 WHERE room_no = ?1",
            values![room_no, to, last.n.cast_signed(), at],
        )?;
        let taken = batch.len();
        self.pending.merged.push(Merged { room_no, to, batch });
        Ok(taken)
    }

    /// As [`Journal::merge_room`], and takes them out of the journal at once.
    pub(super) fn merge_whole(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        limit: usize,
    ) -> Result<(), StoreError> {
        if self.merge_room(database, memory, room_no, limit)? == 0 {
            return Ok(());
        }
        let merged = self.pending.merged.last().into_iter();
        for item in merged.flat_map(|merged| &merged.batch) {
            let delete = "DELETE FROM journal WHERE arrival = ?1";
            execute(database, delete, values![item.arrival])?;
        }
        Ok(())
    }

    fn insert_batch(
        &self,
        database: &dyn Database,
        room_no: i64,
        batch: &[Unmerged],
        senders: &mut HashMap<UserId, Own>,
    ) -> Result<(), StoreError> {
        database.execute_each(INSERT, batch.len(), &mut |index, run| {
            let Unmerged { n, message, .. } = &batch[index];
            run(values![
                room_no,
                message.position.seq,
                n.cast_signed(),
                message.kind.number(),
                message.sent_at,
                numbers::of_sender_kind(message.sender_kind),
                message.sender.as_str(),
                message.sender_name.as_deref(),
                message.client_id.as_ref().map(ClientId::as_str),
                &extra::encode(message.extra.as_deref()),
                &*message.text,
            ])
        })?;
        let named = |item: &Unmerged| {
            let client_id = item.message.client_id.as_ref()?;
            let digest = self.key.digest(&item.message.sender, client_id);
            Some((digest, item.message.position.seq))
        };
        let named: Vec<(i64, Seq)> = batch.iter().filter_map(named).collect();
        database.execute_each(INSERT_CLIENT_ID, named.len(), &mut |index, run| {
            let (digest, seq) = named[index];
            run(values![room_no, digest, seq])
        })?;
        for message in batch.iter().map(|item| &item.message) {
            if let Some(own) = senders.get_mut(&message.sender)
                && message.kind == MessageKind::Message
            {
                own.behind += i64::from(message.position.seq > own.read);
                own.sent.push(database, message.position.seq)?;
            }
        }
        Ok(())
    }
}

/// Whose messages these are.
fn senders(
    database: &dyn Database,
    memory: &mut Memory,
    room_no: i64,
    batch: &[Unmerged],
) -> Result<HashMap<UserId, Own>, StoreError> {
    let mut senders = HashMap::new();
    for Unmerged { message, .. } in batch {
        if message.kind == MessageKind::Message && !senders.contains_key(&message.sender) {
            let own = own(database, memory, room_no, message)?;
            senders.insert(message.sender.clone(), own);
        }
    }
    Ok(senders)
}

fn own(
    database: &dyn Database,
    memory: &mut Memory,
    room_no: i64,
    message: &Message,
) -> Result<Own, StoreError> {
    let person = Person {
        user: message.sender.clone(),
        name: None,
    };
    let user_no = memory::know(database, memory, &person)?;
    let sent = Adding::begin(database, [user_no, room_no])?;
    let read = first(database, marks::READ, values![user_no, room_no], |row| {
        seq(row, 0)
    })?;
    Ok(Own {
        user_no,
        sent,
        // Of who is no member, nothing is unread.
        read: read.unwrap_or(Seq::MAX),
        behind: 0,
    })
}

fn count_own(database: &dyn Database, room_no: i64, own: &Own) -> Result<(), StoreError> {
    if own.behind == 0 {
        return Ok(());
    }
    execute(
        database,
        "UPDATE members SET own = own + ?3 WHERE user_no = ?1 AND room_no = ?2",
        values![own.user_no, room_no, own.behind],
    )
    .map(drop)
}
