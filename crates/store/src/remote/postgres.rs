//! PostgreSQL, from 15 on.

use std::str::FromStr;
use std::sync::Arc;

use futures_util::TryStreamExt;
use madang_domain::ports::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::dialect::Words;
use super::link::{Brand, Fault, MigrateError, Purpose};
use super::migrations;
use super::options::{RemoteOptions, UrlError};
use super::statements::NEXT_PURGE;
use super::values::{Values, bound, column, row, statements};
use crate::relational::database::{Each, Row};
use crate::relational::log::Purges;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;

/// A lock is waited for longer than a transaction of somebody who hangs is left alone.
const SESSION: &str = "SET lock_timeout = '8s'; SET idle_in_transaction_session_timeout = '4s'";

#[derive(Debug)]
pub(super) struct Postgres;

impl Brand for Postgres {
    const WORDS: Words = Words::Postgres;
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const PURGES: Purges = Purges {
        next: NEXT_PURGE,
        rest: &[
            "DELETE FROM filters WHERE place IN (SELECT place FROM filters
             WHERE place >= ?1 << 32 AND place < (?1 + 1) << 32 LIMIT ?2)",
            "DELETE FROM delivered WHERE ctid IN
             (SELECT ctid FROM delivered WHERE room_no = ?1 LIMIT ?2)",
            "DELETE FROM members WHERE ctid IN
             (SELECT ctid FROM members WHERE room_no = ?1 LIMIT ?2)",
            "DELETE FROM removed WHERE ctid IN
             (SELECT ctid FROM removed WHERE room_no = ?1 LIMIT ?2)",
        ],
    };
    type Connection = PgConnection;
    type Address = PgConnectOptions;

    fn address(url: &str) -> Result<PgConnectOptions, UrlError> {
        let options =
            PgConnectOptions::from_str(url).map_err(|error| UrlError::Part(error.to_string()))?;
        if options.get_database().is_none() {
            return Err(UrlError::Database);
        }
        Ok(options
            .application_name("madang")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging())
    }

    async fn connect(
        address: &PgConnectOptions,
        options: &RemoteOptions,
        _: Purpose,
    ) -> Result<PgConnection, sqlx::Error> {
        let mut connection = address.connect().await?;
        let timeout = options.statement_timeout.as_millis();
        let session = format!("{SESSION}; SET statement_timeout = {timeout}");
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(session)))
            .await?;
        Ok(connection)
    }

    async fn migrate(address: &PgConnectOptions) -> Result<(), MigrateError> {
        let mut connection = address.connect().await?;
        migrations::postgres(&mut connection).await?;
        Ok(connection.close().await?)
    }

    statements!(PgConnection);

    async fn insert(
        connection: &mut PgConnection,
        sql: Arc<str>,
        key: &'static str,
        values: Values<'_>,
    ) -> Result<i64, sqlx::Error> {
        let sql = format!("{sql} RETURNING {key}").into();
        let row = connection.fetch_one(bound(sql, values)?).await?;
        sqlx::Row::try_get(&row, 0)
    }

    fn fault(error: &sqlx::Error) -> Fault {
        let sqlx::Error::Database(error) = error else {
            return Fault::Broken;
        };
        let code = error.code().unwrap_or_default();
        match &*code {
            // serialization_failure, deadlock_detected, unique_violation
            "40001" | "40P01" | "23505" => Fault::Again,
            // lock_not_available
            "55P03" => Fault::Waited,
            // idle_in_transaction_session_timeout; read_only_sql_transaction: no longer the primary
            "25P03" | "25006" => Fault::Broken,
            // Connections that fail; operator intervention but for query_canceled.
            code if code.starts_with("08") => Fault::Broken,
            code if code.starts_with("57P") => Fault::Broken,
            _ => Fault::Other,
        }
    }

    /// Its messages name constraints; values are in the details, which nobody asks for.
    fn describe(error: &sqlx::Error) -> String {
        let sqlx::Error::Database(error) = error else {
            return error.to_string();
        };
        let code = error.code().unwrap_or_default();
        format!("{} (SQLSTATE {code})", error.message())
    }
}

row!(PgRow);
