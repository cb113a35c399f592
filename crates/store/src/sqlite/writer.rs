//! The one thread that writes: its connection, transactions and what it remembers.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::StoreError;
use rusqlite::Connection;

use super::connection::{commit_failed, unavailable};
use super::emptying::Emptying;
use super::journal::{Journal, Settled};
use super::merge::Work;
use super::options::SqliteOptions;
use super::restored;
use super::tail::Tail;
use crate::relational::change::{Change, Changes};
use crate::relational::database::Database;
use crate::relational::digest::ClientIdKey;
use crate::relational::memory::Memory;
use crate::relational::workers::Worker;

/// Unmerged entries at most: reached only when merging fails again and again, as on a disk that
/// has space for the journal alone. Then nothing more is accepted. About 80 MiB of memory.
const UNMERGED_ROWS_MAX: usize = 131_072;

/// Owned by the writer thread.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) journal: Journal,
    pub(super) memory: Memory,
    /// Entries that were accepted since the last piece of background work.
    pub(super) arrived: usize,
    pub(super) work: Work,
    pub(super) merge_rows: usize,
    pub(super) emptying: Emptying,
    /// How long another program's lock is waited for.
    pub(super) busy_timeout: Duration,
    /// What the memory holds may differ from the database: reload before the next job.
    broken: bool,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        tail: Arc<Tail>,
        options: &SqliteOptions,
    ) -> Result<Self, StoreError> {
        let key = ClientIdKey::load(&connection)?;
        let mut writer = Self {
            connection,
            journal: Journal::new(tail, key),
            memory: Memory::default(),
            arrived: 0,
            work: Work::start(),
            merge_rows: options.merge_rows.max(1),
            emptying: Emptying::new(options.emptied_every),
            busy_timeout: options.busy_timeout,
            broken: false,
        };
        writer.reload()?;
        Ok(writer)
    }

    /// Makes the memory agree with the journal, as after a crash.
    fn reload(&mut self) -> Result<(), StoreError> {
        self.memory.clear();
        self.work = Work::start();
        self.journal.reload(&self.connection)?;
        self.broken = false;
        Ok(())
    }

    /// As [`Changes::change`], of what the adapter does for itself.
    pub(super) fn within<T>(
        &mut self,
        work: impl FnOnce(&dyn Database, &mut Journal, &mut Memory) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.broken {
            self.roll_back();
            self.reload()?;
        }
        self.execute("BEGIN IMMEDIATE").map_err(unavailable)?;
        let result = work(&self.connection, &mut self.journal, &mut self.memory);
        let result = result.and_then(|answer| {
            self.execute("COMMIT").map_err(commit_failed)?;
            Ok(answer)
        });
        if result.is_err() {
            self.roll_back();
            self.journal.undo();
            self.memory.clear();
        }
        self.settle();
        self.memory.trim();
        result
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

    fn settle(&mut self) {
        let Settled {
            arrived,
            is_less,
            has_deleted,
        } = self.journal.settle();
        self.arrived += arrived;
        if is_less {
            self.emptying.want();
        }
        if has_deleted {
            self.work.purge();
        }
    }
}

impl Changes for Writer {
    /// One writes at a time: nobody is in the way.
    fn change<T>(
        &mut self,
        mut work: impl FnMut(&mut Change<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(|database, log, memory| {
            work(&mut Change {
                database,
                log,
                memory,
            })
        })
    }

    fn refuses(&self) -> Option<StoreError> {
        let unmerged = self.journal.tail.size().0;
        let is_full = unmerged > UNMERGED_ROWS_MAX.max(self.merge_rows.saturating_mul(2));
        let reason = || format!("{unmerged} entries wait to be merged");
        is_full.then(|| StoreError::Unavailable(reason()))
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

    fn idle(&mut self) -> Option<Duration> {
        self.empty_log()
    }

    fn close(self) {
        if let Err(error) = restored::forget_run(&self.connection) {
            tracing::warn!(%error, "cannot note the orderly end");
        }
        // The readers are closed by now, so that the log can be emptied.
        if let Err(error) = self.checkpoint() {
            tracing::warn!(%error, "cannot checkpoint at close");
        }
    }
}
