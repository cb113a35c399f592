//! Presence inside one process: all that a single node needs, and a real one for several engines
//! side by side. It is gone with the process, as the sessions are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{BoxFuture, LAST_SEEN_MAX, Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use parking_lot::Mutex;

/// Nodes of one process that know of each other's users. Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalCluster {
    state: Arc<Mutex<State>>,
}

struct LocalPresence {
    node: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    nodes: u64,
    /// By node. One that ran out stays until a renewal finds it.
    leases: HashMap<u64, Lease>,
    last: HashMap<UserId, PresenceEdge>,
    /// Those of `last` who are offline, by its epoch: who left first comes first.
    offline: BTreeMap<u64, UserId>,
    /// The newest edge's. One count for all users, so that it rises for who was forgotten, too.
    epoch: u64,
}

struct Lease {
    until: Timestamp,
    /// Whom the node says to be online.
    users: HashSet<UserId>,
}

impl LocalCluster {
    /// Adds a node, without a lease. Dropping it is a node's death: its lease runs out.
    #[must_use]
    pub fn join(&self) -> Arc<dyn Presence> {
        let mut state = self.state.lock();
        state.nodes += 1;
        Arc::new(LocalPresence {
            node: state.nodes,
            state: Arc::clone(&self.state),
        })
    }
}

impl Presence for LocalPresence {
    fn renew(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>> {
        Box::pin(async move { Ok(self.state.lock().renew(self.node, now, lease)) })
    }

    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move { self.state.lock().set(self.node, users, now) })
    }

    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>> {
        Box::pin(async move {
            let state = self.state.lock();
            Ok(users.iter().map(|u| state.last.get(u).cloned()).collect())
        })
    }

    fn release(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move { Ok(self.state.lock().release(self.node, now)) })
    }
}

impl State {
    fn renew(&mut self, node: u64, now: Timestamp, lease: Duration) -> (bool, Vec<PresenceEdge>) {
        let edges = self.end_what_ran_out(now);
        let until = now.after(lease);
        if let Some(own) = self.leases.get_mut(&node) {
            own.until = until;
            return (true, edges);
        }
        let users = HashSet::new();
        self.leases.insert(node, Lease { until, users });
        (false, edges)
    }

    fn set(
        &mut self,
        node: u64,
        users: &[(UserId, bool)],
        now: Timestamp,
    ) -> Result<Vec<PresenceEdge>, PresenceError> {
        if !self.leases.get(&node).is_some_and(|own| own.is_valid(now)) {
            return Err(PresenceError("this node has no valid lease".into()));
        }
        let edges = users.iter().filter_map(|(user, online)| {
            if *online {
                self.came(node, user, now)
            } else {
                self.left(node, user, now)
            }
        });
        Ok(edges.collect())
    }

    fn release(&mut self, node: u64, now: Timestamp) -> Vec<PresenceEdge> {
        let own = self.leases.remove(&node);
        own.map_or_else(Vec::new, |own| {
            let at = now.min(own.until);
            self.all_left(&own, now, at)
        })
    }

    fn end_what_ran_out(&mut self, now: Timestamp) -> Vec<PresenceEdge> {
        let ran_out = self.leases.extract_if(|_, lease| !lease.is_valid(now));
        let mut ran_out: Vec<Lease> = ran_out.map(|(_, lease)| lease).collect();
        // Whom several nodes have left behind was online until the last of their leases ended.
        ran_out.sort_by_key(|lease| Reverse(lease.until));
        let edges = ran_out.iter();
        edges
            .flat_map(|lease| self.all_left(lease, now, lease.until))
            .collect()
    }

    fn came(&mut self, node: u64, user: &UserId, now: Timestamp) -> Option<PresenceEdge> {
        self.leases.get_mut(&node)?.users.insert(user.clone());
        (!self.is_online(user)).then(|| self.edge(user, true, now))
    }

    fn left(&mut self, node: u64, user: &UserId, now: Timestamp) -> Option<PresenceEdge> {
        let was_here = self.leases.get_mut(&node)?.users.remove(user);
        was_here.then(|| self.unless_elsewhere(user, now, now))?
    }

    /// What comes of a lease that is no more.
    fn all_left(&mut self, lease: &Lease, now: Timestamp, at: Timestamp) -> Vec<PresenceEdge> {
        let users = lease.users.iter();
        let edges = users.filter_map(|user| self.unless_elsewhere(user, now, at));
        edges.collect()
    }

    /// The offline edge of a user of whom a node speaks no more, unless another one does.
    fn unless_elsewhere(
        &mut self,
        user: &UserId,
        now: Timestamp,
        at: Timestamp,
    ) -> Option<PresenceEdge> {
        let mut valid = self.leases.values().filter(|lease| lease.is_valid(now));
        let elsewhere = valid.any(|lease| lease.users.contains(user));
        (!elsewhere && self.is_online(user)).then(|| self.edge(user, false, at))
    }

    fn is_online(&self, user: &UserId) -> bool {
        self.last.get(user).is_some_and(|edge| edge.online)
    }

    fn edge(&mut self, user: &UserId, online: bool, at: Timestamp) -> PresenceEdge {
        self.epoch += 1;
        let edge = PresenceEdge {
            user: user.clone(),
            online,
            epoch: self.epoch,
            at,
        };
        if let Some(before) = self.last.insert(user.clone(), edge.clone()) {
            self.offline.remove(&before.epoch);
        }
        if !online {
            self.offline.insert(self.epoch, user.clone());
        }
        if self.offline.len() > LAST_SEEN_MAX
            && let Some((_, forgotten)) = self.offline.pop_first()
        {
            self.last.remove(&forgotten);
        }
        edge
    }
}

impl Lease {
    fn is_valid(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
