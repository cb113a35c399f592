//! Who belongs to a room, and as what.

use std::sync::Arc;

use crate::caller::{Caller, Role};
use crate::ids::UserId;
use crate::position::Seq;
use crate::time::Timestamp;

/// Members of one room at most.
pub const MEMBERS_MAX: u64 = 100_000;

/// Members that one command adds at most; the engine splits what is more.
pub const ADDED_AT_ONCE_MAX: usize = 100;

/// A user as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// The name shown; `None` shows the id.
    pub name: Option<Arc<str>>,
}

impl Person {
    /// The name to show: their own, else the user id.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.user.as_str())
    }
}

/// What a member may do in a room of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// Reads, writes, invites.
    Member,
    /// Also removes plain members and other people's messages.
    Moderator,
    /// Also edits and deletes the room and gives roles. A group or open room has exactly one; a
    /// direct room belongs to both of its members.
    Owner,
}

impl MemberRole {
    /// Every role, in rising order.
    pub const ALL: [Self; 3] = [Self::Member, Self::Moderator, Self::Owner];
}

/// What a user is to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing.
    Stranger,
    /// A member.
    Member(MemberRole),
    /// A former member whom somebody removed: an open room stays closed to them until they are
    /// invited again.
    Removed,
}

impl Standing {
    /// Whether the user belongs to the room.
    #[must_use]
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Member(_))
    }

    /// The role, of a member.
    #[must_use]
    pub const fn role(self) -> Option<MemberRole> {
        match self {
            Self::Member(role) => Some(role),
            Self::Stranger | Self::Removed => None,
        }
    }
}

/// A member as the store knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: Person,
    /// A link to their picture, if the host gave one.
    pub picture: Option<Arc<str>>,
    /// What they may do.
    pub role: MemberRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Everything up to here is read. Begins where the room's log stood when they joined; at 0 for a
    /// support room's customer, and for its agent at what an agent had read there before. Never
    /// falls.
    pub read: Seq,
    /// Everything up to here has been acknowledged or read. Never falls, never below `read`.
    pub delivered: Seq,
}

/// Who asks for a change of a room, and with which authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub person: Person,
    /// What they may be trusted with. [`Role::Service`] is the host's back end: it manages every
    /// room of members, as its door has checked.
    pub role: Role,
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self {
            person: Person {
                user: caller.user.clone(),
                name: caller.name.clone(),
            },
            role: caller.role,
        }
    }
}
