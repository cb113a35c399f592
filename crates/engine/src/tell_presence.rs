//! Telling those who watch a user that the user went online or offline.
//!
//! Whoever watches was asked whether they may when they began, and may have lost the last room that
//! they share since: each edge asks the store again, once for all who watch here. That costs a
//! question for an edge of a user who is watched by others than agents, and nothing for a message.
//! Agents see everybody and are told at once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::UserId;
use madang_domain::ports::{PresenceEdge, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::engine::{Engine, store_failed};

/// Users whom one question asks about.
const ASKED_AT_ONCE: usize = 512;

/// How long the store is left alone after it failed.
const RETRY: Duration = Duration::from_secs(1);

/// Edges on their way to those who watch on this node and are asked about: the newest of each user,
/// whoever changed first first. As many as users are watched here.
#[derive(Default)]
pub(crate) struct PresenceEdges {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Default)]
struct Waiting {
    newest: HashMap<UserId, PresenceEdge>,
    /// Each user of `newest` once.
    order: VecDeque<UserId>,
}

impl PresenceEdges {
    fn add(&self, edge: PresenceEdge) {
        let Waiting { newest, order } = &mut *self.waiting.lock();
        match newest.entry(edge.user.clone()) {
            Entry::Occupied(mut held) if held.get().epoch < edge.epoch => {
                held.insert(edge);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                order.push_back(edge.user.clone());
                place.insert(edge);
                self.came.notify_one();
            }
        }
    }

    fn next(&self) -> Option<PresenceEdge> {
        let mut waiting = self.waiting.lock();
        let user = waiting.order.pop_front()?;
        waiting.newest.remove(&user)
    }

    /// Takes back what could not be told, unless a newer edge of the user came meanwhile.
    fn put_back(&self, edge: PresenceEdge) {
        let Waiting { newest, order } = &mut *self.waiting.lock();
        if let Entry::Vacant(place) = newest.entry(edge.user.clone()) {
            order.push_front(edge.user.clone());
            place.insert(edge);
        }
    }

    /// Forgets users whom nobody watches any more.
    fn retain(&self, is_watched: impl Fn(&UserId) -> bool) {
        let Waiting { newest, order } = &mut *self.waiting.lock();
        order.retain(&is_watched);
        newest.retain(|user, _| is_watched(user));
    }
}

/// Tells what waits, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, edges: Arc<PresenceEdges>) {
    loop {
        while let Some(edge) = edges.next() {
            let Some(running) = engine.upgrade() else {
                return;
            };
            let Err(error) = running.show_edge(&edge).await else {
                continue;
            };
            drop(store_failed(&error));
            // Nobody is told who may not be. What is damaged stays so.
            if !matches!(error, StoreError::Corrupt(_)) {
                edges.put_back(edge);
                edges.retain(|user| running.hub.users().is_watched(user));
                drop(running);
                tokio::time::sleep(RETRY).await;
            }
        }
        edges.came.notified().await;
    }
}

impl Engine {
    /// Has those who watch the user on this node told: agents at once, others soon, of the newest
    /// edge then.
    pub(crate) fn tell_edge(&self, edge: PresenceEdge) {
        let users = self.hub.users();
        users.tell_overseers(&edge);
        if users.is_watched(&edge.user) {
            self.edges.add(edge);
        }
    }

    async fn show_edge(&self, edge: &PresenceEdge) -> Result<(), StoreError> {
        let watchers = self.hub.users().watchers(&edge.user);
        let mut seeing = Vec::new();
        for some in watchers.chunks(ASKED_AT_ONCE) {
            let known = self.store.acquainted(&edge.user, some).await?;
            let known = some.iter().zip(known).filter(|(_, known)| *known);
            seeing.extend(known.map(|(watcher, _)| watcher));
        }
        let may_see = |watcher: &UserId| seeing.binary_search(&watcher).is_ok();
        self.hub.users().tell_acquainted(edge, may_see);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Timestamp;

    use super::*;

    fn edge(user: &str, online: bool) -> PresenceEdge {
        PresenceEdge {
            user: UserId::new(user).unwrap(),
            online,
            epoch: if online { 1 } else { 2 },
            at: Timestamp::from_micros(0),
        }
    }

    fn rest(edges: &PresenceEdges) -> Vec<PresenceEdge> {
        std::iter::from_fn(|| edges.next()).collect()
    }

    #[test]
    fn of_each_user_the_newest_edge_waits_however_many_users_there_are() {
        let edges = PresenceEdges::default();
        let user = |n: usize| format!("u{n}");
        (0..20_000).for_each(|n| edges.add(edge(&user(n), true)));
        (0..100).for_each(|n| edges.add(edge(&user(n), false)));
        let told = rest(&edges);
        let expected: Vec<_> = (0..20_000).map(|n| edge(&user(n), n >= 100)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_put_back_takes_the_place_of_no_newer_edge() {
        let edges = PresenceEdges::default();
        for user in ["kim", "lee"] {
            edges.add(edge(user, true));
        }
        let [kim, lee] = rest(&edges).try_into().unwrap();
        edges.add(edge("lee", false));
        edges.put_back(lee);
        edges.put_back(kim);
        assert_eq!(rest(&edges), [edge("kim", true), edge("lee", false)]);
    }

    #[test]
    fn users_whom_nobody_watches_any_more_are_forgotten() {
        let edges = PresenceEdges::default();
        for user in ["kim", "lee"] {
            edges.add(edge(user, true));
        }
        edges.retain(|user| user.as_str() == "lee");
        assert_eq!(rest(&edges), [edge("lee", true)]);
    }
}
