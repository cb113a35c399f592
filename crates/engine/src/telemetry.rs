//! What the engine reports of itself. The server counts it.

use std::time::Duration;

/// Receives counts at the moment they happen. Called on hot paths: must not block or allocate.
pub trait Telemetry: Send + Sync {
    /// One transaction was committed, with so many drafts, in so long.
    fn batch_committed(&self, drafts: usize, elapsed: Duration);
    /// A transaction failed as a whole; its groups are tried one by one.
    fn batch_failed(&self);
    /// So many drafts were stored, were repeats, or were refused by the policy.
    fn drafts(&self, accepted: usize, repeated: usize, refused: usize);
    /// Drafts that wait for their transaction now.
    fn commit_queue_depth(&self, drafts: usize);
    /// So many events were handed to sessions live.
    fn delivered_live(&self, events: usize);
    /// So many events were handed to a session from the log.
    fn delivered_from_log(&self, events: usize);
    /// A live subscription fell behind and reads the log.
    fn catch_up_started(&self);
    /// A subscriber was told that part of the log is gone.
    fn reset(&self);
    /// A page of a log was wanted while recent history is kept in memory.
    fn history_read(&self, from: HistoryRead);
    /// The heads of some rooms were read, to know whether what is in memory is the newest.
    fn history_checked(&self);
    /// So many bytes are set aside for recent history now.
    fn history_kept(&self, bytes: u64);
    /// A room's recent history had to go for another's.
    fn history_evicted(&self);
}

/// Where a page of a log came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryRead {
    /// It was in memory.
    Memory,
    /// Somebody else was about to read the same page.
    Shared,
    /// It was read from the store.
    Store,
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn batch_committed(&self, _: usize, _: Duration) {}
    fn batch_failed(&self) {}
    fn drafts(&self, _: usize, _: usize, _: usize) {}
    fn commit_queue_depth(&self, _: usize) {}
    fn delivered_live(&self, _: usize) {}
    fn delivered_from_log(&self, _: usize) {}
    fn catch_up_started(&self) {}
    fn reset(&self) {}
    fn history_read(&self, _: HistoryRead) {}
    fn history_checked(&self) {}
    fn history_kept(&self, _: u64) {}
    fn history_evicted(&self) {}
}
