//! What is said on the live doors: the JSON door (`/ws/v1`) and event streams.
//!
//! One JSON object per WebSocket message or event. Answers carry the `id` of their command. Sends
//! are answered in their order; other answers may come before those of earlier sends.

use std::collections::BTreeMap;

use madang_domain::{Code, Error, Message, Position};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::inbox::InboxEntry;
use super::native::{MessageBody, rfc3339};
use super::rooms::RoomBody;

/// How the JSON door's subprotocol is called: selected when offered, not required.
pub const JSON_SUBPROTOCOL: &str = "madang.v1.json";

/// Longest `id` of a command as it stands in JSON, in bytes: it is kept until the answer.
pub const ID_BYTES_MAX: usize = 256;

/// What a client of the JSON door says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ClientCommand {
    /// Who it is. Must be the first message when the handshake had no token; has no answer but
    /// `hello`. An error closes the connection.
    Auth {
        /// The host application's token.
        #[schema(example = "eyJhbGciOi…")]
        token: String,
    },
    /// A message for a room. Sending to one's own support room opens it. Answered with `ack` once
    /// the message is durable.
    // utoipa does not know rename_all_fields.
    #[serde(rename_all = "camelCase")]
    Send {
        /// Where it goes.
        #[schema(example = "kim@example.com")]
        room: String,
        /// Up to 16384 bytes of UTF-8.
        #[schema(example = "결제가 되지 않아요")]
        text: Option<String>,
        /// Any JSON of up to 16384 bytes, with the text or instead of it.
        // Raw JSON does not pass through a tagged enum: put in by [`Request::parse`].
        #[serde(default, deserialize_with = "passed_over")]
        #[schema(value_type = Option<Object>)]
        data: Option<Box<RawValue>>,
        /// The sender's own name for the message, unique among theirs in this room: sending again
        /// with it is safe.
        #[schema(example = "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1", max_length = 255)]
        client_id: Option<String>,
    },
    /// Another body for an earlier message: one's own, for a while, or any as a moderator. Answered
    /// with `ack` once durable; everybody gets an `edited` message.
    #[serde(rename_all = "camelCase")]
    Edit {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The number of the message.
        #[schema(example = 40)]
        seq: u64,
        /// As of `send`.
        #[schema(example = "결제가 됩니다")]
        text: Option<String>,
        /// As of `send`.
        #[serde(default, deserialize_with = "passed_over")]
        #[schema(value_type = Option<Object>)]
        data: Option<Box<RawValue>>,
        /// As of `send`.
        #[schema(example = "5b0a4a53-9f0f-4f3a-8d1c-1c8e10b9c7c1", max_length = 255)]
        client_id: Option<String>,
    },
    /// Takes an earlier message's body away, as `edit` changes it.
    #[serde(rename_all = "camelCase")]
    Delete {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The number of the message.
        #[schema(example = 40)]
        seq: u64,
        /// As of `send`.
        #[schema(example = "1c8e10b9-9f0f-4f3a-8d1c-c7c15b0a4a53", max_length = 255)]
        client_id: Option<String>,
    },
    /// Joins an open room; a `room` event shows it.
    Join {
        /// Which room.
        #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
        room: String,
    },
    /// Leaves a room.
    Leave {
        /// Which room.
        #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
        room: String,
    },
    /// Has the connection told when these users go online or offline, instead of those watched
    /// before. Their present state comes as `presence` events behind the `ack`. Users with whom
    /// the caller shares no room are passed over.
    Watch {
        /// At most 200.
        #[schema(example = json!(["lee@example.com"]))]
        users: Vec<String>,
    },
    /// The user has read a room up to a position. Others are told with `read`.
    Read {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The `position` of the last message read.
        #[schema(example = "9f3c1a2b4d5e-42")]
        position: String,
    },
    /// The user writes a message, or has stopped. Others are told with `typing`.
    Typing {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// `false`: stopped.
        active: bool,
    },
    /// Has rooms continue right after positions of an earlier connection. Live messages of these
    /// rooms that came before the `ack` come again in their place after it: a client drops what it
    /// got of them before.
    Resume {
        /// By room: the `position` of the last message that the client has.
        #[schema(example = json!({ "kim@example.com": "9f3c1a2b4d5e-42" }))]
        positions: BTreeMap<String, String>,
        /// The same for the user's inbox.
        #[schema(example = "5e9f3c1a2b4d-7")]
        inbox: Option<String>,
    },
    /// Asks for `pong`.
    Ping {},
}

