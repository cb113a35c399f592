//! What goes into a statement and comes out of it: the same on every server but for the types of its driver.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use sqlx::query::Query;
use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Database, Decode, Encode, IntoArguments, Row, Type,
};

use crate::relational::database::{Value, damaged};

/// The values of a statement, in the order of its places.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    values: &'a [Value<'a>],
    /// `None`: as they stand.
    order: Option<&'a [usize]>,
}

impl<'a> Values<'a> {
    pub(super) const fn as_they_stand(values: &'a [Value<'a>]) -> Self {
        Self {
            values,
            order: None,
        }
    }

    /// The value of each place, by its index: some more than once, others not at all.
    pub(super) const fn in_order(values: &'a [Value<'a>], order: &'a [usize]) -> Self {
        Self {
            values,
            order: Some(order),
        }
    }

    fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let count = self.order.map_or(self.values.len(), <[usize]>::len);
        (0..count).map(move |at| self.values[self.order.map_or(at, |order| order[at])])
    }
}

/// A statement and its values, as the driver takes them.
///
/// # Errors
/// [`sqlx::Error::Encode`]: the driver cannot say one of them.
pub(super) fn bound<'q, D: Database>(
    sql: Arc<str>,
    values: Values<'_>,
) -> Result<Query<'q, D, D::Arguments>, sqlx::Error>
where
    D::Arguments: IntoArguments<D>,
    for<'v> Option<i64>: Encode<'v, D> + Type<D>,
    for<'v> Option<&'v str>: Encode<'v, D> + Type<D>,
    for<'v> Option<&'v [u8]>: Encode<'v, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for value in values.iter() {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(AssertSqlSafe(sql), arguments))
}

/// A column of an answer, which is of the type that the schema says.
///
/// # Errors
/// [`StoreError::Corrupt`]: it is not.
pub(super) fn column<'r, R, T>(row: &'r R, column: usize) -> Result<T, StoreError>
where
    R: Row,
    usize: ColumnIndex<R>,
    T: Decode<'r, R::Database>,
{
    row.try_get_unchecked(column)
        .map_err(|error| damaged(column, error))
}

/// How a [`Brand`](super::link::Brand) runs what it does not say in a way of its own.
macro_rules! statements {
    ($connection:ty) => {
        async fn control(
            connection: &mut $connection,
            sql: &'static str,
        ) -> Result<(), sqlx::Error> {
            connection.execute(sqlx::raw_sql(sql)).await.map(drop)
        }

        async fn execute(
            connection: &mut $connection,
            sql: Arc<str>,
            values: Values<'_>,
        ) -> Result<u64, sqlx::Error> {
            let done = connection.execute(bound(sql, values)?).await?;
            Ok(done.rows_affected())
        }

        async fn query(
            connection: &mut $connection,
            sql: Arc<str>,
            values: Values<'_>,
            each: Each<'_>,
        ) -> Result<Result<(), StoreError>, sqlx::Error> {
            let mut rows = connection.fetch(bound(sql, values)?);
            while let Some(row) = rows.try_next().await? {
                match each(&row) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        }
    };
}
pub(super) use statements;

/// A driver's row as the rest of this crate reads it.
macro_rules! row {
    ($row:ty) => {
        impl Row for $row {
            fn opt_int(&self, index: usize) -> Result<Option<i64>, StoreError> {
                column(self, index)
            }

            fn opt_str(&self, index: usize) -> Result<Option<&str>, StoreError> {
                column(self, index)
            }

            fn bytes(&self, index: usize) -> Result<&[u8], StoreError> {
                column(self, index)
            }
        }
    };
}
pub(super) use row;
