//! Work that nobody waits for, in pieces small enough that no sender notices: moving the journal
//! into the rooms' logs, cutting the journal, removing the rows of deleted rooms.

use std::collections::VecDeque;

use madang_domain::ports::StoreError;
use rusqlite::{Connection, OptionalExtension};

use super::connection::unavailable;
use super::messages;
use super::rooms::sql_limit;
use super::writer::Writer;

/// Messages that one transaction merges, at least: about 3 ms.
const MERGE_STEP_ROWS: usize = 512;

/// A piece of work is at least this many times the batch before it: it must end, and the memory
/// stay bounded, however fast messages arrive.
const STEP_PER_ARRIVAL: usize = 2;

/// Rows of a deleted room that one transaction deletes.
const DELETE_STEP_ROWS: i64 = 1_024;

/// Text that gathers before it is merged, however few messages it makes: bounds the memory.
const MERGE_BYTES: usize = 16 << 20;

/// What is under way.
#[derive(Debug)]
pub(super) enum Work {
    Merging {
        /// Rooms that had unmerged messages when it began; rising, so that pages follow pages.
        rooms: VecDeque<i64>,
        /// The journal up to here is merged when no room is left.
        up_to: i64,
    },
    Cutting {
        up_to: i64,
    },
    Purging,
    Idle,
}

impl Work {
    /// What a crash may have left to do.
    pub(super) const fn start() -> Self {
        Self::Purging
    }
}

impl Writer {
    /// Does one piece; whether there is more.
    pub(super) fn merge_some(&mut self) -> bool {
        let result = match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Idle => {
                let (rows, bytes) = self.tail.size();
                if rows < self.merge_rows && bytes < MERGE_BYTES {
                    return false;
                }
                Ok(Work::Merging {
                    rooms: self.tail.rooms(),
                    up_to: self.arrival,
                })
            }
            Work::Merging { rooms, up_to } => self.merge_step(rooms, up_to),
            Work::Cutting { up_to } => self.cut_step(up_to),
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
        let merged = self.transaction(|writer| {
            let mut merged = Vec::new();
            let mut room_left = step;
            while let Some(room_no) = rooms.front().copied() {
                let batch = writer.tail.oldest(room_no, room_left);
                let Some(last) = batch.last() else {
                    rooms.pop_front();
                    continue;
                };
                let last = last.position.seq;
                for message in &batch {
                    let digest = message
                        .client_id
                        .as_ref()
                        .map(|id| writer.key.digest(&message.sender, id));
                    messages::insert(&writer.connection, room_no, message, digest)
                        .map_err(unavailable)?;
                }
                execute(
                    &writer.connection,
                    "UPDATE logs SET last_seq = ?2 WHERE room_no = ?1",
                    [room_no, last.get().cast_signed()],
                )?;
                let taken = batch.len();
                merged.push((room_no, last, batch));
                if taken == room_left {
                    // There may be more of this room: it leaves the tail after the commit only.
                    break;
                }
                room_left -= taken;
                rooms.pop_front();
            }
            Ok(merged)
        })?;
        for (room_no, last, batch) in merged {
            self.tail.remove_to(room_no, last);
            for message in batch {
                self.forget_id(room_no, &message);
            }
        }
        if rooms.is_empty() {
            return Ok(Work::Cutting { up_to });
        }
        Ok(Work::Merging { rooms, up_to })
    }

    fn step_rows(&mut self) -> usize {
        let arrived = std::mem::take(&mut self.arrived);
        MERGE_STEP_ROWS.max(arrived * STEP_PER_ARRIVAL)
    }

    fn cut_step(&mut self, up_to: i64) -> Result<Work, StoreError> {
        let step = sql_limit(self.step_rows());
        let deleted = self.transaction(|writer| {
            execute(
                &writer.connection,
                "DELETE FROM journal WHERE arrival <=
                     min(?1, (SELECT min(arrival) FROM journal) + ?2)",
                [up_to, step - 1],
            )
        })?;
        Ok(if deleted == 0 {
            Work::Purging
        } else {
            Work::Cutting { up_to }
        })
    }

    fn purge_step(&mut self) -> Result<Work, StoreError> {
        self.transaction(|writer| {
            let connection = &writer.connection;
            let purge = connection
                .prepare_cached("SELECT room_no, next_seq, last_seq FROM purges LIMIT 1")
                .and_then(|mut statement| {
                    statement
                        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                        .optional()
                })
                .map_err(unavailable)?;
            let Some((room_no, next, last)) = purge else {
                return Ok(Work::Idle);
            };
            purge_room(connection, room_no, next, last)?;
            Ok(Work::Purging)
        })
    }
}

/// Deletes some rows of a room that is gone, and the note of it with the last of them.
fn purge_room(
    connection: &Connection,
    room_no: i64,
    next: i64,
    last: i64,
) -> Result<(), StoreError> {
    if next <= last {
        let to = last.min(next + DELETE_STEP_ROWS - 1);
        execute(
            connection,
            "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
            [room_no, next, to],
        )?;
        execute(
            connection,
            "UPDATE purges SET next_seq = ?2 WHERE room_no = ?1",
            [room_no, to + 1],
        )?;
        return Ok(());
    }
    let client_ids = execute(
        connection,
        "DELETE FROM client_ids WHERE (room_no, digest, seq) IN
             (SELECT room_no, digest, seq FROM client_ids WHERE room_no = ?1 LIMIT ?2)",
        [room_no, DELETE_STEP_ROWS],
    )?;
    let marks = execute(
        connection,
        "DELETE FROM delivered WHERE (room_no, user) IN
             (SELECT room_no, user FROM delivered WHERE room_no = ?1 LIMIT ?2)",
        [room_no, DELETE_STEP_ROWS],
    )?;
    // What was not merged yet: the journal is in order of arrival and bounded, so it is searched.
    let unmerged = execute(
        connection,
        "DELETE FROM journal WHERE arrival IN
             (SELECT arrival FROM journal WHERE room_no = ?1 LIMIT ?2)",
        [room_no, DELETE_STEP_ROWS],
    )?;
    if client_ids == 0 && marks == 0 && unmerged == 0 {
        execute(
            connection,
            "DELETE FROM purges WHERE room_no = ?1",
            [room_no],
        )?;
    }
    Ok(())
}

fn execute<const N: usize>(
    connection: &Connection,
    sql: &str,
    values: [i64; N],
) -> Result<usize, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(rusqlite::params_from_iter(values)))
        .map_err(unavailable)
}
