//! A room's members: pages of them, and what is asked of them.

use madang_domain::ports::PresenceEdge;
use madang_domain::{Code, Error, Member, MemberRole, UserId};
use madang_engine::FIRST_MEMBERS_MAX;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::members::{MemberBody, user_ids};
use crate::contracts::native::MemberRoleBody;
use crate::http::extract::limit;

const LIMIT_DEFAULT: usize = 50;

/// A page of a room's members.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Members {
    /// In the order of their ids.
    members: Vec<MemberBody>,
    /// Hand it back as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "lee@example.com")]
    next: Option<String>,
}

impl Members {
    /// `presence` is what is known of each, in the same order; or of nobody.
    pub(in crate::http) fn new(
        members: &[Member],
        presence: &[Option<PresenceEdge>],
        limit: usize,
    ) -> Self {
        let known = presence.iter().map(Option::as_ref);
        let known = known.chain(std::iter::repeat(None));
        let body = |(member, edge)| MemberBody::new(member, edge);
        let last = members.last().filter(|_| members.len() == limit);
        Self {
            members: members.iter().zip(known).map(body).collect(),
            next: last.map(|last| last.person.user.to_string()),
        }
    }
}

/// Which members.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct MembersRange {
    after: Option<String>,
    limit: Option<usize>,
}

impl MembersRange {
    /// # Errors
    /// [`Code::ParameterInvalid`].
    pub(in crate::http) fn query(&self) -> Result<(Option<UserId>, usize), Error> {
        let after = self.after.as_deref().map(UserId::new).transpose();
        let after = after.map_err(|reason| {
            Error::with_detail(Code::ParameterInvalid, format!("after {reason}"))
        })?;
        Ok((after, limit(self.limit, LIMIT_DEFAULT)?))
    }
}

/// People to add.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct AddMembers {
    /// 1 to 1000 user ids. Who belongs to the room already stays as they are.
    #[schema(example = json!(["lee@example.com"]))]
    members: Vec<String>,
    /// As what: `member` when missing, or `moderator`.
    role: Option<MemberRoleBody>,
}

impl AddMembers {
    /// # Errors
    /// [`Code::BodyInvalid`].
    pub(in crate::http) fn people(&self) -> Result<(Vec<UserId>, MemberRole), Error> {
        let role = self.role.map_or(MemberRole::Member, MemberRole::from);
        Ok((some(&self.members)?, role))
    }
}

/// How many came.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Added {
    /// Who did not belong to the room before.
    #[schema(example = 1)]
    pub(in crate::http) added: usize,
}

/// People to remove.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct RemoveMembers {
    /// 1 to 1000 user ids. Who does not belong to the room is passed over.
    #[schema(example = json!(["lee@example.com"]))]
    members: Vec<String>,
}

impl RemoveMembers {
    /// # Errors
    /// [`Code::BodyInvalid`].
    pub(in crate::http) fn people(&self) -> Result<Vec<UserId>, Error> {
        some(&self.members)
    }
}

/// How many went.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Removed {
    /// Who belonged to the room before.
    #[schema(example = 1)]
    pub(in crate::http) removed: usize,
}

/// A role to give.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct GiveRole {
    /// `owner` makes the owner until then a moderator.
    pub(in crate::http) role: MemberRoleBody,
}

fn some(ids: &[String]) -> Result<Vec<UserId>, Error> {
    if !(1..=FIRST_MEMBERS_MAX).contains(&ids.len()) {
        let detail = format!("members holds 1 to {FIRST_MEMBERS_MAX} ids");
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    }
    user_ids(ids)
}
