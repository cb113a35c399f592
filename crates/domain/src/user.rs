//! What is kept of users: what their tokens said last, and what the host says of them.

use std::sync::Arc;

use crate::caller::{Caller, Role};
use crate::ids::UserId;
use crate::time::Timestamp;

/// A user as the store knows them. Users need not be known to be members: an id is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The name shown; `None` shows the id.
    pub name: Option<Arc<str>>,
    /// A link to their picture.
    pub picture: Option<Arc<str>>,
    /// As what they came last; `None` for one who never came.
    pub role: Option<Role>,
    /// Tokens issued up to then are refused; `None` for a user whose tokens were never revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What is to be kept of a user: `None` leaves what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Who.
    pub id: UserId,
    /// See [`User::name`]; `Some(None)` takes it away.
    pub name: Option<Option<Arc<str>>>,
    /// See [`User::picture`]; `Some(None)` takes it away.
    pub picture: Option<Option<Arc<str>>>,
    /// See [`User::role`].
    pub role: Option<Role>,
}

impl UserChange {
    /// What `caller`'s token says. A token without a name does not take one away.
    #[must_use]
    pub fn seen(caller: &Caller) -> Self {
        Self {
            id: caller.user.clone(),
            name: caller.name.clone().map(Some),
            picture: None,
            role: Some(caller.role),
        }
    }
}
