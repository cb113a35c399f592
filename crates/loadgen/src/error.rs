//! Why a run could not be made.

use std::io;

use crate::client::ClientError;

/// Why a run could not be made, or had to be broken off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The options contradict each other or lack something.
    #[error("{0}")]
    Options(String),
    /// The machine refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A connection failed while the scenario was being set up.
    #[error("connection {index}: {source}")]
    Connection {
        /// Which one, from 0.
        index: usize,
        /// Why it failed.
        source: ClientError,
    },
    /// The server refuses what the scenario needs.
    #[error("{asked}: the server answers {answer}")]
    Answer {
        /// What it was asked.
        asked: String,
        /// What it said.
        answer: String,
    },
    /// Something did not happen in time.
    #[error("gave up after {seconds} s: {waiting_for}")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
        /// What for.
        waiting_for: String,
    },
    /// Ctrl-C before there was anything to report.
    #[error("stopped")]
    Stopped,
}

impl BenchError {
    /// An [`BenchError::Io`] for `map_err`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
        let doing = doing.into();
        move |source| BenchError::Io { doing, source }
    }
}
