//! What the server says on the live doors.

use std::collections::BTreeMap;

use madang_domain::{Error, Message, Position};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::inbox::InboxEntry;
use super::super::native::{MessageBody, rfc3339};
use super::super::rooms::RoomBody;

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
        /// The user's rooms, those that were resumed first, then the newest: as many as a connection
        /// shows.
        rooms: &'a [LiveRoom],
        /// The user has more rooms than are shown; absent where that is not so. Of those nothing
        /// comes: they are read over REST, or resumed.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(value_type = Option<bool>, nullable = false, example = true)]
        more: bool,
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
    /// Part of what was asked for is gone from the log; what is kept follows.
    #[serde(rename_all = "camelCase")]
    Reset {
        /// Which room; absent where it is the user's inbox.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, example = "kim@example.com")]
        room: Option<&'a str>,
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
        room: RoomName<'a>,
    },
    /// It is the user's still, but no more of its messages come: the connection shows another in its
    /// place, as it shows so many rooms at most.
    Hidden {
        /// The room.
        room: RoomName<'a>,
    },
}

/// Which room is shown no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomName<'a> {
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

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
