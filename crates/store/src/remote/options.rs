//! What an operator may choose.

use std::time::Duration;

use thiserror::Error;

/// How a database server is used. Times are at least a millisecond.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Connections that write, each for its share of the rooms; at least one.
    pub writers: usize,
    /// Connections that read; at least one.
    pub readers: usize,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            writers: 4,
            readers: 6,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a URL names no database that can be used. The operator's to mend.
#[derive(Debug, Error)]
pub enum UrlError {
    /// Of another kind.
    #[error("must begin with postgres:// or mysql://")]
    Scheme,
    /// It has a parameter or a part that makes no sense.
    #[error("{0}")]
    Part(String),
    /// No database is named.
    #[error("names no database: add its name behind the address, as in …/madang")]
    Database,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Scheme {
    Postgres,
    MySql,
}

pub(super) fn scheme(url: &str) -> Result<Scheme, UrlError> {
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => Ok(Scheme::Postgres),
        Some("mysql" | "mariadb") => Ok(Scheme::MySql),
        _ => Err(UrlError::Scheme),
    }
}
