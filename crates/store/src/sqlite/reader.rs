//! A thread that reads: its connection and its view of the tail.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use rusqlite::Connection;

use super::sql::{execute, first};
use super::tail::{Outdated, Reading, Tail, View};
use super::workers::Worker;

/// Owned by a reader thread.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) tail: Arc<Tail>,
}

/// One snapshot of the database and the tail.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) connection: &'a Connection,
    reading: &'a Reading<'a>,
    arrival: i64,
}

impl<'a> Read<'a> {
    pub(super) fn tail(&self) -> Result<View<'a>, Outdated> {
        self.reading.view(self.arrival)
    }
}

/// Why a read did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// It has to begin again.
    Outdated,
    Failed(StoreError),
}

impl From<Outdated> for Halt {
    fn from(_: Outdated) -> Self {
        Self::Outdated
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Reader {
    /// Runs `read` on one snapshot of the database and the tail; again on a newer one when the
    /// tail was made anew in between, as after a panic.
    pub(super) fn snapshot<T>(
        &self,
        read: impl Fn(Read<'_>) -> Result<T, Halt>,
    ) -> Result<T, StoreError> {
        loop {
            let reading = self.tail.begin();
            self.execute("BEGIN")?;
            let result = self.arrival().map_err(Halt::from).and_then(|arrival| {
                read(Read {
                    connection: &self.connection,
                    reading: &reading,
                    arrival,
                })
            });
            let ended = self.execute("COMMIT");
            match result {
                Ok(answer) => {
                    ended?;
                    return Ok(answer);
                }
                Err(Halt::Outdated) => ended?,
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
    }

    fn arrival(&self) -> Result<i64, StoreError> {
        let newest = "SELECT coalesce(max(arrival), 0) FROM journal";
        let found = first(&self.connection, newest, [], |row| row.get(0))?;
        Ok(found.unwrap_or(0))
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        execute(&self.connection, sql, []).map(drop)
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
