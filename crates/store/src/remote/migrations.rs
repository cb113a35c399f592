//! Numbered schema changes of database servers, each applied once, under a lock that nodes which start at
//! the same time wait for. A change only adds what a node of the version before can live with.

use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};

use super::link::MigrateError;

/// Changes of PostgreSQL, the first of them number 1.
const POSTGRES: &[&str] = &[
    include_str!("../../migrations/postgres/0001_rooms.sql"),
    include_str!("../../migrations/postgres/0002_presence.sql"),
];

/// Changes of MySQL and MariaDB. Statements commit one by one there: each may be run again.
const MYSQL: &[&str] = &[
    include_str!("../../migrations/mysql/0001_rooms.sql"),
    include_str!("../../migrations/mysql/0002_presence.sql"),
];

/// Between the statements of one change, where a server takes one at a time.
const SEPARATOR: &str = "\n--;\n";

/// What keeps the numbers of the changes that were made.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS madang_schema (version BIGINT PRIMARY KEY)";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM madang_schema";

/// The advisory lock's key: "Mdng".
const LOCK: i64 = 0x4d64_6e67;

pub(super) async fn postgres(connection: &mut PgConnection) -> Result<(), MigrateError> {
    // A table that is there already is no news.
    for sql in ["SET client_min_messages = warning", "BEGIN"] {
        connection.execute(sqlx::raw_sql(sql)).await?;
    }
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
    connection.execute(lock).await?;
    connection.execute(sqlx::raw_sql(TABLE)).await?;
    let version: i64 = connection
        .fetch_one(sqlx::raw_sql(VERSION))
        .await?
        .try_get(0)?;
    for (number, change) in missing(version, POSTGRES)? {
        connection.execute(sqlx::raw_sql(*change)).await?;
        let note = sqlx::query("INSERT INTO madang_schema (version) VALUES ($1)").bind(number);
        connection.execute(note).await?;
    }
    connection.execute(sqlx::raw_sql("COMMIT")).await?;
    Ok(())
}

pub(super) async fn mysql(connection: &mut MySqlConnection) -> Result<(), MigrateError> {
    // Of this database alone: the lock is the server's.
    let lock = "SELECT get_lock(concat('madang ', database()), 600)";
    let is_locked: Option<i64> = connection
        .fetch_one(sqlx::raw_sql(lock))
        .await?
        .try_get_unchecked(0)?;
    if is_locked != Some(1) {
        return Err(sqlx::Error::Protocol("the schema is locked".to_owned()).into());
    }
    let applied = apply_mysql(connection).await;
    let free = "SELECT release_lock(concat('madang ', database()))";
    connection.execute(sqlx::raw_sql(free)).await?;
    applied
}

async fn apply_mysql(connection: &mut MySqlConnection) -> Result<(), MigrateError> {
    connection.execute(sqlx::raw_sql(TABLE)).await?;
    let version: i64 = connection
        .fetch_one(sqlx::raw_sql(VERSION))
        .await?
        .try_get_unchecked(0)?;
    for (number, change) in missing(version, MYSQL)? {
        for statement in change.split(SEPARATOR) {
            connection.execute(sqlx::raw_sql(statement)).await?;
        }
        let note = sqlx::query("INSERT INTO madang_schema (version) VALUES (?)").bind(number);
        connection.execute(note).await?;
    }
    Ok(())
}

/// The changes behind a version, with their numbers.
fn missing<'a>(
    version: i64,
    known: &'a [&'static str],
) -> Result<impl Iterator<Item = (i64, &'a &'static str)>, MigrateError> {
    let newest = known.len();
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > newest {
        return Err(MigrateError::Newer(format!(
            "its schema version is {version}; this build knows versions up to {newest}: use a newer build"
        )));
    }
    Ok((done + 1..).map(|number| number as i64).zip(&known[done..]))
}
