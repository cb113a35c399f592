//! Members, their marks and their presence in the native JSON.

use madang_domain::ports::PresenceEdge;
use madang_domain::{Code, Error, Marks, Member, ReadCount, Role, Seq, User, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::native::{MemberRoleBody, rfc3339};

/// Somebody who belongs to a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
#[serde(rename_all = "camelCase")]
pub struct MemberBody {
    /// The user id.
    #[schema(example = "lee@example.com")]
    id: String,
    /// The name to show.
    #[schema(example = "Lee")]
    name: String,
    /// A link to their picture, if the host gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://example.com/lee.png")]
    picture: Option<String>,
    role: MemberRoleBody,
    /// Since when: RFC 3339, UTC.
    #[schema(example = "2026-11-20T23:05:11.000417Z", format = DateTime)]
    joined_at: String,
    /// Up to where they have read.
    #[schema(example = 39)]
    read_seq: u64,
    /// Up to where their clients have acknowledged; never below `readSeq`.
    #[schema(example = 42)]
    delivered_seq: u64,
    /// Whether they are online; absent when that is not known, or not for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<bool>,
}

impl MemberBody {
    /// `presence` is what is known of them.
    #[must_use]
    pub fn new(member: &Member, presence: Option<&PresenceEdge>) -> Self {
        Self {
            id: member.person.user.to_string(),
            name: member.person.display_name().to_owned(),
            picture: member.picture.as_deref().map(str::to_owned),
            role: member.role.into(),
            joined_at: rfc3339(member.joined_at),
            read_seq: member.read.get(),
            delivered_seq: member.delivered.get(),
            online: presence.map(|edge| edge.online),
        }
    }
}

/// How far a member has read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Marks)]
#[serde(rename_all = "camelCase")]
pub struct MarksBody {
    /// The user id.
    #[schema(example = "lee@example.com")]
    user: String,
    /// Up to where they have read.
    #[schema(example = 39)]
    read_seq: u64,
    /// Up to where their clients have acknowledged; never below `readSeq`.
    #[schema(example = 42)]
    delivered_seq: u64,
}

impl From<&Marks> for MarksBody {
    fn from(marks: &Marks) -> Self {
        Self {
            user: marks.user.to_string(),
            read_seq: marks.read.get(),
            delivered_seq: marks.delivered.get(),
        }
    }
}

/// Who has read an entry. Its sender counts in neither number, and neither does who came after it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadCount)]
#[serde(rename_all = "camelCase")]
pub struct ReadCountBody {
    /// The number of the entry.
    #[schema(example = 40)]
    seq: u64,
    /// Members who have read it.
    #[schema(example = 3)]
    read_by: u64,
    /// Members who have not.
    #[schema(example = 1)]
    not_read_by: u64,
}

impl ReadCountBody {
    /// The counts of the entry with this number.
    #[must_use]
    pub const fn new(seq: Seq, count: ReadCount) -> Self {
        Self {
            seq: seq.get(),
            read_by: count.read_by,
            not_read_by: count.not_read_by,
        }
    }
}

/// Whether somebody is online.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Presence)]
pub struct PresenceBody {
    /// The user id.
    #[schema(example = "lee@example.com")]
    id: String,
    online: bool,
    /// Since when: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    at: String,
}

impl From<&PresenceEdge> for PresenceBody {
    fn from(edge: &PresenceEdge) -> Self {
        Self {
            id: edge.user.to_string(),
            online: edge.online,
            at: rfc3339(edge.at),
        }
    }
}

/// What is kept of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    /// The user id.
    #[schema(example = "kim@example.com")]
    id: String,
    /// The name shown; absent when none is known, and the id is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Kim")]
    name: Option<String>,
    /// A link to their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://example.com/kim.png")]
    picture: Option<String>,
    /// As what they came last; absent for one who never came.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<UserRole>,
    /// Tokens issued up to then are refused: RFC 3339, UTC. Absent when none was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    revoked_at: Option<String>,
}

/// As what somebody comes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserRole {
    /// A visitor without an account.
    Guest,
    /// A person who uses the host application.
    User,
    /// A person who serves customers.
    Agent,
    /// A person who may read every room.
    Admin,
    /// The host's back end.
    Service,
}

impl From<Role> for UserRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::User => Self::User,
            Role::Agent => Self::Agent,
            Role::Admin => Self::Admin,
            Role::Service => Self::Service,
        }
    }
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.as_deref().map(str::to_owned),
            picture: user.picture.as_deref().map(str::to_owned),
            role: user.role.map(UserRole::from),
            revoked_at: user.revoked_at.map(rfc3339),
        }
    }
}

/// Reads users' ids from a body.
///
/// # Errors
/// [`Code::BodyInvalid`]: one of them is no user's id.
pub(crate) fn user_ids(ids: &[String]) -> Result<Vec<UserId>, Error> {
    ids.iter().map(|id| user_id(id)).collect()
}

/// # Errors
/// As [`user_ids`].
pub(crate) fn user_id(id: &str) -> Result<UserId, Error> {
    UserId::new(id).map_err(|reason| {
        let detail = format!("a user id {reason}");
        Error::with_detail(Code::BodyInvalid, detail)
    })
}
