//! Databases that are servers, for many nodes: PostgreSQL, MySQL and MariaDB.
//!
//! # Connections
//! Each worker is a thread with one connection and an async runtime for it alone: a transaction's
//! statements follow each other without a task between them. A connection is made when it is first
//! needed, and again after it broke: the store starts without its database, and says so when it is asked.
//!
//! # Transactions
//! Writers read what is committed when a statement begins, and lock the rooms that they change; what a
//! batch of messages asks for is asked for at once, and written as statements of many rows. One that
//! is in another's way (deadlock, a row that another made first) is run again from its beginning, a
//! few times, after a pause of random length. One whose connection broke is run again once, unless
//! that was while committing: then its outcome is unknown. Readers read one snapshot.
//!
//! # Limits
//! Every statement, lock and idle transaction has a time-out on the server, and statements another on this
//! side, for a server or network that hangs.

mod dialect;
mod link;
mod log;
mod marks;
mod migrations;
mod mysql;
mod options;
mod postgres;
pub mod presence;
mod statements;
mod values;
mod worker;

#[cfg(test)]
#[cfg(feature = "servers")]
mod tests;

pub use options::{RemoteOptions, UrlError};

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{Store, StoreError};

use crate::RelationalStore;
use link::{Brand, Purpose, Session, Target};
use mysql::MySql;
use options::Scheme;
use postgres::Postgres;
use worker::{Reader, Writer};

/// A store on a database server.
type RemoteStore<B> = RelationalStore<Reader<B>, Writer<B>>;

/// Opens the store at `url` (`postgres://…`, `mysql://…`). Connects later: see [`Store::check`]. The
/// schema is made or brought up to date with the first connection.
///
/// # Errors
/// [`StoreError::Unavailable`]: the URL is none, or threads cannot be started.
pub fn open(url: &str, options: &RemoteOptions) -> Result<Arc<dyn Store>, StoreError> {
    match scheme(url)? {
        Scheme::Postgres => start(Target::<Postgres>::new(url, options).map_err(unusable)?),
        Scheme::MySql => start(Target::<MySql>::new(url, options).map_err(unusable)?),
    }
}

/// Whether `url` can be opened, as far as it can be known without connecting.
///
/// # Errors
/// [`UrlError`] says what is wrong with it; never shows the password.
pub fn check(url: &str) -> Result<(), UrlError> {
    let options = RemoteOptions::default();
    match options::scheme(url)? {
        Scheme::Postgres => Target::<Postgres>::new(url, &options).map(drop),
        Scheme::MySql => Target::<MySql>::new(url, &options).map(drop),
    }
}

/// Brings the schema at `url` up to date. Blocks. Nodes do the same when they connect.
///
/// # Errors
/// [`StoreError::Unavailable`]: it cannot be reached. [`StoreError::Corrupt`]: a newer schema.
pub fn migrate(url: &str) -> Result<(), StoreError> {
    match scheme(url)? {
        Scheme::Postgres => session::<Postgres>(url)?.ready(),
        Scheme::MySql => session::<MySql>(url)?.ready(),
    }
}

/// Gives every room another epoch; answers how many there are. To be called, while no node runs, once
/// an older copy of the database was put in place: numbers would be given out again.
///
/// # Errors
/// As [`migrate`]. Nothing was changed.
pub fn renew_epochs(url: &str) -> Result<u64, StoreError> {
    match scheme(url)? {
        Scheme::Postgres => renew(&session::<Postgres>(url)?),
        Scheme::MySql => renew(&session::<MySql>(url)?),
    }
}

fn renew<B: Brand>(session: &Session<B>) -> Result<u64, StoreError> {
    session.ready()?;
    session.execute_rows(statements::renew_epochs, 1, &[])
}

fn session<B: Brand>(url: &str) -> Result<Session<B>, StoreError> {
    // What an operator asks for once may take as long as it takes.
    let options = RemoteOptions {
        statement_timeout: Duration::from_secs(3600),
        ..RemoteOptions::default()
    };
    let target = Target::new(url, &options).map_err(unusable)?;
    Session::new(&Arc::new(target), Purpose::Write)
}

fn scheme(url: &str) -> Result<Scheme, StoreError> {
    options::scheme(url).map_err(unusable)
}

fn unusable(error: UrlError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn start<B: Brand>(target: Target<B>) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(store(target)?))
}

fn store<B: Brand>(target: Target<B>) -> Result<RemoteStore<B>, StoreError> {
    let target = Arc::new(target);
    let (readers, lanes) = (target.options.readers.max(1), target.options.writers.max(1));
    let readers = (0..readers)
        .map(|_| Reader::new(&target))
        .collect::<Result<_, _>>()?;
    let writers = (0..lanes)
        .map(|_| Writer::new(&target))
        .collect::<Result<_, _>>()?;
    RemoteStore::start(readers, writers, None)
}
