//! A database that is older than what it once answered: numbers that it gave out are given out again.
//!
//! A client that has seen them would go on behind them and miss what has them now. Another epoch makes
//! it read anew.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use madang_domain::ports::StoreError;
use rusqlite::Connection;

use super::connection::open_writer;
use super::options::{SqliteOptions, Synchronous};
use super::sql::execute;
use super::{lock, migrations};

/// Gives every room another epoch, in one transaction; answers how many there are. To be called once
/// an older copy of the database was put in place.
///
/// # Errors
/// [`StoreError::Unavailable`]: a server has the database, or it cannot be written.
/// [`StoreError::Corrupt`]: a newer schema, or not a database of ours. Nothing was changed.
pub fn renew_epochs(path: &Path) -> Result<usize, StoreError> {
    let _lock = lock(path)?;
    let mut connection = open_writer(path, &SqliteOptions::default())?;
    migrations::apply(&mut connection)?;
    renew(&connection)
}

pub(super) fn renew(connection: &Connection) -> Result<usize, StoreError> {
    execute(
        connection,
        "UPDATE rooms SET epoch = 1 + abs(random() % 9223372036854775807)",
        [],
    )
}

/// Whether a crash of the machine may have taken commits that were answered: not with every commit
/// synced, and not after an orderly end, which empties the write-ahead log.
pub(super) fn may_have_lost(path: &Path, synchronous: Synchronous) -> bool {
    let mut log = OsString::from(path);
    log.push("-wal");
    let is_unclean = fs::metadata(log).is_ok_and(|log| log.len() > 0);
    is_unclean && matches!(synchronous, Synchronous::Normal)
}
