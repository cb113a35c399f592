//! Writing what the hub put into outboxes.
//!
//! A wake-up of each receiver's task would cost more than its write. So fan-out marks outboxes,
//! and a few tasks take the marked ones in turn and write each one's whole buffer at once: while
//! they go round, further events gather, and a busy room is written in larger and fewer writes.

use std::sync::Arc;

use madang_engine::vital;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::session::Session;
use crate::telemetry::metrics::Metrics;

/// Outboxes written before other tasks of the worker get their turn: about 0.4 ms.
const WRITES_PER_TURN: usize = 128;

/// The flushing tasks. They end when this is dropped.
pub(super) struct Flushers {
    lists: Box<[Arc<DirtyList>]>,
}

#[derive(Default)]
struct DirtyList {
    state: Mutex<ListState>,
    arrived: Notify,
}

#[derive(Default)]
struct ListState {
    sessions: Vec<Arc<Session>>,
    closed: bool,
}

impl Flushers {
    /// Starts `count` tasks, at least one.
    pub(super) fn start(count: usize, metrics: &Arc<Metrics>) -> Self {
        let lists: Box<[_]> = (0..count.max(1))
            .map(|_| Arc::new(DirtyList::default()))
            .collect();
        for list in &lists {
            vital::spawn("flush", run(Arc::clone(list), Arc::clone(metrics)));
        }
        Self { lists }
    }

    /// Queues `session` for writing. A session is on a list at most once: its outbox says so.
    pub(super) fn push(&self, session: Arc<Session>) {
        let list = &self.lists[(session.id() % self.lists.len() as u64) as usize];
        let mut state = list.state.lock();
        let first = state.sessions.is_empty();
        state.sessions.push(session);
        drop(state);
        if first {
            list.arrived.notify_one();
        }
    }
}

impl Drop for Flushers {
    fn drop(&mut self) {
        for list in &self.lists {
            list.state.lock().closed = true;
            list.arrived.notify_one();
        }
    }
}

async fn run(list: Arc<DirtyList>, metrics: Arc<Metrics>) {
    let mut taken = Vec::new();
    loop {
        let closed = {
            let mut state = list.state.lock();
            std::mem::swap(&mut state.sessions, &mut taken);
            state.closed
        };
        if taken.is_empty() {
            if closed {
                return;
            }
            list.arrived.notified().await;
            continue;
        }
        let mut written = 0;
        for (index, session) in taken.drain(..).enumerate() {
            written += session.flush();
            if index % WRITES_PER_TURN == WRITES_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        // Once per round: workers would fight over the counter.
        metrics.written_bytes.inc_by(written as u64);
    }
}