/// Reads past a member.
fn passed_over<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    IgnoredAny::deserialize(from).map(|_| None)
}

/// The names of [`ClientCommand`]s, as `type` has them.
pub const COMMANDS: [&str; 11] = [
    "auth", "send", "edit", "delete", "join", "leave", "watch", "read", "typing", "resume", "ping",
];

/// A command and the name that its answer has to carry.
#[derive(Debug)]
pub struct Request {
    /// The command's `id`, as JSON: a string or a number of at most [`ID_BYTES_MAX`] bytes.
    pub id: Option<Box<str>>,
    /// What is to be done, or why it cannot be understood; the latter ends nothing.
    pub command: Result<ClientCommand, Error>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Request {
    /// Reads one message of a client.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: it is no JSON object. The client's fault; the connection ends.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let not_an_object = || {
            let detail = "a message must be one JSON object";
            Error::with_detail(Code::BodyInvalid, detail)
        };
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(not_an_object());
        }
        let envelope: Envelope<'_> = match serde_json::from_slice(text) {
            Ok(envelope) => envelope,
            // Such as a member that is there twice.
            Err(error) if error.is_data() => {
                let detail = "type, id or data is there twice";
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                return Ok(Self { id: None, command });
            }
            Err(_) => return Err(not_an_object()),
        };
        let kind = envelope.kind.map(|kind| kind.get());
        match envelope.id.map(|id| id.get()).filter(|id| *id != "null") {
            Some(id) if !is_name(id) => {
                let detail = "id must be a string or a number";
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                Ok(Self { id: None, command })
            }
            Some(id) if id.len() > ID_BYTES_MAX => {
                let detail = format!("id has more than {ID_BYTES_MAX} bytes");
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                Ok(Self { id: None, command })
            }
            id => Ok(Self {
                id: id.map(Box::from),
                command: parse_command(kind, text).map(|command| command.with(envelope.data)),
            }),
        }
    }
}

impl ClientCommand {
    fn with(mut self, raw: Option<&RawValue>) -> Self {
        if let Self::Send { data, .. } | Self::Edit { data, .. } = &mut self {
            *data = raw.map(RawValue::to_owned);
        }
        self
    }
}

