//! Rooms in the native JSON: what REST answers and what the live doors tell.

use madang_domain::{Agent, Room, RoomHead, SupportState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::native::rfc3339;

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
#[serde(rename_all = "camelCase")]
pub struct RoomBody {
    /// A support room has its customer's user id.
    #[schema(example = "kim@example.com")]
    id: String,
    kind: RoomKind,
    state: RoomState,
    customer: Customer,
    /// The agent who has the room, while it is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Person>,
    /// Since when the customer has been asking: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    inquired_at: String,
    /// When this life of the room began: RFC 3339, UTC.
    #[schema(example = "2026-11-20T23:05:11.000417Z", format = DateTime)]
    created_at: String,
    head: Head,
}

/// What a room is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RoomKind {
    /// A customer and the support desk.
    Support,
}

/// Where a support room stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RoomState {
    /// Any agent may claim it.
    Waiting,
    /// One agent has it.
    Assigned,
    /// Served; the customer's next message makes it wait again.
    Completed,
}

/// Whose room it is, as last seen in their token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The user id.
    #[schema(example = "kim@example.com")]
    id: String,
    /// The name to show.
    #[schema(example = "Kim")]
    name: String,
    /// The host's own number for the customer, if their token has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1024")]
    member_id: Option<String>,
}

/// The bounds of a room's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// After the newest message, opaque: subscribe with it as `since` to get what comes next.
    #[schema(example = "9f3c1a2b4d5e-42")]
    position: String,
    /// The newest message; 0 while there is none.
    #[schema(example = 42)]
    last_seq: u64,
    /// The oldest message still kept; `lastSeq + 1` when none is.
    #[schema(example = 1)]
    oldest_seq: u64,
}

impl From<&RoomHead> for Head {
    fn from(head: &RoomHead) -> Self {
        Self {
            position: head.position().to_string(),
            last_seq: head.last.get(),
            oldest_seq: head.oldest.get(),
        }
    }
}

impl From<&Room> for RoomBody {
    fn from(room: &Room) -> Self {
        let support = &room.support;
        let customer = support.customer.as_str();
        Self {
            id: room.id.to_string(),
            kind: RoomKind::Support,
            state: match support.state {
                SupportState::Waiting => RoomState::Waiting,
                SupportState::Assigned(_) => RoomState::Assigned,
                SupportState::Completed => RoomState::Completed,
            },
            customer: Customer {
                id: customer.to_owned(),
                name: support.nickname.as_deref().unwrap_or(customer).to_owned(),
                member_id: support.member_id.as_deref().map(str::to_owned),
            },
            assignee: support.assignee().map(Person::from),
            inquired_at: rfc3339(support.inquired_at),
            created_at: rfc3339(room.created_at),
            head: Head::from(&room.head),
        }
    }
}

/// A person as others see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// The user id.
    #[schema(example = "lee@example.com")]
    pub(crate) id: String,
    /// The name to show.
    #[schema(example = "Lee")]
    pub(crate) name: String,
}

impl From<&Agent> for Person {
    fn from(agent: &Agent) -> Self {
        Self {
            id: agent.user.to_string(),
            name: agent.name.to_string(),
        }
    }
}
