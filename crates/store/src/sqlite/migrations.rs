//! Numbered schema changes; `PRAGMA user_version` says how many are applied.

use std::path::Path;

use madang_domain::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use super::connection::{commit_failed, open_writer, unavailable};
use super::options::SqliteOptions;
use crate::relational::database::{all, seq, values};
use crate::relational::filter;

/// One schema change.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3 … without gaps.
    pub version: u32,
    /// What it is for.
    pub name: &'static str,
    sql: &'static str,
    /// What SQL cannot do of it.
    rest: fn(&Connection) -> Result<(), StoreError>,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "support_rooms",
        sql: include_str!("../../migrations/sqlite/0001_support_rooms.sql"),
        rest: |_| Ok(()),
    },
    Migration {
        version: 2,
        name: "rooms_of_members",
        sql: include_str!("../../migrations/sqlite/0002_rooms_of_members.sql"),
        rest: build_filters,
    },
];

/// "Mdng" in the file's header, so that a database of another program is not taken for ours.
const APPLICATION_ID: i32 = 0x4d64_6e67;

/// The schema version that this build reads and writes.
#[must_use]
pub fn schema_version() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Brings the database at `path` to [`schema_version`], making it if it is missing; answers what
/// was applied, oldest first. All or nothing, under the write lock: two at once do not clash, the
/// second finds nothing to do.
///
/// # Errors
/// [`StoreError::Corrupt`]: a newer schema, or not a database of ours.
/// [`StoreError::Unavailable`]: locked, full, or not writable; nothing was changed.
pub fn migrate(path: &Path) -> Result<Vec<Migration>, StoreError> {
    let mut connection = open_writer(path, &SqliteOptions::default())?;
    apply(&mut connection)
}

pub(super) fn apply(connection: &mut Connection) -> Result<Vec<Migration>, StoreError> {
    apply_all(connection, MIGRATIONS)
}

/// As a build did that knew so many.
#[cfg(test)]
pub(super) fn apply_first(connection: &mut Connection, known: usize) -> Result<(), StoreError> {
    apply_all(connection, &MIGRATIONS[..known]).map(drop)
}

fn apply_all(
    connection: &mut Connection,
    known: &[Migration],
) -> Result<Vec<Migration>, StoreError> {
    // The lock comes before the look, or two would both find the same work to do.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(unavailable)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let found = pragma("user_version").map_err(unavailable)?;
    let application = pragma("application_id").map_err(unavailable)?;
    let tables: u32 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(unavailable)?;
    if application != APPLICATION_ID && (application != 0 || found != 0 || tables != 0) {
        return Err(StoreError::Corrupt(
            "the file is a database of another program".to_owned(),
        ));
    }
    let newest = known.last().map_or(0, |migration| migration.version);
    let found = u32::try_from(found)
        .map_err(|_| StoreError::Corrupt(format!("schema version {found} makes no sense")))?;
    if found > newest {
        return Err(StoreError::Corrupt(format!(
            "its schema version is {found}; this build knows versions up to {newest}: use a newer build"
        )));
    }
    let missing: Vec<Migration> = known
        .iter()
        .filter(|migration| migration.version > found)
        .copied()
        .collect();
    for migration in &missing {
        transaction
            .execute_batch(migration.sql)
            .map_err(unavailable)?;
        (migration.rest)(&transaction)?;
    }
    if !missing.is_empty() {
        transaction
            .execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {newest};"
            ))
            .map_err(unavailable)?;
    }
    transaction.commit().map_err(commit_failed)?;
    Ok(missing)
}

/// Makes the filters of all that is merged: of a database that had none.
fn build_filters(database: &Connection) -> Result<(), StoreError> {
    let logs = all(
        database,
        "SELECT l.room_no, l.oldest_seq, l.last_seq FROM logs AS l
         JOIN rooms AS r ON r.room_no = l.room_no WHERE r.kind BETWEEN 0 AND 3",
        values![],
        |row| Ok((row.int(0)?, seq(row, 1)?, seq(row, 2)?)),
    )?;
    for (room_no, oldest, last) in logs {
        filter::complete(database, room_no, oldest.previous(), last)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
        }
    }

    #[test]
    fn a_second_run_finds_nothing_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("madang.db");
        assert_eq!(migrate(&path).unwrap().len(), MIGRATIONS.len());
        assert!(migrate(&path).unwrap().is_empty());
    }

    #[test]
    fn many_at_once_apply_each_change_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("madang.db");
        let applied: usize = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| migrate(&path))).collect();
            runs.into_iter()
                .map(|run| run.join().unwrap().unwrap().len())
                .sum()
        });
        assert_eq!(applied, MIGRATIONS.len());
    }

    #[test]
    fn a_newer_schema_and_a_strangers_file_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("madang.db");
        migrate(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&path).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Corrupt(_)));
        assert!(text.contains("99") && text.contains(&schema_version().to_string()));

        let path = directory.path().join("other.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(migrate(&path), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn a_failing_change_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let bad = Migration {
            version: 2,
            name: "bad",
            sql: "CREATE TABLE half (x); NONSENSE;",
            rest: |_| Ok(()),
        };
        assert!(apply_all(&mut connection, &[MIGRATIONS[0], bad]).is_err());
        let tables: u32 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
