//! Rooms in the native JSON: what REST answers and what the live doors tell.

use madang_domain::ports::RoomSummary;
use madang_domain::{
    Agent, Code, Error, Profile, ProfileChange, Room, RoomHead, RoomKind, Support, SupportState,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

use super::native::{MemberRoleBody, MessageBody, raw, rfc3339};

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
#[serde(rename_all = "camelCase")]
pub struct RoomBody {
    /// A support room has its customer's user id.
    #[schema(example = "kim@example.com")]
    id: String,
    kind: RoomKindBody,
    /// A number of its own, never given out twice.
    #[schema(example = 17)]
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "산책 모임")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "매일 저녁 7시")]
    description: Option<String>,
    /// A link to a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png")]
    picture: Option<String>,
    /// The host's own JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    context: Option<Box<RawValue>>,
    /// Whose room it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<PersonBody>,
    /// How many belong to it.
    #[schema(example = 12)]
    member_count: u64,
    /// What only a support room has.
    #[serde(flatten)]
    support: Option<SupportBody>,
    /// When this life of the room began: RFC 3339, UTC.
    #[schema(example = "2026-11-20T23:05:11.000417Z", format = DateTime)]
    created_at: String,
    head: Head,
}

/// What only a support room has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SupportRoom)]
#[serde(rename_all = "camelCase")]
pub struct SupportBody {
    state: RoomState,
    customer: Customer,
    /// The agent who has the room, while it is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<PersonBody>,
    /// Since when the customer has been asking: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    inquired_at: String,
}

/// What a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RoomKind)]
#[serde(rename_all = "camelCase")]
pub enum RoomKindBody {
    /// A customer and the support desk.
    Support,
    /// Two people, one room for each context.
    Direct,
    /// Its members, who are invited.
    Group,
    /// Listed; anybody reads and joins.
    Open,
    /// The desk's feed.
    #[serde(skip_deserializing)]
    Desk,
    /// A user's notifications.
    #[serde(skip_deserializing)]
    Inbox,
}

impl From<RoomKind> for RoomKindBody {
    fn from(kind: RoomKind) -> Self {
        match kind {
            RoomKind::Support => Self::Support,
            RoomKind::Direct => Self::Direct,
            RoomKind::Group => Self::Group,
            RoomKind::Open => Self::Open,
            RoomKind::Desk => Self::Desk,
            RoomKind::Inbox => Self::Inbox,
        }
    }
}

impl From<RoomKindBody> for RoomKind {
    fn from(kind: RoomKindBody) -> Self {
        match kind {
            RoomKindBody::Support => Self::Support,
            RoomKindBody::Direct => Self::Direct,
            RoomKindBody::Group => Self::Group,
            RoomKindBody::Open => Self::Open,
            RoomKindBody::Desk => Self::Desk,
            RoomKindBody::Inbox => Self::Inbox,
        }
    }
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

impl From<&Support> for SupportBody {
    fn from(support: &Support) -> Self {
        let customer = support.customer.as_str();
        Self {
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
            assignee: support.assignee().map(PersonBody::from),
            inquired_at: rfc3339(support.inquired_at),
        }
    }
}

impl From<&Room> for RoomBody {
    fn from(room: &Room) -> Self {
        let profile = &room.profile;
        Self {
            id: room.id.shown().to_owned(),
            kind: room.kind().into(),
            number: room.number,
            title: profile.title.as_deref().map(str::to_owned),
            description: profile.description.as_deref().map(str::to_owned),
            picture: profile.picture.as_deref().map(str::to_owned),
            context: profile
                .context
                .as_deref()
                .and_then(raw)
                .map(RawValue::to_owned),
            owner: room.owner.as_ref().map(|owner| PersonBody {
                id: owner.user.to_string(),
                name: owner.display_name().to_owned(),
            }),
            member_count: room.member_count,
            support: room.support().map(SupportBody::from),
            created_at: rfc3339(room.created_at),
            head: Head::from(&room.head),
        }
    }
}

/// What a room is to the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnRoom)]
#[serde(rename_all = "camelCase")]
pub struct OwnRoom<'a> {
    /// The room.
    #[serde(flatten)]
    room: RoomBody,
    /// The caller's role; absent in support rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<MemberRoleBody>,
    /// Messages of others that the caller has not read.
    #[schema(example = 3)]
    unread: u64,
    /// Up to where the caller has read.
    #[schema(example = 39)]
    read_seq: u64,
    /// When something last happened in it: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    active_at: String,
    /// The newest message of a person that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageBody<'a>>,
}

