//! A connection to a database server, and what becomes of it when something fails.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use madang_domain::RoomId;
use madang_domain::ports::StoreError;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use super::dialect::{Dialect, Words};
use super::options::{RemoteOptions, UrlError};
use super::statements;
use super::values::Values;
use crate::relational::database::{Database, Each, Row, Value};
use crate::relational::log::Purges;

/// What this side allows a statement beyond the server's own time-out.
const GRACE: Duration = Duration::from_secs(2);

/// How long a failed connection is not tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// How long the schema may take to be brought up to date, another node's turn included.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// Keys of one statement; more are several statements.
const KEYS_MAX: usize = 128;

/// What a failure says of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Others were in the way: the same may succeed when it is run again.
    Again,
    /// A lock was waited for in vain: it may be there once whoever hangs has lost it.
    Waited,
    /// The connection is of no use any more.
    Broken,
    /// Anything else.
    Other,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its transactions see what is committed when each statement begins.
    Write,
    /// Its transactions see one moment.
    Read,
}

/// A kind of database server. Values stand in the order of the statement's places.
pub(super) trait Brand: Send + Sync + Sized + 'static {
    const WORDS: Words;
    const BEGIN_WRITE: &'static str;
    const BEGIN_READ: &'static str;
    /// How it removes what is left of deleted rooms.
    const PURGES: Purges;
    type Connection: Send;
    type Address: Send + Sync;

    /// Reads a URL.
    fn address(url: &str) -> Result<Self::Address, UrlError>;

    /// Connects and prepares the session: its time-outs, and how it reads.
    async fn connect(
        address: &Self::Address,
        options: &RemoteOptions,
        purpose: Purpose,
    ) -> Result<Self::Connection, sqlx::Error>;

    /// Brings the schema up to date, by a connection without time-outs: another node may be at it.
    async fn migrate(address: &Self::Address) -> Result<(), MigrateError>;

    /// A statement without values or rows.
    async fn control(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> Result<(), sqlx::Error>;

    async fn execute(
        connection: &mut Self::Connection,
        sql: Arc<str>,
        values: Values<'_>,
    ) -> Result<u64, sqlx::Error>;

    /// Answers the number of the new row, its column `key`.
    async fn insert(
        connection: &mut Self::Connection,
        sql: Arc<str>,
        key: &'static str,
        values: Values<'_>,
    ) -> Result<i64, sqlx::Error>;

    async fn query(
        connection: &mut Self::Connection,
        sql: Arc<str>,
        values: Values<'_>,
        each: Each<'_>,
    ) -> Result<Result<(), StoreError>, sqlx::Error>;

    fn fault(error: &sqlx::Error) -> Fault;

    /// What happened, without the values that a server may put into its words.
    fn describe(error: &sqlx::Error) -> String;
}

