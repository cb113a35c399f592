//! Telling those who watch a user that the user went online or offline.
//!
//! Whoever watches was asked whether they may when they began, and may have lost the last room that
//! they share since: each edge asks the store again, once for all who watch here. That costs a
//! question for an edge of a user who is watched by others than agents, and nothing for a message.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use madang_domain::UserId;
use madang_domain::ports::PresenceEdge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::engine::{Engine, store_failed};

/// Edges that wait for the store's answer; of more the oldest are not told.
const WAITING_MAX: usize = 16_384;

/// Users whom one question asks about.
const ASKED_AT_ONCE: usize = 512;

/// Edges on their way to those who watch on this node, in the order in which they were found.
#[derive(Default)]
pub(crate) struct PresenceEdges {
    waiting: Mutex<VecDeque<PresenceEdge>>,
    came: Notify,
}

impl PresenceEdges {
    fn add(&self, edge: PresenceEdge) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(edge);
        self.came.notify_one();
    }

    fn next(&self) -> Option<PresenceEdge> {
        self.waiting.lock().pop_front()
    }
}

/// Tells what waits, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, edges: Arc<PresenceEdges>) {
    loop {
        while let Some(edge) = edges.next() {
            let Some(engine) = engine.upgrade() else {
                return;
            };
            engine.show_edge(&edge).await;
        }
        edges.came.notified().await;
    }
}

impl Engine {
    /// Has those who watch the user on this node told soon.
    pub(crate) fn tell_edge(&self, edge: PresenceEdge) {
        if self.hub.users().is_watched(&edge.user) {
            self.edges.add(edge);
        }
    }

    async fn show_edge(&self, edge: &PresenceEdge) {
        let watchers = self.hub.users().watchers(&edge.user);
        let mut seeing = Vec::new();
        for some in watchers.chunks(ASKED_AT_ONCE) {
            match self.store.acquainted(&edge.user, some).await {
                Ok(known) => {
                    let known = some.iter().zip(known).filter(|(_, known)| *known);
                    seeing.extend(known.map(|(watcher, _)| watcher));
                }
                // Nobody is told who may not be: to them this edge is lost.
                Err(error) => drop(store_failed(&error)),
            }
        }
        let may_see = |watcher: &UserId| seeing.binary_search(&watcher).is_ok();
        self.hub.users().presence_changed(edge, may_see);
    }
}
