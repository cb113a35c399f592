//! The engine's counts, as metrics.

use std::sync::Arc;
use std::time::Duration;

use madang_engine::{HistoryRead, Telemetry};

use super::metrics::Metrics;

/// Hands the engine's counts to the metrics.
pub(crate) struct EngineTelemetry(pub(crate) Arc<Metrics>);

impl Telemetry for EngineTelemetry {
    fn batch_committed(&self, drafts: usize, elapsed: Duration) {
        self.0.commit_batch_drafts.observe(drafts as f64);
        self.0.commit_seconds.observe(elapsed.as_secs_f64());
    }

    fn batch_failed(&self) {}

    fn drafts(&self, accepted: usize, repeated: usize, refused: usize) {
        self.0.drafts_accepted.inc_by(accepted as u64);
        self.0.drafts_repeated.inc_by(repeated as u64);
        self.0.drafts_refused.inc_by(refused as u64);
    }

    fn commit_queue_depth(&self, drafts: usize) {
        self.0
            .pipeline_queue_drafts
            .set(i64::try_from(drafts).unwrap_or(i64::MAX));
    }

    fn delivered_live(&self, events: usize) {
        self.0.deliveries.inc_by(events as u64);
    }

    fn delivered_from_log(&self, events: usize) {
        self.0.deliveries.inc_by(events as u64);
        self.0.catch_up_messages.inc_by(events as u64);
    }

    fn catch_up_started(&self) {
        self.0.catch_ups.inc();
    }

    fn reset(&self) {
        self.0.resets.inc();
    }

    fn history_read(&self, from: HistoryRead) {
        self.0.history.read(from);
    }

    fn history_checked(&self) {
        self.0.history.checks.inc();
    }

    fn history_kept(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.0.history.bytes.set(bytes);
    }

    fn history_evicted(&self) {
        self.0.history.evictions.inc();
    }
}