/// Why the schema is not what is needed.
#[derive(Debug)]
pub(super) enum MigrateError {
    /// It is newer than this build.
    Newer(String),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

/// The database that all workers of a store use.
pub(super) struct Target<B: Brand> {
    address: B::Address,
    pub(super) options: RemoteOptions,
    /// Where it is, without who connects and how.
    place: String,
    /// Whether the schema is known to be up to date.
    is_current: Mutex<bool>,
    /// It was not reached when it was tried last.
    is_away: AtomicBool,
}

impl<B: Brand> Target<B> {
    pub(super) fn new(url: &str, options: &RemoteOptions) -> Result<Self, UrlError> {
        Ok(Self {
            address: B::address(url)?,
            options: options.clone(),
            place: place(url).to_owned(),
            is_current: Mutex::new(false),
            is_away: AtomicBool::new(false),
        })
    }
}

/// Host and database of a URL.
fn place(url: &str) -> &str {
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    let address = address.split('?').next().unwrap_or(address);
    address.rsplit_once('@').map_or(address, |(_, place)| place)
}

/// One connection, made when it is needed. Owned by a worker's thread, which it blocks.
pub(super) struct Session<B: Brand> {
    target: Arc<Target<B>>,
    purpose: Purpose,
    runtime: Runtime,
    state: RefCell<State<B>>,
    fault: Cell<Fault>,
}

struct State<B: Brand> {
    connection: Option<B::Connection>,
    dialect: Dialect,
    /// Why there is none, and until when that is believed.
    failed: Option<(String, Instant)>,
}

impl<B: Brand> std::fmt::Debug for Session<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl<B: Brand> Session<B> {
    pub(super) fn new(target: &Arc<Target<B>>, purpose: Purpose) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            target: Arc::clone(target),
            purpose,
            runtime,
            state: RefCell::new(State {
                connection: None,
                dialect: Dialect::new(B::WORDS),
                failed: None,
            }),
            fault: Cell::new(Fault::Other),
        })
    }

    /// Connects, if there is no connection.
    pub(super) fn ready(&self) -> Result<(), StoreError> {
        self.fault.set(Fault::Other);
        let state = &mut *self.state.borrow_mut();
        if state.connection.is_some() {
            return Ok(());
        }
        if let Some((reason, until)) = &state.failed
            && Instant::now() < *until
        {
            return Err(StoreError::Unavailable(reason.clone()));
        }
        match self.connect() {
            Ok(connection) => {
                state.connection = Some(connection);
                state.failed = None;
                if self.target.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!(database = self.target.place, "the database is there again");
                }
                Ok(())
            }
            Err(error) => {
                if !self.target.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(database = self.target.place, %error, "the database cannot be used");
                }
                if let StoreError::Unavailable(reason) = &error {
                    state.failed = Some((reason.clone(), Instant::now() + PAUSE));
                }
                Err(error)
            }
        }
    }

    fn connect(&self) -> Result<B::Connection, StoreError> {
        let Target {
            address, options, ..
        } = &*self.target;
        let connect = B::connect(address, options, self.purpose);
        let connected = self.within(options.connect_timeout, connect);
        let connection = connected?.map_err(|error| unavailable::<B>(&error))?;
        let mut is_current = self.target.is_current.lock();
        if !*is_current {
            self.migrate()?;
            *is_current = true;
        }
        Ok(connection)
    }

    fn migrate(&self) -> Result<(), StoreError> {
        let migrate = B::migrate(&self.target.address);
        match self.within(MIGRATION_TIMEOUT, migrate)? {
            Ok(()) => Ok(()),
            Err(MigrateError::Newer(reason)) => Err(StoreError::Corrupt(reason)),
            Err(MigrateError::Failed(error)) => Err(unavailable::<B>(&error)),
        }
    }

    fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, StoreError> {
        let done = async { tokio::time::timeout(limit, work).await };
        let late = |_| StoreError::Unavailable("the database does not answer".to_owned());
        self.runtime.block_on(done).map_err(late)
    }

    /// What the last failure said.
    pub(super) fn fault(&self) -> Fault {
        self.fault.get()
    }

    /// Lets the connection go, whatever state it is in.
    pub(super) fn break_off(&self) {
        self.state.borrow_mut().connection = None;
    }

    /// Runs a statement without values or rows.
    pub(super) fn control(&self, sql: &'static str) -> Result<(), StoreError> {
        self.run(async |connection, _| B::control(connection, sql).await)
    }

    /// # Errors
    /// [`StoreError::OutcomeUnknown`]: the connection broke meanwhile, or the server failed.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        match self.control("COMMIT") {
            // Others were in the way: nothing is done. Of every other error that is not sure.
            Err(StoreError::Unavailable(reason)) if self.fault() != Fault::Again => {
                // Not to be run again.
                self.fault.set(Fault::Other);
                Err(StoreError::OutcomeUnknown(reason))
            }
            committed => committed,
        }
    }

    /// Ends the transaction, if there is a connection that is in one.
    pub(super) fn roll_back(&self) {
        if self.state.borrow().connection.is_none() {
            return;
        }
        let fault = self.fault();
        if self.control("ROLLBACK").is_err() {
            self.break_off();
        }
        self.fault.set(fault);
    }

    /// Runs a statement that is made for so many rows.
    pub(super) fn execute_rows(
        &self,
        make: fn(Words, usize) -> String,
        rows: usize,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        self.run(async |connection, dialect| {
            let sql = dialect.of_rows(make, rows);
            B::execute(connection, sql, Values::as_they_stand(values)).await
        })
    }

    /// As [`Session::execute_rows`], and answers.
    pub(super) fn query_rows(
        &self,
        make: fn(Words, usize) -> String,
        rows: usize,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        self.run(async |connection, dialect| {
            let sql = dialect.of_rows(make, rows);
            B::query(connection, sql, Values::as_they_stand(values), each).await
        })?
    }

    fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut B::Connection, &mut Dialect) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let state = &mut *self.state.borrow_mut();
        self.fault.set(Fault::Other);
        let Some(connection) = &mut state.connection else {
            self.fault.set(Fault::Broken);
            return Err(StoreError::Unavailable("the connection broke".to_owned()));
        };
        let limit = self.target.options.statement_timeout + GRACE;
        let work = work(connection, &mut state.dialect);
        let done = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, work).await });
        let error = match done {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                self.fault.set(B::fault(&error));
                unavailable::<B>(&error)
            }
            Err(_) => {
                self.fault.set(Fault::Broken);
                StoreError::Unavailable("the database does not answer".to_owned())
            }
        };
        if self.fault() == Fault::Broken {
            state.connection = None;
        }
        Err(error)
    }
}

