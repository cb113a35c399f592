//! The native JSON: what REST answers and what a STOMP MESSAGE carries.

use madang_domain::message::TEXT_BYTES_MAX;
use madang_domain::{
    Body, Code, Error, MemberRole, Message, MessageKind, Person, Revision, SenderKind, Seq,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An entry of a room's log, as clients see it: a message, or an event among them.
#[derive(Debug, Serialize, ToSchema)]
// What it looks like mostly: no entry has all of its members.
#[schema(as = Message, example = json!({
    "roomId": "kim@example.com", "seq": 42, "position": "9f3c1a2b4d5e-42",
    "messageId": "9f3c1a2b4d5e-42", "type": "message",
    "sender": {"id": "kim@example.com", "name": "Kim", "kind": "customer"},
    "text": "결제가 되지 않아요", "clientId": "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1",
    "sentAt": "2026-11-21T01:21:30.123456Z",
}))]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    /// The room it is in; `desk` in the desk's feed.
    #[schema(example = "kim@example.com")]
    pub room_id: &'a str,
    /// Its number in the room: 1, 2, 3 … without gaps.
    #[schema(example = 42)]
    pub seq: u64,
    /// Its place in the room's log, opaque: hand it back as `since` to resume after it.
    #[schema(example = "9f3c1a2b4d5e-42")]
    pub position: String,
    /// Unique among all messages, also across rooms that were deleted and made again.
    #[schema(example = "9f3c1a2b4d5e-42")]
    pub message_id: String,
    /// What it is. Pass over a type that you do not know.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// Who sent or did it.
    pub sender: SenderBody<'a>,
    /// The text; empty for an event, a deleted message, and one with `data` alone.
    #[schema(example = "결제가 되지 않아요")]
    pub text: &'a str,
    /// Structured content, any JSON: as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<&'a RawValue>,
    /// The sender's own name for it, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1")]
    pub client_id: Option<&'a str>,
    /// Of `edited` and `deleted`: the `seq` of the message that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 40)]
    pub target: Option<u64>,
    /// Whom an event is about: who joined, was added, left, was removed, has the room now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<PersonRef<'a>>,
    /// The role that the subjects have now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<MemberRoleBody>,
    /// In the desk's feed: which support room it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "kim@example.com")]
    pub of_room: Option<&'a str>,
    /// When it was edited last: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T01:22:00.000000Z", format = DateTime)]
    pub edited_at: Option<String>,
    /// When it was deleted: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T01:23:00.000000Z", format = DateTime)]
    pub deleted_at: Option<String>,
    /// When the server took it: RFC 3339, UTC, microseconds.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    pub sent_at: String,
}

/// What an entry of a room's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MessageType {
    /// A person's message.
    Message,
    /// The host's own words.
    Notice,
    /// `target` has another body: this one, or, when there is none, that of a later event.
    Edited,
    /// The body of `target` is gone.
    Deleted,
    /// The subject joined.
    Joined,
    /// The sender added the subjects.
    Added,
    /// The subject left.
    Left,
    /// The sender removed the subject.
    Removed,
    /// The subject has another role.
    RoleChanged,
    /// The room's title, description, picture or context changed: read it anew.
    RoomChanged,
    /// The support room waits for an agent.
    Waiting,
    /// The subject, an agent, has the support room.
    Assigned,
    /// The subject, an agent, gave the support room back.
    Released,
    /// The sender handed the support room over to the subject.
    HandedOver,
    /// The agent completed the support room.
    Completed,
    /// The customer left, and the support room is gone. In the desk's feed only.
    Gone,
    /// The support room has been waiting for too long. In the desk's feed only.
    Overdue,
    /// See the inbox.
    Notification,
    /// See the inbox.
    NotificationRead,
    /// See the inbox.
    NotificationDeleted,
}

