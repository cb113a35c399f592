//! Removing rows: entries that are kept no longer, and what a deleted room leaves behind.

use std::collections::HashMap;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, MessageKind, Revision, Seq, UserId};
use rusqlite::Row;

use super::filter::{self, block_of, place};
use super::merge::Work;
use super::sql::{all, damaged, execute, first, number, one_of, seq, signed, sql_limit, user_id};
use super::writer::Writer;
use super::{marks, sent};
use crate::extra;

/// Rows of a deleted room that one transaction removes, of each table.
const PURGE_STEP_ROWS: i64 = 512;

pub(super) const OLDEST: &str = "SELECT seq, n, sent_at, kind, sender, client_id, extra
     FROM messages WHERE room_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";

/// What the other tables have of an entry.
pub(super) struct Traces {
    pub(super) seq: Seq,
    pub(super) n: u64,
    pub(super) sent_at: i64,
    kind: MessageKind,
    sender: UserId,
    client_id: Option<ClientId>,
    /// A notification that does not count as unread.
    pub(super) is_handled: bool,
    /// A notification that is deleted.
    pub(super) is_gone: bool,
}

fn traces(row: &Row<'_>) -> rusqlite::Result<Traces> {
    let kind = one_of(row, 3, MessageKind::from_number)?;
    let client_id = row.get_ref(5)?.as_str_or_null()?;
    let revision = match row.get_ref(6)?.as_str_or_null()? {
        Some(json) if kind == MessageKind::Notification => {
            let extra = extra::decode(json).map_err(|error| damaged(6, error))?;
            extra.revision
        }
        _ => Revision::None,
    };
    Ok(Traces {
        seq: seq(row, 0)?,
        n: number(row, 1)?,
        sent_at: row.get(2)?,
        kind,
        sender: user_id(row, 4)?,
        client_id: client_id
            .map(ClientId::new)
            .transpose()
            .map_err(|error| damaged(5, error))?,
        is_handled: revision != Revision::None,
        is_gone: matches!(revision, Revision::Deleted(_)),
    })
}

impl Writer {
    /// What there is of a room's oldest merged entries.
    pub(super) fn oldest_merged(
        &self,
        room_no: i64,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Traces>, StoreError> {
        let values = [room_no, signed(from), sql_limit(limit)];
        all(&self.connection, OLDEST, values, traces)
    }

    /// Removes a room's oldest entries from every table and index but the log's bounds.
    pub(super) fn remove_entries(
        &mut self,
        room_no: i64,
        entries: &[Traces],
    ) -> Result<(), StoreError> {
        let (Some(from), Some(to)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        self.pending.is_less = true;
        let mut senders: HashMap<&UserId, Vec<Seq>> = HashMap::new();
        for entry in entries {
            if entry.kind == MessageKind::Message {
                senders.entry(&entry.sender).or_default().push(entry.seq);
            }
            if let Some(client_id) = &entry.client_id {
                let digest = self.key.digest(&entry.sender, client_id);
                execute(
                    &self.connection,
                    "DELETE FROM client_ids WHERE room_no = ?1 AND digest = ?2 AND seq = ?3",
                    [room_no, digest, signed(entry.seq)],
                )?;
            }
        }
        for (sender, seqs) in senders {
            self.remove_sent(room_no, sender, &seqs)?;
        }
        execute(
            &self.connection,
            "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
            [room_no, signed(from.seq), signed(to.seq)],
        )?;
        execute(
            &self.connection,
            "DELETE FROM filters WHERE place BETWEEN ?1 AND ?2",
            [
                place(room_no, block_of(from.seq)),
                place(room_no, block_of(to.seq.next())) - 1,
            ],
        )?;
        filter::renew(&self.connection, room_no, to.seq.next())
    }

    /// Takes a sender's messages out of what is counted of them.
    fn remove_sent(
        &mut self,
        room_no: i64,
        sender: &UserId,
        seqs: &[Seq],
    ) -> Result<(), StoreError> {
        let Some(user_no) = self.user_no(sender)? else {
            return Ok(());
        };
        let of = [user_no, room_no];
        sent::remove(&self.connection, of, seqs)?;
        let read = first(&self.connection, marks::READ, of, |row| seq(row, 0))?;
        let behind = seqs
            .iter()
            .filter(|seq| read.is_some_and(|read| **seq > read));
        let behind = behind.count();
        if behind == 0 {
            return Ok(());
        }
        execute(
            &self.connection,
            "UPDATE members SET own = own - ?3 WHERE user_no = ?1 AND room_no = ?2",
            [user_no, room_no, sql_limit(behind)],
        )
        .map(drop)
    }

    pub(super) fn purge_step(&mut self) -> Result<Work, StoreError> {
        self.transaction(|writer| {
            let find = "SELECT room_no, next_seq, last_seq FROM purges LIMIT 1";
            let purge = first(&writer.connection, find, [], |row| {
                Ok((row.get(0)?, seq(row, 1)?, seq(row, 2)?))
            })?;
            let Some((room_no, next, last)) = purge else {
                return Ok(Work::Idle);
            };
            let entries = match next <= last {
                true => writer.oldest_merged(room_no, next, PURGE_STEP_ROWS as usize)?,
                false => Vec::new(),
            };
            match entries.last() {
                Some(entry) => {
                    writer.remove_entries(room_no, &entries)?;
                    let go_on = "UPDATE purges SET next_seq = ?2 WHERE room_no = ?1";
                    execute(
                        &writer.connection,
                        go_on,
                        [room_no, signed(entry.seq.next())],
                    )?;
                }
                None => {
                    writer.pending.is_less = true;
                    writer.purge_rest(room_no)?;
                }
            }
            Ok(Work::Purging)
        })
    }

    /// Removes some of what is left when no merged entry is, and the note of the room with the
    /// last of it.
    fn purge_rest(&self, room_no: i64) -> Result<(), StoreError> {
        let some = [room_no, PURGE_STEP_ROWS];
        for sql in PURGES {
            // The journal, which has no index by room, is last: looked through once the rest is gone.
            if execute(&self.connection, sql, some)? > 0 {
                return Ok(());
            }
        }
        let done = "DELETE FROM purges WHERE room_no = ?1";
        execute(&self.connection, done, [room_no]).map(drop)
    }
}

pub(super) const PURGES: [&str; 6] = [
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
    // What was not merged: the journal is in order of arrival and bounded, so it is searched.
    "DELETE FROM journal WHERE arrival IN
         (SELECT arrival FROM journal WHERE room_no = ?1 LIMIT ?2)",
];
