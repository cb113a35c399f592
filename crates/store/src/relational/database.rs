//! The database as the rest of this folder sees it: statements, values, rows.
//!
//! Statements are written once, in the words of SQLite: `?1` for a value, `INDEXED BY` and `CROSS JOIN … ON` where
//! SQLite has to be told how to look. An adapter that speaks another dialect translates them.

use std::fmt::Display;
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{RoomId, Seq, Timestamp, UserId};

/// A connection. Whoever has it has begun a transaction or a snapshot.
pub(crate) trait Database {
    /// Rows that were changed. An upsert may count otherwise: ask only whether there were any.
    ///
    /// # Errors
    /// [`StoreError`]: the transaction cannot go on.
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError>;

    /// As [`Database::execute`], for each of so many rows, the statement being looked up once: `row` hands
    /// the values of the one with that index to the function it is given.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn execute_each(
        &self,
        sql: &'static str,
        rows: usize,
        row: &mut dyn FnMut(usize, Run<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for index in 0..rows {
            row(index, &mut |values| self.execute(sql, values).map(drop))?;
        }
        Ok(())
    }

    /// Adds a row to a table that numbers its rows; answers its number, the column `key`.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn insert(
        &self,
        sql: &'static str,
        key: &'static str,
        values: &[Value<'_>],
    ) -> Result<i64, StoreError>;

    /// Rows, as long as `each` says to go on.
    ///
    /// # Errors
    /// As [`Database::execute`], and what `each` says.
    fn query(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError>;

    /// The rows of many keys, of a statement that ends in `= ?1`: in any order, and of a key that is
    /// asked for twice once or twice.
    ///
    /// # Errors
    /// As [`Database::query`].
    fn query_each(
        &self,
        sql: &'static str,
        keys: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for key in keys {
            self.query(sql, std::slice::from_ref(key), &mut |row| {
                each(row).map(|()| true)
            })?;
        }
        Ok(())
    }

    /// As [`Database::query`], and keeps others from changing the rows until the transaction ends: of a
    /// statement on one table. Nothing more where one writes at a time.
    ///
    /// # Errors
    /// As [`Database::query`].
    fn query_locked(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        self.query(sql, values, each)
    }

    /// What a query costs a search beside its rows, in bytes that are looked at.
    fn query_cost(&self) -> usize {
        0
    }

    /// Keeps others from changing rooms until the transaction ends, and waits for those who do.
    /// Nothing where one writes at a time.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn lock_rooms(&self, rooms: &[&RoomId]) -> Result<(), StoreError> {
        let _ = rooms;
        Ok(())
    }
}

/// Handles a row; whether to go on.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<bool, StoreError>;

/// Runs a statement with some values.
pub(crate) type Run<'a> = &'a mut dyn FnMut(&[Value<'_>]) -> Result<(), StoreError>;

/// What a statement is given. `None` is NULL.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Blob(Option<&'a [u8]>),
}

macro_rules! from_value {
    ($($from:ty => $variant:ident($value:ident) $made:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                Self::$variant($made)
            }
        })*
    };
}

from_value! {
    i64 => Int(value) Some(value);
    u8 => Int(value) Some(i64::from(value));
    Option<i64> => Int(value) value;
    Option<u8> => Int(value) value.map(i64::from);
    Seq => Int(value) Some(signed(value));
    Timestamp => Int(value) Some(value.as_micros());
    &'a str => Text(value) Some(value);
    Option<&'a str> => Text(value) value;
    &'a Option<String> => Text(value) value.as_deref();
    &'a [u8] => Blob(value) Some(value);
}

/// The values of a statement, each of a type that a database knows.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::relational::database::Value::from($value)),*]
    };
}
pub(crate) use values;

/// A row of an answer. Columns count from 0.
///
/// # Errors
/// [`StoreError::Corrupt`]: it is of another type than asked for.
pub(crate) trait Row {
    fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError>;
    fn opt_str(&self, column: usize) -> Result<Option<&str>, StoreError>;
    fn bytes(&self, column: usize) -> Result<&[u8], StoreError>;

    fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?
            .ok_or_else(|| damaged(column, "no number"))
    }

    fn str(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_str(column)?
            .ok_or_else(|| damaged(column, "no text"))
    }
}

/// The first row.
pub(crate) fn first<T>(
    database: &dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
    row: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    first_of(row, |each| database.query(sql, values, each))
}

/// The first row, which others do not change until the transaction ends.
pub(crate) fn first_locked<T>(
    database: &dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
    row: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    first_of(row, |each| database.query_locked(sql, values, each))
}

fn first_of<T>(
    row: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
    query: impl FnOnce(Each<'_>) -> Result<(), StoreError>,
) -> Result<Option<T>, StoreError> {
    let (mut found, mut row) = (None, Some(row));
    query(&mut |next| {
        if let Some(row) = row.take() {
            found = Some(row(next)?);
        }
        Ok(false)
    })?;
    Ok(found)
}

/// Every row.
pub(crate) fn all<T>(
    database: &dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
    mut row: impl FnMut(&dyn Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    database.query(sql, values, &mut |next| {
        found.push(row(next)?);
        Ok(true)
    })?;
    Ok(found)
}

/// Rows as long as `goes_on` says so of the one before, and whether it did to the end.
pub(crate) fn all_while<T>(
    database: &dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
    row: &mut impl FnMut(&dyn Row) -> Result<T, StoreError>,
    mut goes_on: impl FnMut(&T) -> bool,
) -> Result<(Vec<T>, bool), StoreError> {
    let (mut found, mut is_whole) = (Vec::new(), true);
    database.query(sql, values, &mut |next| {
        let next = row(next)?;
        is_whole = goes_on(&next);
        found.push(next);
        Ok(is_whole)
    })?;
    Ok((found, is_whole))
}

/// A limit as databases take it; more rows than they can count do not exist.
pub(crate) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A stored text that breaks the rules of ids, or a number out of range: not written by us.
pub(crate) fn damaged(column: usize, what: impl Display) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {what}"))
}

/// A number that is never negative.
pub(crate) fn number(row: &dyn Row, column: usize) -> Result<u64, StoreError> {
    let n = row.int(column)?;
    u64::try_from(n).map_err(|_| damaged(column, n))
}

pub(crate) fn seq(row: &dyn Row, column: usize) -> Result<Seq, StoreError> {
    number(row, column).map(Seq::new)
}

pub(crate) fn timestamp(row: &dyn Row, column: usize) -> Result<Timestamp, StoreError> {
    row.int(column).map(Timestamp::from_micros)
}

pub(crate) fn user_id(row: &dyn Row, column: usize) -> Result<UserId, StoreError> {
    UserId::new(row.str(column)?).map_err(|error| damaged(column, error))
}

pub(crate) fn text(row: &dyn Row, column: usize) -> Result<Option<Arc<str>>, StoreError> {
    Ok(row.opt_str(column)?.map(Arc::from))
}

/// What a number of [`crate::numbers`] stands for.
pub(crate) fn one_of<T>(
    row: &dyn Row,
    column: usize,
    known: impl FnOnce(u8) -> Option<T>,
) -> Result<T, StoreError> {
    let number = row.int(column)?;
    let known = u8::try_from(number).ok().and_then(known);
    known.ok_or_else(|| damaged(column, format_args!("no such number: {number}")))
}

/// Numbers as databases have them: signed.
pub(crate) const fn signed(seq: Seq) -> i64 {
    seq.get().cast_signed()
}

/// Rows that were changed.
pub(crate) fn execute(
    database: &dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<u64, StoreError> {
    database.execute(sql, values)
}
