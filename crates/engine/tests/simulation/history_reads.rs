//! Where the pages came from that were read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use madang_engine::{HistoryRead, Telemetry};

#[derive(Default)]
pub(crate) struct HistoryReads {
    memory: AtomicU64,
    shared: AtomicU64,
    store: AtomicU64,
}

impl HistoryReads {
    /// From memory, from another's read, and from the store.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.memory, &self.shared, &self.store].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Telemetry for HistoryReads {
    fn batch_committed(&self, _: usize, _: Duration) {}
    fn batch_failed(&self) {}
    fn drafts(&self, _: usize, _: usize, _: usize) {}
    fn commit_queue_depth(&self, _: usize) {}
    fn delivered_live(&self, _: usize) {}
    fn delivered_from_log(&self, _: usize) {}
    fn catch_up_started(&self) {}
    fn reset(&self) {}
    fn history_read(&self, from: HistoryRead) {
        let count = match from {
            HistoryRead::Memory => &self.memory,
            HistoryRead::Shared => &self.shared,
            HistoryRead::Store => &self.store,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
    fn history_checked(&self) {}
    fn history_kept(&self, _: u64) {}
    fn history_evicted(&self) {}
}
