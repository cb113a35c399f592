//! Revoking a user's tokens: they are refused on every node, and the user's sessions end.
//!
//! The bus tells of it at once; the store is asked besides at every head check, since a hint that
//! was lost must not leave a session open.

use std::collections::HashMap;
use std::time::Duration;

use madang_domain::ports::Topic;
use madang_domain::{Error, Timestamp, UserId};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

/// Revocations that may wait for whoever listens; who is slower loads them from the store.
const WAITING_MAX: usize = 1_024;

/// Revocations read from the store at once.
const PAGE: usize = 1_000;

/// How far the clocks of two nodes may be apart: so far back the store is asked again.
const SKEW: Duration = Duration::from_secs(60);

/// Revocations of which it is remembered that they were told. When there are more, some are told
/// twice.
const REMEMBERED_MAX: usize = 65_536;

/// Whose tokens are refused, and up to when they were issued.
pub type Revocation = (UserId, Timestamp);

/// Tells whoever checks tokens.
pub(crate) struct Revocations {
    listeners: broadcast::Sender<Revocation>,
    told: Mutex<Told>,
}

struct Told {
    /// From when on the store is asked next.
    since: Timestamp,
    /// Those told since then.
    users: HashMap<UserId, Timestamp>,
}

impl Revocations {
    /// Of a node that starts now.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            listeners: broadcast::Sender::new(WAITING_MAX),
            told: Mutex::new(Told {
                since: now.before(SKEW),
                users: HashMap::new(),
            }),
        }
    }

    /// Tells of it unless that was done before.
    fn tell(&self, user: UserId, at: Timestamp) {
        let mut told = self.told.lock();
        if told.users.get(&user).is_some_and(|known| *known >= at) {
            return;
        }
        if told.users.len() >= REMEMBERED_MAX {
            told.users.clear();
        }
        told.users.insert(user.clone(), at);
        drop(told);
        // An error says that nobody listens.
        drop(self.listeners.send((user, at)));
    }

    /// The store was asked at `now`.
    fn asked(&self, now: Timestamp) {
        let mut told = self.told.lock();
        let since = now.before(SKEW);
        told.since = since;
        told.users.retain(|_, at| *at >= since);
    }
}

impl Engine {
    /// Refuses all tokens of `user` that were issued until now, and ends the user's sessions on
    /// every node.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable; nothing was revoked.
    pub async fn revoke_tokens(&self, user: &UserId) -> Result<Timestamp, Error> {
        let at = self.now();
        let revoked = self.store.revoke_tokens(user, at).await;
        revoked.map_err(|e| store_failed(&e))?;
        let message = BusMessage::revoked(user, at);
        self.bus.publish(&Topic::AllNodes, message.encode());
        self.revoked(user.clone(), at);
        Ok(at)
    }

    /// Every revocation from now on, on whichever node, at the latest with the next head check. First
    /// subscribe, then [`Engine::revoked_since`].
    #[must_use]
    pub fn subscribe_revocations(&self) -> broadcast::Receiver<Revocation> {
        self.revocations.listeners.subscribe()
    }

    /// Tells `heed` all revocations at `since` or later, oldest first: at start, and after something
    /// was missed. The last ones of a page may be told twice.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable; some may have been told.
    pub async fn revoked_since(
        &self,
        since: Timestamp,
        mut heed: impl FnMut(Revocation),
    ) -> Result<(), Error> {
        let mut from = since;
        loop {
            let page = self.store.revocations(from, PAGE).await;
            let page = page.map_err(|e| store_failed(&e))?;
            let last = page.last().map(|(_, at)| *at);
            let is_last = page.len() < PAGE || last == Some(from);
            page.into_iter().for_each(&mut heed);
            match last {
                Some(last) if !is_last => from = last,
                _ => return Ok(()),
            }
        }
    }

    pub(crate) fn revoked(&self, user: UserId, at: Timestamp) {
        self.revocations.tell(user, at);
    }

    /// Finds what the bus did not tell. What fails is left to the next check.
    pub(crate) async fn check_revocations(&self) {
        let now = self.now();
        let since = self.revocations.told.lock().since;
        let heed = |(user, at)| self.revoked(user, at);
        if self.revoked_since(since, heed).await.is_ok() {
            self.revocations.asked(now);
        }
    }
}
