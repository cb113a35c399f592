//! What the newest entries of rooms, kept in memory, are counted with.

use madang_engine::HistoryRead;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{Label, counter, family};

/// Where pages of logs came from. `memory` and `shared` are queries saved, `checks` what they cost.
#[derive(Debug)]
pub struct History {
    memory: Counter,
    shared: Counter,
    store: Counter,
    /// Queries for the heads of rooms, many rooms each, before pages were given out of memory.
    pub checks: Counter,
    /// Bytes set aside.
    pub bytes: Gauge,
    /// Rooms that had to go for others.
    pub evictions: Counter,
}

impl History {
    pub(super) fn registered(r: &mut Registry) -> Self {
        let reads = "Pages of logs that were wanted, by where they came from: memory, another's read \
                     of the same page (shared), the store";
        let reads: Family<Label, Counter> = family(r, "history_reads", reads);
        let from = |name| reads.get_or_create_owned(&[("from", name)]);
        let checks =
            "Queries that asked whether what is in memory is the newest, of many rooms each";
        let evictions = "Rooms whose newest messages had to leave the memory for another's";
        let bytes = Gauge::default();
        let help = "Memory set aside for the newest messages of rooms";
        r.register_with_unit("history_kept", help, Unit::Bytes, bytes.clone());
        Self {
            memory: from("memory"),
            shared: from("shared"),
            store: from("store"),
            checks: counter(r, "history_checks", checks),
            bytes,
            evictions: counter(r, "history_evictions", evictions),
        }
    }

    /// A page was wanted.
    pub fn read(&self, from: HistoryRead) {
        match from {
            HistoryRead::Memory => self.memory.inc(),
            HistoryRead::Shared => self.shared.inc(),
            HistoryRead::Store => self.store.inc(),
        };
    }
}
