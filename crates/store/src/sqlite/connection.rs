//! Opening connections and naming their errors.

use std::path::Path;

use madang_domain::ports::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::options::{SqliteOptions, Synchronous};

/// WAL pages (4 KiB each) after which the writer checkpoints. 16 MiB: the tail of the journal is
/// written to the WAL by every batch and to the database once per checkpoint, so a small value
/// writes the same page again and again; a larger one lengthens the one batch that pays for it.
const WAL_AUTOCHECKPOINT_PAGES: u32 = 4_096;

/// Statements are a closed set; this holds them all.
const STATEMENT_CACHE: usize = 256;

pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    // Before journal_mode: the switch to WAL needs the lock, too.
    connection
        .busy_timeout(options.busy_timeout)
        .map_err(unavailable)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    let cache_kib = options.writer_cache_bytes / 1024;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = 4096;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = {WAL_AUTOCHECKPOINT_PAGES};
             PRAGMA cache_size = -{cache_kib};
             PRAGMA temp_store = MEMORY;
             PRAGMA secure_delete = ON;
             PRAGMA trusted_schema = OFF;"
        ))
        .map_err(unavailable)?;
    if let Some(pages) = options.pages_max {
        connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(unavailable)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    // Not SQLITE_OPEN_READ_ONLY: such a connection cannot make the WAL's shared memory.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    connection
        .busy_timeout(options.busy_timeout)
        .map_err(unavailable)?;
    let cache_kib = options.reader_cache_bytes / 1024;
    connection
        .execute_batch(&format!(
            "PRAGMA query_only = ON;
             PRAGMA cache_size = -{cache_kib};
             PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF;"
        ))
        .map_err(unavailable)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// An error after which nothing is done: all but those of COMMIT.
pub(super) fn unavailable(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _)
            if matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
            ) =>
        {
            StoreError::Corrupt(error.to_string())
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// An error of COMMIT. After a failed sync the commit record may be on disk and count after a
/// crash, although this process rolled back.
pub(super) fn commit_failed(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _)
            if failure.code == ErrorCode::SystemIoFailure =>
        {
            StoreError::OutcomeUnknown(error.to_string())
        }
        _ => unavailable(error),
    }
}