/// Whether this JSON is a string or a number.
fn is_name(json: &str) -> bool {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

fn parse_command(kind: Option<&str>, text: &[u8]) -> Result<ClientCommand, Error> {
    let kind: Option<String> = kind.and_then(|kind| serde_json::from_str(kind).ok());
    let Some(kind) = kind.filter(|kind| COMMANDS.contains(&kind.as_str())) else {
        let detail = format!("type must be one of {}", COMMANDS.join(", "));
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    };
    serde_json::from_slice(text).map_err(|error| {
        // Without what the message holds: only which member is missing is told.
        let reason = error.to_string();
        let missing = reason.strip_prefix("missing field `");
        let missing = missing.and_then(|rest| rest.split('`').next());
        let detail = match missing {
            Some(field) => format!("{kind} needs the member {field}"),
            None => format!("{kind} has a member of the wrong type"),
        };
        Error::with_detail(Code::BodyInvalid, detail)
    })
}

/// What the server says on the JSON door and on event streams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ServerEvent<'a> {
    /// The first event: who the user is and which rooms are theirs.
    Hello {
        /// The user's id.
        #[schema(example = "kim@example.com")]
        user: &'a str,
        /// Names the connection in the server's log.
        #[schema(example = "7f3a-1c")]
        session: &'a str,
        /// All of the user's rooms.
        rooms: &'a [LiveRoom],
        /// The user's inbox; absent while there was never a notification.
        #[serde(skip_serializing_if = "Option::is_none")]
        inbox: Option<LiveInbox>,
    },
    /// A message was accepted in one of the rooms. In order and without a hole in each room.
    Message {
        /// As REST shows it.
        message: MessageBody<'a>,
    },
    /// A room became, ceased to be, or changed as one of the user's. Told at once.
    Room(#[schema(inline)] RoomChange<'a>),
    /// Part of what was asked for is gone from the room's log; what is kept follows.
    #[serde(rename_all = "camelCase")]
    Reset {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: &'a str,
        /// The oldest message that is kept.
        #[schema(example = "9f3c1a2b4d5e-7")]
        oldest: String,
        /// After which message it goes on.
        #[serde(skip)]
        began: Position,
        /// The newest.
        #[schema(example = "9f3c1a2b4d5e-42")]
        head: String,
        /// The number of the oldest message that is kept; `lastSeq + 1` when none is.
        #[schema(example = 7)]
        oldest_seq: u64,
        /// The number of the newest.
        #[schema(example = 42)]
        last_seq: u64,
    },
    /// Somebody has read the room up to a position. Transient: may be lost.
    #[serde(rename_all = "camelCase")]
    Read {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: &'a str,
        /// Who.
        #[schema(example = "lee@example.com")]
        user: &'a str,
        /// Up to where.
        #[schema(example = "9f3c1a2b4d5e-42")]
        position: String,
        /// The number of the message there.
        #[schema(example = 42)]
        seq: u64,
        /// The number up to which they had read when that was told last: messages behind it are read
        /// by one more.
        #[schema(example = 39)]
        previous_seq: u64,
    },
    /// More members have read the room at once than are told one by one with `read`: ask for the
    /// counts where they are shown. Transient.
    Receipts {
        /// Which room.
        #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
        room: &'a str,
        /// How many members' marks are not told.
        #[schema(example = 968)]
        readers: u64,
    },
    /// A user who is watched is online or offline. Transient: the newest of a user counts.
    Presence {
        /// Who.
        #[schema(example = "lee@example.com")]
        user: &'a str,
        /// Which of both.
        online: bool,
        /// Since when: RFC 3339, UTC.
        #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
        at: String,
    },
    /// Something happened in the user's inbox. In order and without a hole.
    Inbox {
        /// What.
        entry: InboxEntry<'a>,
    },
    /// Somebody else writes a message, or has stopped. Transient: forget it after some seconds.
    Typing {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: &'a str,
        /// Who.
        #[schema(example = "lee@example.com")]
        user: &'a str,
        /// The name to show.
        #[schema(example = "Lee")]
        name: &'a str,
        /// `false`: stopped.
        active: bool,
    },
    /// What the host published to `/user/{id}/…` for this user. Transient: never stored.
    Notification {
        /// Unique among notifications.
        #[schema(example = "653a1f-12")]
        id: &'a str,
        /// Where it was published, without the user.
        #[schema(example = "/user/queue/orders")]
        destination: &'a str,
        /// The publisher's own headers; of a repeated one the first.
        headers: BTreeMap<&'a str, &'a str>,
        /// The body as text.
        #[schema(example = "your order has been shipped")]
        body: &'a str,
    },
    /// A command was done.
    Ack(#[schema(inline)] Ack<'a>),
    /// The answer to `ping`.
    Pong {
        /// The command's.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, example = "1")]
        id: Option<&'a RawValue>,
    },
    /// A command failed and nothing was done. The connection stays open, unless the message was no
    /// JSON object, or what failed was `auth` or a limit.
    Error {
        /// The command's, if one is to blame.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, example = "1")]
        id: Option<&'a RawValue>,
        /// What went wrong.
        error: ErrorBody<'a>,
    },
}

/// What happened to a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum RoomChange<'a> {
    /// It is the user's now: its messages come from its `position` on.
    Joined {
        /// The room.
        room: &'a LiveRoom,
    },
    /// It is the user's still; somebody claimed or completed it, for instance.
    Changed {
        /// The room as it stands.
        room: &'a LiveRoom,
    },
    /// It is not the user's any more: no more of its messages come.
    Left {
        /// The room, if it still is one.
        room: LeftRoom<'a>,
    },
}

/// A room that is not the user's any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftRoom<'a> {
    /// Which.
    #[schema(example = "kim@example.com")]
    pub id: &'a str,
}

/// A room, and from where on its messages come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveRoom {
    /// As REST shows it.
    #[serde(flatten)]
    pub room: RoomBody,
    /// Where its live stream on this connection begins: the first message after it is the first
    /// that comes.
    #[schema(example = "9f3c1a2b4d5e-42")]
    pub position: String,
    /// Messages of others, up to the `head`, that the user has not read; known in `hello`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub unread: Option<u64>,
    /// Up to where the user has read; known with `unread`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 39)]
    pub read_seq: Option<u64>,
    /// Whether a `reset` follows: until then an event stream must not be resumed from `position`,
    /// or nobody would be told that messages are gone.
    #[serde(skip)]
    pub is_reset: bool,
}

