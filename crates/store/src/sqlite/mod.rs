//! The [`Store`] on SQLite: one file, one process.
//!
//! # Threads
//! One thread writes, a few read, each with a connection of its own and a bounded queue. Every
//! commit is in the write-ahead log on disk before it is answered (`synchronous = FULL`). Nothing
//! polls. Dropping the store finishes what is queued, then empties the write-ahead log.
//!
//! # Schema, and why
//! What an append costs is the pages it dirties: each is copied to the write-ahead log with a
//! checksum and later to the file. A table ordered by (room, seq) with an index of client ids
//! dirties two pages or more per message when 64 senders write into 64 of 1,000 rooms: measured
//! 35 µs of CPU per message. A table in order of arrival dirties one page per 14 messages, but
//! scatters each room's history. So a message is written twice:
//!
//! - `journal`, in order of arrival, by the transaction that accepts it: this is what makes it
//!   durable. The writer and the readers find its rows in memory (`tail`), which is loaded from
//!   the journal at start.
//! - `messages`, ordered by (room, seq), and `client_ids`, by merging some 16,000 journal rows at
//!   a time, sorted by room, in steps of a few milliseconds between the batches. `logs.last_seq`
//!   moves in the same transaction and says up to where a room is merged, so that a message
//!   counts exactly once, whenever the process ends.
//!
//! `rooms` changes only with the assignment; it is not touched by an append. Deleting a room
//! deletes its rows in `rooms` and `logs`, by which everything finds it, and notes the rest in
//! `purges`, which is worked off in the same steps. Room numbers are never given out again.

mod append;
mod connection;
mod delivered;
mod digest;
mod merge;
mod messages;
mod migrations;
mod options;
mod reader;
mod rooms;
mod tail;
mod workers;
mod writer;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use madang_domain::ports::{BoxFuture, GroupOutcome, LogPage, LogQuery, Store, StoreError};
use madang_domain::{
    Agent, Caller, ClaimOutcome, DraftGroup, Position, Room, RoomHead, RoomId, Seq, Timestamp,
    UserId,
};

pub use migrations::{Migration, migrate, schema_version};
pub use options::{READERS_MAX, SqliteOptions, Synchronous};

use crate::DataLock;
use connection::{open_reader, open_writer};
use delivered::Marks;
use reader::Reader;
use tail::Tail;
use workers::{Workers, wait};
use writer::Writer;

/// A store in one SQLite file. Dropping it waits for what is queued, so not to be dropped on a
/// thread that must not block.
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they must end: the write-ahead log can be emptied when nobody reads.
    readers: Workers<Reader>,
    writer: Workers<Writer>,
    marks: Arc<Marks>,
    _lock: DataLock,
}

impl SqliteStore {
    /// Opens or makes the database at `path` and brings its schema up to date. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: another process has it (it is locked by a file beside it, with
    /// `.lock` added to its name), or it cannot be opened or written. [`StoreError::Corrupt`]: a
    /// newer schema, a file of another program, or damaged.
    pub fn open(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        let mut lock_path = OsString::from(path);
        lock_path.push(".lock");
        let lock = DataLock::acquire_file(lock_path.into())?;
        let mut connection = open_writer(path, options)?;
        migrations::apply(&mut connection)?;
        let tail = Arc::new(Tail::default());
        let marks = Arc::new(Marks::default());
        let writer = Writer::new(
            connection,
            Arc::clone(&tail),
            Arc::clone(&marks),
            options.merge_rows,
        )?;
        let readers = (0..options.readers.clamp(1, READERS_MAX))
            .map(|_| {
                let connection = open_reader(path, options)?;
                let tail = Arc::clone(&tail);
                Ok(Reader { connection, tail })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Self {
            readers: Workers::readers(readers)?,
            writer: Workers::writer(writer)?,
            marks,
            _lock: lock,
        })
    }

    async fn open_room(&self, customer: &Caller, now: Timestamp) -> Result<Room, StoreError> {
        // A user id is a text by the same rules as a room id.
        let id = RoomId::new(customer.user.as_str())
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        // Most calls find the room as it should be: that needs no turn of the writer.
        if let Some(room) = self.room(&id).await?
            && rooms::is_fresh(&room, customer)
        {
            return Ok(room);
        }
        let customer = customer.clone();
        let open = move |writer: &mut Writer| writer.open_support_room(&id, &customer, now);
        self.writer.run(open).await
    }
}

impl Store for SqliteStore {
    fn append(
        &self,
        groups: Vec<DraftGroup>,
    ) -> BoxFuture<'_, Result<Vec<GroupOutcome>, StoreError>> {
        let answer = self.writer.submit(move |writer| writer.append(&groups));
        Box::pin(async move { wait(answer?).await })
    }

    fn open_support_room<'a>(
        &'a self,
        customer: &'a Caller,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Room, StoreError>> {
        Box::pin(self.open_room(customer, now))
    }

    fn claim_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a Agent,
    ) -> BoxFuture<'a, Result<ClaimOutcome, StoreError>> {
        let (room, agent) = (room.clone(), agent.clone());
        Box::pin(
            self.writer
                .run(move |writer| writer.claim_room(&room, &agent)),
        )
    }

    fn complete_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a UserId,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let (room, agent) = (room.clone(), agent.clone());
        Box::pin(
            self.writer
                .run(move |writer| writer.complete_room(&room, &agent)),
        )
    }

    fn delete_room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<bool, StoreError>> {
        let room = room.clone();
        Box::pin(self.writer.run(move |writer| writer.delete_room(&room)))
    }

    fn room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<Room>, StoreError>> {
        let room = room.clone();
        Box::pin(self.readers.run(move |reader| reader.room(&room)))
    }

    fn heads<'a>(
        &'a self,
        rooms: &'a [RoomId],
    ) -> BoxFuture<'a, Result<Vec<Option<RoomHead>>, StoreError>> {
        let rooms = rooms.to_vec();
        Box::pin(self.readers.run(move |reader| reader.heads(&rooms)))
    }

    fn read_log<'a>(
        &'a self,
        room: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<LogPage>, StoreError>> {
        let room = room.clone();
        Box::pin(
            self.readers
                .run(move |reader| reader.read_log(&room, query, limit)),
        )
    }

    fn waiting_rooms(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Room>, StoreError>> {
        Box::pin(self.readers.run(move |reader| reader.waiting_rooms(limit)))
    }

    fn rooms_of_agent<'a>(
        &'a self,
        agent: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Room>, StoreError>> {
        let agent = agent.clone();
        Box::pin(
            self.readers
                .run(move |reader| reader.rooms_of_agent(&agent, limit)),
        )
    }

    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (room, user) = (room.clone(), user.clone());
        Box::pin(async move {
            let kept = self.marks.push(room, user, position);
            let flush = |writer: &mut Writer| {
                writer.flush_marks();
                Ok(())
            };
            self.writer.run(flush).await?;
            match kept.await {
                Ok(result) => result.map_err(StoreError::Unavailable),
                Err(_) => Err(StoreError::OutcomeUnknown("the job panicked".to_owned())),
            }
        })
    }

    fn delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Seq, StoreError>> {
        let (room, user) = (room.clone(), user.clone());
        Box::pin(
            self.readers
                .run(move |reader| reader.delivered(&room, &user)),
        )
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.run(Writer::check))
    }
}
