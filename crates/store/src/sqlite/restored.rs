//! A database that is older than what it once answered: numbers that it gave out are given out again.
//!
//! A client that has seen them would go on behind them and miss what has them now. Another epoch makes
//! it read anew.

use std::path::Path;

use madang_domain::ports::StoreError;
use rusqlite::Connection;

use super::connection::{open_writer, unavailable};
use super::options::{SqliteOptions, Synchronous};

use super::{lock, migrations};
use crate::relational::database::{execute, first, values};

/// Gives every room another epoch, in one transaction; answers how many there are. To be called once
/// an older copy of the database was put in place.
///
/// # Errors
/// [`StoreError::Unavailable`]: there is no database, a server has it, or it cannot be written.
/// [`StoreError::Corrupt`]: a newer schema, or not a database of ours. Nothing was changed.
pub fn renew_epochs(path: &Path) -> Result<usize, StoreError> {
    if !path.exists() {
        let problem = format!("there is no database {}", path.display());
        return Err(StoreError::Unavailable(problem));
    }
    let _lock = lock(path)?;
    let mut connection = open_writer(path, &SqliteOptions::default())?;
    migrations::apply(&mut connection)?;
    renew(&connection)
}

/// Renews the epochs if commits that were answered may have been lost with the machine's power: the
/// last run did not sync each, and did not come to an orderly end. Notes whether this run syncs.
pub(super) fn begin_run(
    connection: &Connection,
    synchronous: Synchronous,
) -> Result<(), StoreError> {
    let find = "SELECT 1 FROM settings WHERE name = 'unsynced'";
    if first(connection, find, values![], |_| Ok(()))?.is_some() {
        renew(connection)?;
        forget_run(connection)?;
    }
    if matches!(synchronous, Synchronous::Full) {
        return Ok(());
    }
    let sync = |level: &str| {
        let set = connection.pragma_update(None, "synchronous", level);
        set.map_err(unavailable)
    };
    // The note itself must not be lost.
    sync("FULL")?;
    let note = "INSERT INTO settings (name, value) VALUES ('unsynced', x'01')";
    execute(connection, note, values![])?;
    sync("NORMAL")
}

/// At an orderly end, before the write-ahead log is emptied, which syncs all there is.
pub(super) fn forget_run(connection: &Connection) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM settings WHERE name = 'unsynced'",
        values![],
    )
    .map(drop)
}

fn renew(connection: &Connection) -> Result<usize, StoreError> {
    // Of 48 bits and above zero, as `Epoch` has them.
    let renew = "UPDATE rooms SET epoch = max(1, random() & 281474976710655)";
    let renewed = execute(connection, renew, values![])?;
    Ok(usize::try_from(renewed).unwrap_or(usize::MAX))
}