impl From<MessageKind> for MessageType {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Message => Self::Message,
            MessageKind::Notice => Self::Notice,
            MessageKind::Edited => Self::Edited,
            MessageKind::Deleted => Self::Deleted,
            MessageKind::Joined => Self::Joined,
            MessageKind::Added => Self::Added,
            MessageKind::Left => Self::Left,
            MessageKind::Removed => Self::Removed,
            MessageKind::RoleChanged => Self::RoleChanged,
            MessageKind::RoomChanged => Self::RoomChanged,
            MessageKind::Waiting => Self::Waiting,
            MessageKind::Assigned => Self::Assigned,
            MessageKind::Released => Self::Released,
            MessageKind::HandedOver => Self::HandedOver,
            MessageKind::Completed => Self::Completed,
            MessageKind::Gone => Self::Gone,
            MessageKind::Overdue => Self::Overdue,
            MessageKind::Notification => Self::Notification,
            MessageKind::NotificationRead => Self::NotificationRead,
            MessageKind::NotificationDeleted => Self::NotificationDeleted,
        }
    }
}

/// Who sent a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sender)]
pub struct SenderBody<'a> {
    /// The user id.
    #[schema(example = "kim@example.com")]
    pub id: &'a str,
    /// The name to show.
    #[schema(example = "Kim")]
    pub name: &'a str,
    /// In which part the sender spoke.
    pub kind: SenderKindBody,
}

/// In which part a sender spoke.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = SenderKind)]
#[serde(rename_all = "camelCase")]
pub enum SenderKindBody {
    /// The customer of a support room.
    Customer,
    /// The agent who had the room.
    Agent,
    /// A member of a direct, group or open room.
    Member,
    /// The host's back end, or the server.
    Host,
}

impl From<SenderKind> for SenderKindBody {
    fn from(kind: SenderKind) -> Self {
        match kind {
            SenderKind::Customer => Self::Customer,
            SenderKind::Agent => Self::Agent,
            SenderKind::Member => Self::Member,
            SenderKind::Host => Self::Host,
        }
    }
}

/// A person, by reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PersonRef)]
pub struct PersonRef<'a> {
    /// The user id.
    #[schema(example = "lee@example.com")]
    pub id: &'a str,
    /// The name to show.
    #[schema(example = "Lee")]
    pub name: &'a str,
}

impl<'a> From<&'a Person> for PersonRef<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            id: person.user.as_str(),
            name: person.display_name(),
        }
    }
}

/// What a member may do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MemberRole)]
#[serde(rename_all = "camelCase")]
pub enum MemberRoleBody {
    /// Reads, writes, invites.
    Member,
    /// Also removes plain members and others' messages.
    Moderator,
    /// Also edits and deletes the room, and gives roles.
    Owner,
}

impl From<MemberRole> for MemberRoleBody {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Member => Self::Member,
            MemberRole::Moderator => Self::Moderator,
            MemberRole::Owner => Self::Owner,
        }
    }
}

impl From<MemberRoleBody> for MemberRole {
    fn from(role: MemberRoleBody) -> Self {
        match role {
            MemberRoleBody::Member => Self::Member,
            MemberRoleBody::Moderator => Self::Moderator,
            MemberRoleBody::Owner => Self::Owner,
        }
    }
}

impl<'a> From<&'a Message> for MessageBody<'a> {
    fn from(message: &'a Message) -> Self {
        let position = message.position.to_string();
        let extra = message.extra.as_deref();
        let (edited_at, deleted_at) = match message.revision() {
            Revision::None | Revision::Read(_) => (None, None),
            Revision::Edited(at) => (Some(rfc3339(at)), None),
            Revision::Deleted(at) => (None, Some(rfc3339(at))),
        };
        Self {
            room_id: message.room.shown(),
            seq: message.position.seq.get(),
            message_id: position.clone(),
            position,
            kind: message.kind.into(),
            sender: SenderBody {
                id: message.sender.as_str(),
                name: message.sender_display_name(),
                kind: message.sender_kind.into(),
            },
            text: &message.text,
            data: message.data().and_then(|data| raw(data)),
            client_id: message.client_id.as_ref().map(|id| id.as_str()),
            target: message.target().map(Seq::get),
            subjects: message.subjects().iter().map(PersonRef::from).collect(),
            role: extra.and_then(|extra| extra.role).map(Into::into),
            of_room: extra
                .and_then(|extra| extra.of_room.as_ref())
                .map(|room| room.as_str()),
            edited_at,
            deleted_at,
            sent_at: rfc3339(message.sent_at),
        }
    }
}

