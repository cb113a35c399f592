//! Removing rows: entries that are kept no longer, and what a deleted room leaves behind.

use std::collections::BTreeMap;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, MessageKind, Revision, Seq, UserId};

use super::change::Change;
use super::database::{
    Database, Row, all, damaged, execute, first, first_locked, number, one_of, seq, sql_limit,
    user_id, values,
};
use super::filter::{self, block_of, place};
use super::marks;
use crate::extra;

/// Rows of a deleted room that one transaction removes, of each table.
const PURGE_STEP_ROWS: i64 = 512;

pub(crate) const OLDEST: &str = "SELECT seq, n, sent_at, kind, sender, client_id, extra
     FROM messages WHERE room_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";

/// What the other tables have of an entry.
pub(crate) struct Traces {
    pub(crate) seq: Seq,
    pub(crate) n: u64,
    pub(crate) sent_at: i64,
    pub(crate) kind: MessageKind,
    pub(crate) sender: UserId,
    pub(crate) client_id: Option<ClientId>,
    /// A notification that does not count as unread.
    pub(crate) is_handled: bool,
    /// A notification that is deleted.
    pub(crate) is_gone: bool,
}

fn traces(row: &dyn Row) -> Result<Traces, StoreError> {
    let kind = one_of(row, 3, MessageKind::from_number)?;
    let client_id = row.opt_str(5)?;
    let revision = match row.opt_str(6)? {
        Some(json) if kind == MessageKind::Notification => {
            let extra = extra::decode(json).map_err(|error| damaged(6, error))?;
            extra.revision
        }
        _ => Revision::None,
    };
    Ok(Traces {
        seq: seq(row, 0)?,
        n: number(row, 1)?,
        sent_at: row.int(2)?,
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

impl Change<'_> {
    /// What there is of a room's oldest entries in the table.
    pub(crate) fn oldest(
        &self,
        room_no: i64,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Traces>, StoreError> {
        let values = values![room_no, from, sql_limit(limit)];
        all(self.database, OLDEST, values, traces)
    }

    /// Removes a room's oldest entries from every table and index but the log's bounds.
    pub(crate) fn remove_entries(
        &mut self,
        room_no: i64,
        entries: &[Traces],
    ) -> Result<(), StoreError> {
        let (Some(from), Some(to)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        self.log.note_less();
        (self.log).remove_traces(self.database, self.memory, room_no, entries)?;
        execute(
            self.database,
            "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
            values![room_no, from.seq, to.seq],
        )?;
        execute(
            self.database,
            "DELETE FROM filters WHERE place BETWEEN ?1 AND ?2",
            values![
                place(room_no, block_of(from.seq)),
                place(room_no, block_of(to.seq.next())) - 1,
            ],
        )?;
        filter::renew(self.database, room_no, to.seq.next())
    }

    /// Removes some of what deleted rooms left behind; whether there may be more.
    pub(crate) fn purge(&mut self) -> Result<bool, StoreError> {
        let next = self.log.purges().next;
        let purge = first(self.database, next, values![], |row| {
            Ok((row.int(0)?, seq(row, 1)?, seq(row, 2)?))
        })?;
        let Some((room_no, next, last)) = purge else {
            return Ok(false);
        };
        let entries = match next <= last {
            true => self.oldest(room_no, next, PURGE_STEP_ROWS as usize)?,
            false => Vec::new(),
        };
        match entries.last() {
            Some(entry) => {
                self.remove_entries(room_no, &entries)?;
                let go_on = "UPDATE purges SET next_seq = ?2 WHERE room_no = ?1";
                execute(self.database, go_on, values![room_no, entry.seq.next()])?;
            }
            None => {
                self.log.note_less();
                self.purge_rest(room_no)?;
            }
        }
        Ok(true)
    }

    /// Removes some of what is left when no entry is, and the note of the room with the last of it.
    fn purge_rest(&self, room_no: i64) -> Result<(), StoreError> {
        for sql in self.log.purges().rest {
            if execute(self.database, sql, values![room_no, PURGE_STEP_ROWS])? > 0 {
                return Ok(());
            }
        }
        let done = "DELETE FROM purges WHERE room_no = ?1";
        execute(self.database, done, values![room_no]).map(drop)
    }
}

/// Counts a sender's messages that are removed out of those behind their mark.
pub(crate) fn uncount_own(
    database: &dyn Database,
    [user_no, room_no]: [i64; 2],
    seqs: &[Seq],
) -> Result<(), StoreError> {
    let of = values![user_no, room_no];
    // A mark that moves meanwhile counts for itself.
    let read = first_locked(database, marks::READ, of, |row| seq(row, 0))?;
    let behind = (seqs.iter()).filter(|seq| read.is_some_and(|read| **seq > read));
    let behind = behind.count();
    if behind == 0 {
        return Ok(());
    }
    execute(
        database,
        "UPDATE members SET own = own - ?3 WHERE user_no = ?1 AND room_no = ?2",
        values![user_no, room_no, sql_limit(behind)],
    )
    .map(drop)
}

/// Each sender's messages among some entries, in the order in which rows of members are locked.
pub(crate) fn by_sender(entries: &[Traces]) -> BTreeMap<&UserId, Vec<Seq>> {
    let mut senders: BTreeMap<&UserId, Vec<Seq>> = BTreeMap::new();
    for entry in entries {
        if entry.kind == MessageKind::Message {
            senders.entry(&entry.sender).or_default().push(entry.seq);
        }
    }
    senders
}
