//! MySQL, from 8.0 on, and MariaDB, from 10.11 on.

use std::str::FromStr;
use std::sync::Arc;

use futures_util::TryStreamExt;
use madang_domain::ports::StoreError;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
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

/// Names in double quotes, and no silent change of values. MariaDB leaves a transaction of somebody who
/// hangs alone for less than a lock is waited for; MySQL for longer: there it is waited for again.
const SESSION: &str =
    "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
     SESSION innodb_lock_wait_timeout = 8";

/// What MariaDB has, and MySQL's nearest: that one ends idle connections, in a transaction or not.
const MARIADB: &str = "SET SESSION idle_transaction_timeout = 4, SESSION max_statement_time = ";
const MYSQL: &str = "SET SESSION wait_timeout = 30, SESSION max_execution_time = ";

#[derive(Debug)]
pub(super) struct MySql;

impl Brand for MySql {
    const WORDS: Words = Words::MySql;
    const BEGIN_WRITE: &'static str = "START TRANSACTION READ WRITE";
    const BEGIN_READ: &'static str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const PURGES: Purges = Purges {
        next: NEXT_PURGE,
        rest: &[
            "DELETE FROM filters
             WHERE place >= ?1 << 32 AND place < (?1 + 1) << 32 LIMIT ?2",
            "DELETE FROM delivered WHERE room_no = ?1 LIMIT ?2",
            "DELETE FROM members WHERE room_no = ?1 LIMIT ?2",
            "DELETE FROM removed WHERE room_no = ?1 LIMIT ?2",
        ],
    };
    type Connection = MySqlConnection;
    type Address = MySqlConnectOptions;

    fn address(url: &str) -> Result<MySqlConnectOptions, UrlError> {
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|error| UrlError::Part(error.to_string()))?;
        if options.get_database().is_none() {
            return Err(UrlError::Database);
        }
        Ok(options
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging())
    }

    async fn connect(
        address: &MySqlConnectOptions,
        options: &RemoteOptions,
        purpose: Purpose,
    ) -> Result<MySqlConnection, sqlx::Error> {
        let mut connection = address.connect().await?;
        let version = connection
            .fetch_one(sqlx::raw_sql("SELECT version()"))
            .await?;
        let version: String = sqlx::Row::try_get_unchecked(&version, 0)?;
        let timeout = options.statement_timeout;
        let limits = match version.contains("MariaDB") {
            true => format!("{MARIADB}{}", timeout.as_secs_f64()),
            false => format!("{MYSQL}{}", timeout.as_millis()),
        };
        let isolation = match purpose {
            Purpose::Write => "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            Purpose::Read => "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        };
        for setting in [SESSION, isolation] {
            connection.execute(sqlx::raw_sql(setting)).await?;
        }
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(limits)))
            .await?;
        Ok(connection)
    }

    async fn migrate(address: &MySqlConnectOptions) -> Result<(), MigrateError> {
        let mut connection = address.connect().await?;
        migrations::mysql(&mut connection).await?;
        Ok(connection.close().await?)
    }

    statements!(MySqlConnection);

    async fn insert(
        connection: &mut MySqlConnection,
        sql: Arc<str>,
        _: &'static str,
        values: Values<'_>,
    ) -> Result<i64, sqlx::Error> {
        let inserted = connection.execute(bound(sql, values)?).await?;
        Ok(inserted.last_insert_id().cast_signed())
    }

    fn fault(error: &sqlx::Error) -> Fault {
        let Some(number) = number(error) else {
            return Fault::Broken;
        };
        match number {
            // ER_LOCK_DEADLOCK, ER_DUP_ENTRY, ER_CHECKREAD
            1213 | 1062 | 1020 => Fault::Again,
            // ER_LOCK_WAIT_TIMEOUT
            1205 => Fault::Waited,
            // ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED,
            // ER_OPTION_PREVENTS_STATEMENT: no longer the primary; idle too long
            1053 | 1927 | 1290 | 4031 => Fault::Broken,
            _ => Fault::Other,
        }
    }

    fn describe(error: &sqlx::Error) -> String {
        match number(error) {
            // Those that say which value was a duplicate, too long, or no number.
            Some(number @ (1062 | 1264..=1292 | 1366 | 1406)) => format!("MySQL error {number}"),
            _ => error.to_string(),
        }
    }
}

/// Of an error of the server's.
fn number(error: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(error) = error else {
        return None;
    };
    let error = error.try_downcast_ref::<MySqlDatabaseError>();
    Some(error.map_or(0, MySqlDatabaseError::number))
}

row!(MySqlRow);
