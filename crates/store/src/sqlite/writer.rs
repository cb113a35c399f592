//! The one thread that writes: its connection, transactions and what it remembers.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, Message, Seq, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::connection::{commit_failed, unavailable};
use super::digest::ClientIdKey;
use super::gathered::Gathered;
use super::memory::Memory;
use super::merge::{Merged, Work};
use super::messages;
use super::sql;
use super::tail::{Tail, Unmerged};
use super::workers::Worker;

/// Owned by the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) tail: Arc<Tail>,
    pub(super) key: ClientIdKey,
    pub(super) memory: Memory,
    /// Unmerged entries by what their senders call them; `client_ids` has the merged ones.
    pub(super) unmerged_ids: HashMap<(i64, UserId, ClientId), Seq>,
    /// The newest row of the journal, that of an open transaction included.
    pub(super) arrival: i64,
    /// What the open transaction did that memory has to follow.
    pub(super) pending: Pending,
    /// Entries that were accepted since the last piece of background work.
    pub(super) arrived: usize,
    pub(super) work: Work,
    pub(super) merge_rows: usize,
    pub(super) gathered: Arc<Gathered>,
    /// What the memory holds may differ from the database: reload before the next job.
    broken: bool,
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
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        tail: Arc<Tail>,
        gathered: Arc<Gathered>,
        merge_rows: usize,
    ) -> Result<Self, StoreError> {
        let key = ClientIdKey::load(&connection)?;
        let mut writer = Self {
            connection,
            tail,
            key,
            memory: Memory::default(),
            unmerged_ids: HashMap::new(),
            arrival: 0,
            pending: Pending::default(),
            arrived: 0,
            work: Work::start(),
            merge_rows: merge_rows.max(1),
            gathered,
            broken: false,
        };
        writer.reload()?;
        Ok(writer)
    }

    /// Makes the memory agree with the journal, as after a crash.
    fn reload(&mut self) -> Result<(), StoreError> {
        self.memory.clear();
        self.unmerged_ids.clear();
        self.pending = Pending::default();
        self.work = Work::start();
        let unmerged = messages::unmerged(&self.connection)?;
        for item in &unmerged {
            self.remember_id(item.room_no, &item.message);
        }
        self.tail.replace(&unmerged);
        let newest = "SELECT coalesce(max(arrival), 0) FROM journal";
        let newest = sql::first(&self.connection, newest, [], |row| row.get::<_, i64>(0))?;
        self.arrival = self.arrival.max(newest.unwrap_or(0));
        self.broken = false;
        Ok(())
    }

    pub(super) fn remember_id(&mut self, room_no: i64, message: &Message) {
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

    /// Runs `work` in one transaction: all of it is durable when this answers `Ok`, none of it is
    /// done otherwise, but for [`StoreError::OutcomeUnknown`].
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.broken {
            self.roll_back();
            self.reload()?;
        }
        self.execute("BEGIN IMMEDIATE").map_err(unavailable)?;
        let result = work(self).and_then(|answer| {
            self.execute("COMMIT").map_err(commit_failed)?;
            Ok(answer)
        });
        if result.is_err() {
            self.roll_back();
            self.undo_to(0, 0);
            self.pending = Pending::default();
        }
        self.settle();
        self.memory.trim();
        result
    }

    /// Runs `work` so that an inner error leaves no trace of it in the open transaction.
    pub(super) fn all_or_nothing<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<Result<T, E>, StoreError>,
    ) -> Result<Result<T, E>, StoreError> {
        let (pushed, revised) = (self.pending.pushed.len(), self.pending.revised.len());
        self.execute("SAVEPOINT step").map_err(unavailable)?;
        let result = work(self)?;
        if result.is_err() {
            self.execute("ROLLBACK TO step").map_err(unavailable)?;
            self.undo_to(pushed, revised);
        }
        self.execute("RELEASE step").map_err(unavailable)?;
        Ok(result)
    }

    fn roll_back(&mut self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.execute("ROLLBACK") {
            tracing::error!(%error, "cannot roll back");
            self.broken = true;
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Takes out of the memory what the transaction did beyond its first so many changes.
    fn undo_to(&mut self, pushed: usize, revised: usize) {
        for (room_no, seq) in self.pending.revised.drain(revised..).rev() {
            self.tail.unrevise(room_no, seq);
        }
        for item in self.pending.pushed.split_off(pushed).iter().rev() {
            self.tail.take_back(item);
            self.forget_id(item.room_no, &item.message);
            self.arrival = item.arrival - 1;
        }
        self.memory.clear();
    }

    /// Draws the consequences of a commit in memory.
    fn settle(&mut self) {
        let done = std::mem::take(&mut self.pending);
        self.arrived += done.pushed.len();
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
            self.work.purge();
        }
    }

    /// Commits a change, so that a database that cannot be written is found: SQLite writes nothing
    /// where what is written is what is there.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        let note = "INSERT INTO settings (name, value) VALUES ('checked', randomblob(8))
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.transaction(|writer| sql::execute(&writer.connection, note, []).map(drop))
    }
}

impl Worker for Writer {
    fn recover(&mut self) {
        self.broken = true;
        self.roll_back();
    }

    fn background(&mut self) -> bool {
        self.merge_some()
    }

    fn close(self) {
        // The readers are closed by now, so that the WAL can be emptied.
        let emptied = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .optional();
        if let Err(error) = emptied {
            tracing::warn!(%error, "cannot checkpoint at close");
        }
    }
}
