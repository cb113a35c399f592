//! Opening connections, running statements, and naming errors.

use std::path::Path;

use madang_domain::ports::StoreError;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::options::{SqliteOptions, Synchronous};
use crate::relational::database::{Database, Each, Row, Run, Value, damaged};

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

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Int(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
            Self::Blob(value) => value.to_sql(),
        }
    }
}

impl Database for Connection {
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(unavailable)?;
        let changed = statement.execute(params_from_iter(values));
        changed.map(|rows| rows as u64).map_err(unavailable)
    }

    fn execute_each(
        &self,
        sql: &'static str,
        rows: usize,
        row: &mut dyn FnMut(usize, Run<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(unavailable)?;
        for index in 0..rows {
            row(index, &mut |values| {
                let done = statement.execute(params_from_iter(values));
                done.map(drop).map_err(unavailable)
            })?;
        }
        Ok(())
    }

    fn insert(
        &self,
        sql: &'static str,
        _: &'static str,
        values: &[Value<'_>],
    ) -> Result<i64, StoreError> {
        Database::execute(self, sql, values)?;
        Ok(self.last_insert_rowid())
    }

    fn query(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(unavailable)?;
        let mut rows = (statement.query(params_from_iter(values))).map_err(unavailable)?;
        while let Some(row) = rows.next().map_err(unavailable)? {
            if !each(row)? {
                break;
            }
        }
        Ok(())
    }
}

impl Row for rusqlite::Row<'_> {
    fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        let value = self.get_ref(column).map_err(unavailable)?;
        value
            .as_i64_or_null()
            .map_err(|error| damaged(column, error))
    }

    fn opt_str(&self, column: usize) -> Result<Option<&str>, StoreError> {
        let value = self.get_ref(column).map_err(unavailable)?;
        value
            .as_str_or_null()
            .map_err(|error| damaged(column, error))
    }

    fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        let value = self.get_ref(column).map_err(unavailable)?;
        value.as_blob().map_err(|error| damaged(column, error))
    }
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