impl LiveRoom {
    /// `room`, live from `position` on.
    #[must_use]
    pub fn new(room: &madang_domain::Room, position: Position) -> Self {
        Self {
            room: RoomBody::from(room),
            position: position.to_string(),
            unread: None,
            read_seq: None,
            is_reset: false,
        }
    }
}

/// Where the live stream of the user's inbox begins.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveInbox {
    /// The first entry after it is the first that comes.
    #[schema(example = "5e9f3c1a2b4d-7")]
    pub position: String,
    /// Notifications up to `lastSeq` that are not read.
    #[schema(example = 2)]
    pub unread: u64,
    /// Up to which entry they were counted: a notification with a greater `id` was not.
    #[schema(example = 7)]
    pub last_seq: u64,
    /// `position`, unless a `reset` follows: see [`LiveRoom::is_reset`].
    #[serde(skip)]
    pub began: Option<Position>,
}

/// That a command was done.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ack<'a> {
    /// The command's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1")]
    pub id: Option<&'a RawValue>,
    /// Of `send`: what became of the message. Of a repeated `clientId` the first one.
    #[serde(flatten)]
    pub accepted: Option<Accepted<'a>>,
    /// Of `resume`: which rooms are not the caller's; nothing comes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<&'a [&'a str]>,
}

/// A message that is durable.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted<'a> {
    /// Where it is.
    #[schema(example = "kim@example.com")]
    pub room: &'a str,
    /// Its number in the room.
    #[schema(example = 42)]
    pub seq: u64,
    /// Its place in the room's log.
    #[schema(example = "9f3c1a2b4d5e-42")]
    pub position: String,
    /// Unique among all messages.
    #[schema(example = "9f3c1a2b4d5e-42")]
    pub message_id: String,
    /// When the server took it: RFC 3339, UTC, microseconds.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    pub sent_at: String,
}

impl<'a> From<&'a Message> for Accepted<'a> {
    fn from(message: &'a Message) -> Self {
        let position = message.position.to_string();
        Self {
            room: message.room.as_str(),
            seq: message.position.seq.get(),
            message_id: position.clone(),
            position,
            sent_at: rfc3339(message.sent_at),
        }
    }
}

/// The body of a STOMP ERROR.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope<'a> {
    /// What went wrong.
    pub error: ErrorBody<'a>,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// Stable name, as the reference lists it.
    #[schema(example = "NOT_YOUR_ROOM")]
    pub code: &'a str,
    /// What exactly is wrong.
    #[schema(example = "you have no access to this room")]
    pub message: &'a str,
    /// Whether the same command can succeed later without being changed.
    pub retryable: bool,
}

impl<'a> From<&'a Error> for ErrorBody<'a> {
    fn from(error: &'a Error) -> Self {
        let spec = error.code().spec();
        Self {
            code: spec.name,
            message: error.message(),
            retryable: spec.retryable,
        }
    }
}

/// The names of [`ServerEvent`]s, as `type` has them.
pub const EVENTS: [&str; 13] = [
    "hello",
    "message",
    "room",
    "reset",
    "read",
    "receipts",
    "presence",
    "inbox",
    "typing",
    "notification",
    "ack",
    "pong",
    "error",
];

/// Those that only answer a command: event streams, which have no commands, have none of them.
pub const ANSWERS: [&str; 2] = ["ack", "pong"];

impl ServerEvent<'_> {
    /// The event's `type`: what event streams call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Message { .. } => "message",
            Self::Room(_) => "room",
            Self::Reset { .. } => "reset",
            Self::Read { .. } => "read",
            Self::Receipts { .. } => "receipts",
            Self::Presence { .. } => "presence",
            Self::Inbox { .. } => "inbox",
            Self::Typing { .. } => "typing",
            Self::Notification { .. } => "notification",
            Self::Ack(_) => "ack",
            Self::Pong { .. } => "pong",
            Self::Error { .. } => "error",
        }
    }

    /// The event as one JSON object without line breaks.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Text, numbers and no maps with other keys: nothing that serialization could refuse.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// An `id` that [`Request::parse`] read, to be put into an answer.
#[must_use]
pub fn echo(id: Option<&str>) -> Option<Box<RawValue>> {
    id.and_then(|id| RawValue::from_string(id.to_owned()).ok())
}

#[cfg(test)]
#[path = "realtime_tests.rs"]
mod tests;
