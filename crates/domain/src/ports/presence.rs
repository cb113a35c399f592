//! Who is online.
//!
//! A node holds a lease and renews it; what it says of its users is valid while the lease is. A
//! user is online while any node with a valid lease says so.

use std::time::Duration;

use thiserror::Error;

use super::BoxFuture;
use crate::ids::UserId;
use crate::time::Timestamp;

/// Presence could not be asked or told. Nothing is lost: it is said again with the next renewal.
#[derive(Debug, Error)]
#[error("presence is unavailable: {0}")]
pub struct PresenceError(pub String);

/// A user went online or offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceEdge {
    /// Who.
    pub user: UserId,
    /// Which of both.
    pub online: bool,
    /// Rises with every edge of this user, whichever node finds it: an edge with a lower one than
    /// the last is late and says nothing.
    pub epoch: u64,
    /// When: of an offline edge, when the user was seen last.
    pub at: Timestamp,
}

/// Knows who is online. One per node.
pub trait Presence: Send + Sync {
    /// Renews this node's lease until `now + lease`, taking it if it has none: then everybody whom
    /// this node said to be online before is not, and has to be said again. Answers whether it was
    /// held without a gap, and the edges that leases of other nodes left behind by running out.
    ///
    /// # Errors
    /// [`PresenceError`]: the lease is as it was.
    fn renew(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>>;

    /// This node has a session of each of these users, or the last one has ended. Idempotent.
    /// Answers the edges that come of it: none for who is online elsewhere.
    ///
    /// # Errors
    /// [`PresenceError`]: nothing was kept.
    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>>;

    /// The last edge of each user, in the order asked; `None` for who was never online, or not for
    /// so long that it is forgotten.
    ///
    /// # Errors
    /// [`PresenceError`].
    fn of<'a>(
        &'a self,
        users: &'a [UserId],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>>;

    /// Gives up the lease: everybody whom this node said to be online is not.
    ///
    /// # Errors
    /// [`PresenceError`]: the lease runs out by itself.
    fn release(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>>;
}
