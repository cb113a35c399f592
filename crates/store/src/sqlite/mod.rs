//! The [`Store`](madang_domain::ports::Store) on SQLite: one file, one process.
//!
//! # Threads
//! One thread writes, a few read, each with a connection of its own and a bounded queue. Every
//! commit is in the write-ahead log on disk before it is answered (`synchronous = FULL`; see
//! `restored` for the other mode). Nothing polls, but for the emptying of the log while a reader needs it. Dropping the store finishes what is queued, then empties the write-ahead log.
//!
//! # Schema, and why
//! What an append costs is the pages it dirties: each is copied to the write-ahead log with a
//! checksum and later to the file. A table ordered by (room, seq) with an index of client ids
//! dirties two pages or more per message when 64 senders write into 64 of 1,000 rooms: measured
//! 35 µs of CPU per message. A table in order of arrival dirties one page per 14 messages, but
//! scatters each room's history. So an entry is written twice:
//!
//! - `journal`, in order of arrival, by the transaction that accepts it: this is what makes it
//!   durable. The writer and the readers find its rows in memory (`tail`), which is loaded from
//!   the journal at start.
//! - `messages`, ordered by (room, seq), with `client_ids`, `sent` and `filters`, by merging some
//!   16,000 journal rows at a time, sorted by room, in steps of a few milliseconds between the
//!   batches. `logs.last_seq` moves in the same transaction and says up to where a room is merged,
//!   so that an entry counts exactly once, whenever the process ends.
//!
//! An entry that is edited or deleted is changed where it is, in the transaction that appends the
//! event that says so; nothing keeps what it said before.
//!
//! Each entry of a log knows how many countable ones there are up to it, and each member how many of
//! their own are behind their mark: so what is unread is a difference of three numbers (`lists`,
//! `sent`). Rows of `rooms` change only with who may do what, `members` with who belongs and has
//! read; neither is touched by an append. Words are found by `filter` and `search`.
//!
//! Deleting a room deletes its rows in `rooms` and `logs`, by which everything finds it, and notes
//! the rest in `purges`, which is worked off in the same steps. Room numbers are never given out
//! again.

mod connection;
mod emptying;
mod journal;
mod merge;
mod migrations;
mod options;
mod reader;
mod restored;
mod sent;
mod tail;
mod unmerged;
mod writer;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use madang_domain::ports::StoreError;

pub use migrations::{Migration, migrate, schema_version};
pub use options::{READERS_MAX, SqliteOptions, Synchronous};
pub use restored::renew_epochs;

pub use reader::Reader;
pub use writer::Writer;

use crate::{DataLock, RelationalStore};
use connection::{open_reader, open_writer};
use tail::Tail;

/// A store in one SQLite file.
pub type SqliteStore = RelationalStore<Reader, Writer>;

impl SqliteStore {
    /// Opens or makes the database at `path` and brings its schema up to date. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: another process has it (it is locked by a file beside it, with
    /// `.lock` added to its name), or it cannot be opened or written. [`StoreError::Corrupt`]: a
    /// newer schema, a file of another program, or damaged.
    pub fn open(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let mut connection = open_writer(path, options)?;
        migrations::apply(&mut connection)?;
        restored::begin_run(&connection, options.synchronous)?;
        let tail = Arc::new(Tail::default());
        let writer = Writer::new(connection, Arc::clone(&tail), options)?;
        let count = options.readers.clamp(1, READERS_MAX);
        let readers = (0..count)
            .map(|_| {
                let connection = open_reader(path, options)?;
                let tail = Arc::clone(&tail);
                Ok(Reader { connection, tail })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Self::start(readers, vec![writer], Some(lock))
    }
}

/// Keeps other processes away from the database at `path`.
fn lock(path: &Path) -> Result<DataLock, StoreError> {
    let mut lock_path = OsString::from(path);
    lock_path.push(".lock");
    DataLock::acquire_file(lock_path.into())
}
