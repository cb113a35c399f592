//! Revoking a user's tokens: they are refused on every node, and the user's sessions end.

use madang_domain::ports::Topic;
use madang_domain::{Error, Timestamp, UserId};
use tokio::sync::broadcast;

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

/// Revocations that may wait for whoever listens; who is slower loads them from the store.
const WAITING_MAX: usize = 1_024;

/// Revocations read from the store at once.
const PAGE: usize = 1_000;

/// Whose tokens are refused, and up to when they were issued.
pub type Revocation = (UserId, Timestamp);

/// Tells whoever checks tokens.
pub(crate) struct Revocations(broadcast::Sender<Revocation>);

impl Default for Revocations {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
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

    /// Every revocation from now on. First subscribe, then [`Engine::revoked_since`].
    #[must_use]
    pub fn subscribe_revocations(&self) -> broadcast::Receiver<Revocation> {
        self.revocations.0.subscribe()
    }

    /// All revocations at `since` or later: at start, and after something was missed.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Revocation>, Error> {
        let mut all: Vec<Revocation> = Vec::new();
        let mut from = since;
        loop {
            let page = self.store.revocations(from, PAGE).await;
            let page = page.map_err(|e| store_failed(&e))?;
            let last = page.last().map(|(_, at)| *at);
            let is_last = page.len() < PAGE || last == Some(from);
            all.extend(page);
            match last {
                Some(last) if !is_last => from = last,
                _ => return Ok(all),
            }
        }
    }

    pub(crate) fn revoked(&self, user: UserId, at: Timestamp) {
        // An error says that nobody listens.
        drop(self.revocations.0.send((user, at)));
    }
}
