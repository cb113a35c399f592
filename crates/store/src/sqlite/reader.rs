//! A thread that reads: its connection and its view of the tail.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use rusqlite::Connection;

use super::connection::unavailable;
use super::tail::{Outdated, Snapshot, Tail};
use super::workers::Worker;

/// Owned by a reader thread.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) tail: Arc<Tail>,
}

impl Reader {
    /// Runs `read` on one snapshot of the database and the tail; again on a newer one when the
    /// tail no longer has what the snapshot needs. A merge makes a few removals in some
    /// milliseconds and a read takes microseconds, so twice is rare.
    pub(super) fn snapshot<T>(
        &self,
        read: impl Fn(&Connection, Snapshot, &Tail) -> Result<Result<T, Outdated>, StoreError>,
    ) -> Result<T, StoreError> {
        loop {
            // Before the snapshot is taken, so that no removal goes unseen.
            let removals = self.tail.removals();
            self.execute("BEGIN")?;
            let result = self.arrival().and_then(|arrival| {
                read(&self.connection, Snapshot { removals, arrival }, &self.tail)
            });
            let ended = self.execute("COMMIT");
            match result? {
                Ok(answer) => {
                    ended?;
                    return Ok(answer);
                }
                Err(Outdated) => ended?,
            }
        }
    }

    fn arrival(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("SELECT coalesce(max(arrival), 0) FROM journal")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(unavailable)
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(unavailable)
    }
}

impl Worker for Reader {
    fn recover(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(%error, "a reader cannot end its transaction");
        }
    }

    fn close(self) {}
}