/// JSON that a door has checked before it was stored.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

/// The message as one JSON object: the body of a native STOMP MESSAGE, one element of the REST
/// list.
#[must_use]
pub fn render_message(message: &Message) -> Vec<u8> {
    // Text, numbers and no maps with other keys: nothing that serialization could refuse.
    serde_json::to_vec(&MessageBody::from(message)).unwrap_or_default()
}

/// What a message is to say: a text, `data`, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RoomSend)]
pub(crate) struct SendBody {
    /// Up to 16384 bytes of UTF-8.
    #[serde(default)]
    #[schema(example = "결제가 되지 않아요")]
    text: Option<String>,
    /// Any JSON of up to 16384 bytes; what it means is between clients.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
}

impl SendBody {
    /// # Errors
    /// [`Code::BodyInvalid`]: neither is there. [`Code::MessageInvalid`]: as [`Body::new`].
    pub(crate) fn body(&self) -> Result<Body, Error> {
        body_of(self.text.as_deref(), self.data.as_deref())
    }
}

/// # Errors
/// As [`SendBody::body`].
pub(crate) fn body_of(text: Option<&str>, data: Option<&RawValue>) -> Result<Body, Error> {
    let data = data.map(RawValue::get).filter(|data| *data != "null");
    if text.is_none() && data.is_none() {
        let detail = "the body is not what is expected here: text or data must be there";
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    }
    Body::new(text.unwrap_or_default(), data)
}

/// The header of a STOMP SEND whose body replaces that of the message of this `seq`.
pub const EDIT_SEQ: &str = "edit-seq";

/// The header of a STOMP SEND that takes the body of the message of this `seq` away.
pub const DELETE_SEQ: &str = "delete-seq";

/// What a STOMP subscription to a room is told besides the room's messages. The MESSAGE has the
/// `type` as its header `event`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum RoomNotice {
    /// Part of what `since` asked for is gone; what is kept follows.
    Reset {
        /// The oldest message that is kept.
        #[schema(example = "9f3c1a2b4d5e-7")]
        oldest: String,
        /// The newest.
        #[schema(example = "9f3c1a2b4d5e-42")]
        head: String,
    },
    /// The subscription is over: the room is gone, or the right to read it.
    Ended {
        /// Why.
        #[schema(example = "NOT_YOUR_ROOM")]
        code: &'static str,
    },
}

impl RoomNotice {
    /// The notice's `type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reset { .. } => "reset",
            Self::Ended { .. } => "ended",
        }
    }

    /// The notice as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Text only: nothing that serialization could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads the body of a native SEND: `{"text": "…", "data": …}`; other members are ignored.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is no such JSON. [`Code::MessageInvalid`]: it says nothing, or too much.
/// The sender's fault; not retryable.
pub fn parse_send(body: &[u8]) -> Result<Body, Error> {
    parse_json::<SendBody>(body)?.body()
}

/// Reads JSON from a client, and says where it is wrong without repeating what it holds.
pub(crate) fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let detail = if reason.starts_with("missing field") {
            let end = reason.find(" at line").unwrap_or(reason.len());
            format!("the body is not what is expected here: {}", &reason[..end])
        } else if error.is_data() {
            format!("the body is not what is expected here: line {line}, column {column}")
        } else {
            format!("the body is not JSON: line {line}, column {column}")
        };
        Error::with_detail(Code::BodyInvalid, detail)
    })
}

/// RFC 3339 in UTC with microseconds. A time that no calendar has shows as the epoch.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    format!("{at:.6}")
}

/// How many bytes a text may have, for documents and pages.
pub const TEXT_LIMIT: usize = TEXT_BYTES_MAX;

/// Whether older messages than `first` are kept, given the oldest kept.
#[must_use]
pub(crate) fn is_older_kept(first: Option<Seq>, oldest: Seq) -> bool {
    first.is_some_and(|first| first > oldest)
}

#[cfg(test)]
mod tests;
