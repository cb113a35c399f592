//! What an operator may choose.

use std::time::Duration;

/// When a commit is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Before it is answered: survives a power failure.
    #[default]
    Full,
    /// At the next checkpoint: survives the end of the process, but a power failure may take the
    /// newest answered commits with it.
    Normal,
}

/// Most reader threads: more than this only wait for each other's locks.
pub const READERS_MAX: usize = 64;

/// How the database is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// `PRAGMA synchronous`.
    pub synchronous: Synchronous,
    /// Reader threads, each with a connection of its own; cut to 1 ..= [`READERS_MAX`].
    pub readers: usize,
    /// How long to wait for another program's lock (a backup, a shell) before giving up.
    pub busy_timeout: Duration,
    /// Page cache of the writer, in bytes.
    pub writer_cache_bytes: usize,
    /// Page cache of each reader, in bytes.
    pub reader_cache_bytes: usize,
    /// Largest size of the database in pages of 4,096 bytes; `None` for the disk's.
    pub pages_max: Option<u32>,
    /// Accepted messages that gather before they are merged into their rooms' logs. More makes
    /// appends cheaper and costs memory (about 0.6 KiB each for short messages) and start-up time.
    pub merge_rows: usize,
    /// Least time between two emptyings of the write-ahead log, of which one follows when something
    /// was deleted or edited: until then its pages may keep what was said.
    pub emptied_every: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 2,
            busy_timeout: Duration::from_secs(5),
            writer_cache_bytes: 32 << 20,
            reader_cache_bytes: 4 << 20,
            pages_max: None,
            merge_rows: 16_384,
            emptied_every: Duration::from_secs(60),
        }
    }
}
