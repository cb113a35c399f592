//! Presence of one node, which fails when told to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use madang_domain::ports::{BoxFuture, Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub(crate) struct FakePresence {
    /// Fails every call while set.
    pub(crate) fails: AtomicBool,
    /// Takes away what the node said, once, at the next renewal.
    pub(crate) loses_lease: AtomicBool,
    /// What a call of `set` takes before it answers: tests take it away to have one wait.
    pub(crate) gate: Semaphore,
    pub(crate) renewals: Mutex<Vec<Timestamp>>,
    /// Users told by each call of `set` that was taken.
    pub(crate) told: Mutex<Vec<Vec<(UserId, bool)>>>,
    pub(crate) released: AtomicBool,
    online: Mutex<BTreeMap<UserId, PresenceEdge>>,
    epochs: AtomicU64,
}

/// More calls than any test makes.
const CALLS: usize = 1_000;

impl Default for FakePresence {
    fn default() -> Self {
        Self {
            fails: AtomicBool::default(),
            loses_lease: AtomicBool::default(),
            gate: Semaphore::new(CALLS),
            renewals: Mutex::default(),
            told: Mutex::default(),
            released: AtomicBool::default(),
            online: Mutex::default(),
            epochs: AtomicU64::default(),
        }
    }
}

impl FakePresence {
    /// What was told since this was asked last, as text: `+kim`, `-kim`.
    pub(crate) fn take_told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock());
        let sign = |online| if online { '+' } else { '-' };
        let text = |(user, online): &(UserId, bool)| format!("{}{user}", sign(*online));
        told.iter().flatten().map(text).collect()
    }

    fn check(&self) -> Result<(), PresenceError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(PresenceError("told to".into()));
        }
        Ok(())
    }

    fn edge(&self, user: &UserId, online: bool, at: Timestamp) -> Option<PresenceEdge> {
        let mut all = self.online.lock();
        let was = all.get(user).is_some_and(|edge| edge.online);
        if was == online {
            return None;
        }
        let epoch = self.epochs.fetch_add(1, Ordering::Relaxed) + 1;
        let edge = PresenceEdge {
            user: user.clone(),
            online,
            epoch,
            at,
        };
        all.insert(user.clone(), edge.clone());
        Some(edge)
    }
}

impl Presence for FakePresence {
    fn renew(
        &self,
        now: Timestamp,
        _: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>> {
        Box::pin(async move {
            self.renewals.lock().push(now);
            self.check()?;
            let lost = self.loses_lease.swap(false, Ordering::Relaxed);
            let users: Vec<_> = self.online.lock().keys().cloned().collect();
            let users = users.iter().filter(|_| lost);
            let edges = users.filter_map(|user| self.edge(user, false, now));
            Ok((!lost, edges.collect()))
        })
    }

    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            self.check()?;
            self.told.lock().push(users.to_vec());
            let edges = users.iter();
            Ok(edges
                .filter_map(|(user, on)| self.edge(user, *on, now))
                .collect())
        })
    }

    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>> {
        Box::pin(async move {
            self.check()?;
            let online = self.online.lock();
            Ok(users.iter().map(|user| online.get(user).cloned()).collect())
        })
    }

    fn release(&self, _: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            self.check()?;
            self.released.store(true, Ordering::Relaxed);
            Ok(Vec::new())
        })
    }
}
