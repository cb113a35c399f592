//! Who is online.
//!
//! A node holds a lease and renews it; what it says of its users is valid while the lease is. A
//! user is online while any node with a valid lease says so.
//!
//! Time is the caller's: a lease is judged by the clock of the node that asks. Clocks may differ
//! by less than what is left of a lease when it is renewed: then no user of a living node goes
//! offline by it, and those of a dead one do so earlier or later by the difference. Beyond that a
//! node loses its lease to one whose clock is fast, learns it with the next call, and says its
//! users again.

use std::time::Duration;

use thiserror::Error;

use super::BoxFuture;
use crate::ids::UserId;
use crate::time::Timestamp;

/// Offline users whose last edge is kept, about. With more, who left first is forgotten, and is as one
/// who never came. Who is online does not count.
pub const LAST_SEEN_MAX: usize = 100_000;

/// Presence could not be asked or told. Nothing is lost: it is said again with the next renewal.
#[derive(Debug, Error)]
#[error("presence is unavailable: {0}")]
pub struct PresenceError(pub String);

/// A user went online or offline. A user's edges alternate. Each is answered once, by the call that
/// found it; [`Presence::of`] answers the last as often as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceEdge {
    /// Who.
    pub user: UserId,
    /// Which of both.
    pub online: bool,
    /// Rises with every edge of this user, whichever node finds it, and after the user was
    /// forgotten, too: an edge with a lower one than the last is late and says nothing.
    pub epoch: u64,
    /// When, by the clock of the node that said so. Of an offline edge that leases left behind:
    /// when the last of them ran out.
    pub at: Timestamp,
}

/// Knows who is online. One per node.
pub trait Presence: Send + Sync {
    /// Renews this node's lease, which runs out at `now + lease`, taking it if it has none: then
    /// everybody whom this node said to be online before is not, and has to be said again. Answers
    /// whether it was held without a gap, and the edges that leases left behind by running out,
    /// this node's own among them.
    ///
    /// # Errors
    /// [`PresenceError`]: the lease is as it was.
    fn renew(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>>;

    /// This node has a session of each of these users, or the last one has ended, in this order.
    /// Idempotent. Answers the edges that come of it: none for who is online elsewhere, and none
    /// for who comes from a node whose lease ran out, unless a renewal found that before.
    ///
    /// # Errors
    /// [`PresenceError`]: nothing was kept, or it is not known whether it was: to be said again. The
    /// edges of what was kept after all come with a later call. Without a lease that is valid at
    /// `now` it always fails, and nothing is kept.
    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>>;

    /// The last edge of each user that was found, in the order asked; `None` for who was never
    /// online, or is one of so many that went offline since that they are forgotten.
    ///
    /// # Errors
    /// [`PresenceError`].
    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>>;

    /// Gives up the lease: everybody whom this node said to be online is not. Idempotent.
    ///
    /// # Errors
    /// [`PresenceError`]: the lease runs out by itself.
    fn release(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>>;
}
