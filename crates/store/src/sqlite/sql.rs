//! Running statements and reading columns.

use std::fmt::Display;
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{Seq, Timestamp, UserId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::connection::unavailable;

/// Rows that were changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> Result<usize, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map_err(unavailable)
}

/// The first row.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, row).optional())
        .map_err(unavailable)
}

/// Every row.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(values, row)?.collect())
        .map_err(unavailable)
}

/// Rows as long as `goes_on` says so of the one before, and whether it did to the end.
pub(super) fn all_while<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    row: &mut impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    mut goes_on: impl FnMut(&T) -> bool,
) -> Result<(Vec<T>, bool), StoreError> {
    let read = || {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(next) = rows.next()? {
            let next = row(next)?;
            let goes_on = goes_on(&next);
            found.push(next);
            if !goes_on {
                return Ok((found, false));
            }
        }
        Ok((found, true))
    };
    read().map_err(unavailable)
}

/// A limit as SQLite takes it; more rows than it can count do not exist.
pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A stored text that breaks the rules of ids, or a number out of range: not written by us.
pub(super) fn damaged(column: usize, what: impl Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.to_string().into())
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let n = row.get::<_, i64>(column)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, n))
}

pub(super) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    number(row, column).map(Seq::new)
}

pub(super) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn user_id(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let text = row.get_ref(column)?.as_str()?;
    UserId::new(text).map_err(|error| damaged(column, error))
}

pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Arc<str>>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Arc::from))
}

/// What a number of [`crate::numbers`] stands for.
pub(super) fn one_of<T>(
    row: &Row<'_>,
    column: usize,
    known: impl FnOnce(u8) -> Option<T>,
) -> rusqlite::Result<T> {
    let number = row.get::<_, u8>(column)?;
    known(number).ok_or_else(|| damaged(column, format_args!("no such number: {number}")))
}

/// Numbers as SQLite has them: signed.
pub(super) const fn signed(seq: Seq) -> i64 {
    seq.get().cast_signed()
}
