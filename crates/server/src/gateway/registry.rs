//! Every open session, for draining.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::session::Session;

/// Locked once when a session opens and once when it ends.
#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    sessions: HashMap<u64, Weak<Session>>,
    draining: bool,
}

impl Registry {
    /// Adds a session unless the node drains.
    pub(super) fn add(&self, session: &Arc<Session>) -> bool {
        let mut state = self.state.lock();
        if !state.draining {
            state.sessions.insert(session.id(), Arc::downgrade(session));
        }
        !state.draining
    }

    pub(super) fn is_draining(&self) -> bool {
        self.state.lock().draining
    }

    pub(super) fn remove(&self, id: u64) {
        let mut state = self.state.lock();
        if state.sessions.remove(&id).is_some() && state.sessions.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// The sessions that are open. A look at each of the node's: for what happens rarely.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        let state = self.state.lock();
        state.sessions.values().filter_map(Weak::upgrade).collect()
    }

    /// Adds no session from now on, and answers those that are open.
    pub(super) fn begin_drain(&self) -> Vec<Arc<Session>> {
        let mut state = self.state.lock();
        state.draining = true;
        state.sessions.values().filter_map(Weak::upgrade).collect()
    }

    /// Waits until no session is left.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // On the list before the look, so that the last removal is not missed.
            emptied.as_mut().enable();
            if self.state.lock().sessions.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}
