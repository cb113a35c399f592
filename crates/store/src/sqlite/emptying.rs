//! Emptying the write-ahead log of what was taken away: it keeps older versions of pages until it
//! is written over, and that may be days later.

use std::time::{Duration, Instant};

use rusqlite::OptionalExtension;

use super::writer::Writer;

/// How long a reader is left alone that still needs what the log has; twice as long each time, for a
/// backup. Soon at first: until something is written, who begins to read does not need it.
const RETRY: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// When the log is to be emptied.
#[derive(Debug)]
pub(super) struct Emptying {
    /// Least time between two.
    pause: Duration,
    /// Not before; `None`: nothing was taken away since it was emptied.
    due: Option<Instant>,
    /// Of what is taken away from now on.
    next: Instant,
    retry: Duration,
}

impl Emptying {
    /// What was taken away before a crash may be there: it is due at once.
    pub(super) fn new(pause: Duration) -> Self {
        let now = Instant::now();
        Self {
            pause,
            due: Some(now),
            next: now,
            retry: RETRY,
        }
    }

    /// Whether something was taken away since the log was emptied.
    #[cfg(test)]
    pub(super) const fn wants(&self) -> bool {
        self.due.is_some()
    }

    /// Something was taken away and that is committed.
    pub(super) fn want(&mut self) {
        self.due.get_or_insert(self.next);
    }
}

impl Writer {
    /// Empties the log when that is due; how long until it is.
    pub(super) fn empty_log(&mut self) -> Option<Duration> {
        let due = self.emptying.due?;
        let now = Instant::now();
        if let Some(missing) = due.checked_duration_since(now)
            && !missing.is_zero()
        {
            return Some(missing);
        }
        let pause = match self.try_checkpoint() {
            Ok(true) => {
                self.emptying.due = None;
                self.emptying.retry = RETRY;
                self.emptying.next = Instant::now() + self.emptying.pause;
                return None;
            }
            Ok(false) => {
                let pause = self.emptying.retry;
                self.emptying.retry = (pause * 2).min(RETRY_MAX);
                pause
            }
            Err(error) => {
                tracing::warn!(%error, "cannot empty the write-ahead log now");
                self.emptying.pause
            }
        };
        self.emptying.due = Some(now + pause);
        Some(pause)
    }

    /// Whether nobody needed what the log had. Waits for nobody: a sender may come.
    fn try_checkpoint(&self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let emptied = self.checkpoint();
        self.connection.busy_timeout(self.busy_timeout)?;
        match emptied {
            Ok(is_empty) => Ok(is_empty),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether all that the log had is in the database, and the log empty.
    pub(super) fn checkpoint(&self) -> rusqlite::Result<bool> {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy = (self.connection).query_row(checkpoint, [], |row| row.get::<_, i64>(0));
        Ok(busy.optional()? == Some(0))
    }
}