impl<'a> From<&'a RoomSummary> for OwnRoom<'a> {
    fn from(summary: &'a RoomSummary) -> Self {
        let room = &summary.view.room;
        let has_roles = room.kind().has_members();
        let role = summary.view.standing.role().filter(|_| has_roles);
        Self {
            room: RoomBody::from(room),
            role: role.map(Into::into),
            unread: summary.unread,
            read_seq: summary.read.get(),
            active_at: rfc3339(summary.active_at),
            last_message: summary.last_message.as_deref().map(MessageBody::from),
        }
    }
}

/// A person as others see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonBody {
    /// The user id.
    #[schema(example = "lee@example.com")]
    pub(crate) id: String,
    /// The name to show.
    #[schema(example = "Lee")]
    pub(crate) name: String,
}

impl From<&Agent> for PersonBody {
    fn from(agent: &Agent) -> Self {
        Self {
            id: agent.user.to_string(),
            name: agent.name.to_string(),
        }
    }
}

/// What people see of a room, as a client gives it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = RoomProfile)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileBody {
    /// Up to 512 bytes.
    #[schema(example = "산책 모임")]
    pub(crate) title: Option<String>,
    /// Up to 8192 bytes.
    #[schema(example = "매일 저녁 7시")]
    pub(crate) description: Option<String>,
    /// A link, up to 2048 bytes.
    #[schema(example = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png")]
    pub(crate) picture: Option<String>,
    /// Any JSON of up to 4096 bytes. With its pair of people it makes a direct room unique.
    #[schema(value_type = Option<Object>)]
    pub(crate) context: Option<Value>,
}

impl ProfileBody {
    pub(crate) fn profile(self) -> Profile {
        Profile {
            title: self.title.map(Arc::from),
            description: self.description.map(Arc::from),
            picture: self.picture.map(Arc::from),
            context: canonical(self.context),
        }
    }
}

/// A change of what people see of a room: what is absent stays, null takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = RoomChanges)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileChangeBody {
    /// Up to 512 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "산책 모임")]
    title: Option<Option<String>>,
    /// Up to 8192 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "매일 저녁 7시")]
    description: Option<Option<String>>,
    /// A link, up to 2048 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png")]
    picture: Option<Option<String>>,
    /// Any JSON of up to 4096 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    context: Option<Option<Value>>,
}

impl ProfileChangeBody {
    /// # Errors
    /// [`Code::BodyInvalid`]: nothing is to change.
    pub(crate) fn change(self) -> Result<ProfileChange, Error> {
        let text = |part: Option<Option<String>>| part.map(|text| text.map(Arc::from));
        let change = ProfileChange {
            title: text(self.title),
            description: text(self.description),
            picture: text(self.picture),
            context: self.context.map(canonical),
        };
        if change == ProfileChange::default() {
            let detail = "title, description, picture or context must be there";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        Ok(change)
    }
}

/// Tells null, which is something, from an absent member.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Members sorted by name and no white space, so that equal contexts are equal texts. Null and an
/// empty object are none.
fn canonical(context: Option<Value>) -> Option<Arc<str>> {
    let context = context.filter(|context| match context {
        Value::Null => false,
        Value::Object(members) => !members.is_empty(),
        _ => true,
    });
    // serde_json keeps the members of an object sorted.
    context.map(|context| Arc::from(context.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(json: &str) -> Option<Arc<str>> {
        let body: ProfileBody = serde_json::from_str(json).unwrap();
        body.profile().context
    }

    #[test]
    fn equal_contexts_are_equal_texts() {
        let one = context(r#"{"context":{"item": 7, "a":{"y":1,"x":2}}}"#);
        let other = context(r#"{"context":{"a":{"x":2,"y":1},"item":7}}"#);
        assert_eq!(one, other);
        assert_eq!(one.as_deref(), Some(r#"{"a":{"x":2,"y":1},"item":7}"#));
        for none in ["{}", r#"{"context":null}"#, r#"{"context":{}}"#] {
            assert_eq!(context(none), None);
        }
    }

    #[test]
    fn null_takes_a_part_away_and_an_absent_one_stays() {
        let body: ProfileChangeBody = serde_json::from_str(r#"{"title":null}"#).unwrap();
        let change = body.change().unwrap();
        assert_eq!((change.title, change.description), (Some(None), None));
        let nothing: ProfileChangeBody = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing.change().unwrap_err().code(), Code::BodyInvalid);
    }
}
