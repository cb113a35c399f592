//! A thread that reads: its connection and its view of the tail.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::{Message, Seq, UserId};
use rusqlite::Connection;

use super::tail::{Reading, Tail};
use crate::relational::database::{Database, execute, first, values};
use crate::relational::log::{End, Newest, Outdated};
use crate::relational::read::{Halt, Read, Reads};
use crate::relational::workers::Worker;

/// Owned by a reader thread.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) tail: Arc<Tail>,
}

impl Reads for Reader {
    /// The snapshot is of the database and the tail: it is taken anew when the tail was made anew in
    /// between, as after a panic.
    fn snapshot<T>(&mut self, read: impl Fn(Read<'_>) -> Result<T, Halt>) -> Result<T, StoreError> {
        loop {
            let reading = self.tail.begin();
            self.execute("BEGIN")?;
            let result = self.arrival().map_err(Halt::from).and_then(|arrival| {
                read(Read {
                    database: &self.connection,
                    newest: &Seen {
                        reading: &reading,
                        arrival,
                    },
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

    fn look<T>(
        &mut self,
        look: impl Fn(&dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        look(&self.connection)
    }
}

impl Reader {
    fn arrival(&self) -> Result<i64, StoreError> {
        let newest = "SELECT coalesce(max(arrival), 0) FROM journal";
        let found = first(&self.connection, newest, values![], |row| row.int(0))?;
        Ok(found.unwrap_or(0))
    }

    fn execute(&self, sql: &'static str) -> Result<(), StoreError> {
        execute(&self.connection, sql, values![]).map(drop)
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

/// The tail as one snapshot sees it.
struct Seen<'a> {
    reading: &'a Reading<'a>,
    /// The newest row of the snapshot's journal, 0 when it is empty.
    arrival: i64,
}

impl Newest for Seen<'_> {
    fn end(&self, room_no: i64, kept: End) -> Result<End, Outdated> {
        Ok(self.reading.view(self.arrival)?.end(room_no, kept))
    }

    fn log(
        &self,
        room_no: i64,
        kept: Seq,
        query: LogQuery,
        limit: usize,
    ) -> Result<Vec<Arc<Message>>, Outdated> {
        let view = self.reading.view(self.arrival)?;
        Ok(view.log(room_no, kept, query, limit))
    }

    fn one(&self, room_no: i64, kept: Seq, seq: Seq) -> Result<Option<Arc<Message>>, Outdated> {
        Ok(self.reading.view(self.arrival)?.one(room_no, kept, seq))
    }

    fn counted(
        &self,
        room_no: i64,
        kept: Seq,
        between: (u64, u64),
    ) -> Result<Vec<Arc<Message>>, Outdated> {
        let view = self.reading.view(self.arrival)?;
        Ok(view.counted(room_no, kept, between))
    }

    fn own_after(
        &self,
        room_no: i64,
        kept: Seq,
        user: &UserId,
        after: Seq,
    ) -> Result<u64, Outdated> {
        let view = self.reading.view(self.arrival)?;
        Ok(view.own_after(room_no, kept, user, after))
    }
}