/// An error after which nothing is done. It shows no values.
fn unavailable<B: Brand>(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            StoreError::Corrupt(error.to_string())
        }
        _ => StoreError::Unavailable(B::describe(error)),
    }
}

impl<B: Brand> Database for Session<B> {
    fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.run(async |connection, dialect| {
            if values.is_empty() {
                return B::control(connection, sql).await.map(|()| 0);
            }
            let translated = dialect.translate(sql);
            let values = Values::in_order(values, &translated.order);
            B::execute(connection, translated.sql, values).await
        })
    }

    fn insert(
        &self,
        sql: &'static str,
        key: &'static str,
        values: &[Value<'_>],
    ) -> Result<i64, StoreError> {
        self.run(async |connection, dialect| {
            let translated = dialect.translate(sql);
            let values = Values::in_order(values, &translated.order);
            B::insert(connection, translated.sql, key, values).await
        })
    }

    fn query(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        self.run(async |connection, dialect| {
            let translated = dialect.translate(sql);
            let values = Values::in_order(values, &translated.order);
            B::query(connection, translated.sql, values, each).await
        })?
    }

    fn query_locked(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        self.run(async |connection, dialect| {
            let translated = dialect.locked(sql);
            let values = Values::in_order(values, &translated.order);
            B::query(connection, translated.sql, values, each).await
        })?
    }

    /// A round trip, in which some 32 KiB could be looked at.
    fn query_cost(&self) -> usize {
        32 << 10
    }

    fn query_each(
        &self,
        sql: &'static str,
        keys: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for keys in keys.chunks(KEYS_MAX) {
            let keys = padded(keys);
            let each: Each<'_> = &mut |row| each(row).map(|()| true);
            self.run(async |connection, dialect| {
                let sql = dialect.of_keys(sql, keys.len());
                B::query(connection, sql, Values::as_they_stand(&keys), each).await
            })??;
        }
        Ok(())
    }

    fn lock_rooms(&self, rooms: &[&RoomId]) -> Result<(), StoreError> {
        for rooms in rooms.chunks(KEYS_MAX) {
            let keys: Vec<Value<'_>> = rooms.iter().map(|id| id.as_str().into()).collect();
            let keys = padded(&keys);
            self.query_rows(statements::lock_rooms, keys.len(), &keys, &mut |_| Ok(true))?;
        }
        Ok(())
    }
}

/// As many as a power of two, by repeating the last: so that there are few statements to prepare.
pub(super) fn padded<T: Copy>(keys: &[T]) -> Vec<T> {
    let mut padded = keys.to_vec();
    if let Some(last) = keys.last() {
        padded.resize(keys.len().next_power_of_two(), *last);
    }
    padded
}
