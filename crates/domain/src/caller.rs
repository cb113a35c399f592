//! Who asks.

use std::sync::Arc;

use crate::ids::UserId;
use crate::time::Timestamp;

/// What a caller may be trusted with. Each door gets it from the one authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A person who uses the host application.
    User,
    /// A person who serves customers at the support desk.
    Agent,
    /// A person who may do what an agent may, and read every room.
    Admin,
    /// The host's back end: publishes and subscribes application topics; has no rooms of its own.
    Service,
}

impl Role {
    /// Whether the support desk is open to this caller.
    #[must_use]
    pub const fn serves_customers(self) -> bool {
        matches!(self, Self::Agent | Self::Admin)
    }
}

/// An authenticated peer: made by the authenticator, owned by a session or a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's subject, or a service account's login.
    pub user: UserId,
    /// What others see; `None` when the token names nobody.
    pub name: Option<Arc<str>>,
    /// The host's own number for this user (claim `id`), if the token has one.
    pub member_id: Option<Arc<str>>,
    /// What this caller may be trusted with.
    pub role: Role,
    /// When the proof of identity ends; `None` for one that does not.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// The name to show: the token's, else the user id.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.user.as_str())
    }
}
