//! What a user's rooms send, in the formats of the doors that show all of them.

use bytes::Bytes;
use jiff::tz::TimeZone;
use madang_domain::ports::PresenceEdge;
use madang_domain::{Message, MessageKind, UserId};
use madang_engine::{Rendering, RoomEvent, SignalEvent, SignalKind, TopicEvent};
use madang_wire::sse;

use super::render::EventId;
use crate::contracts::community::notifications;
use crate::contracts::direct::DirectMessageBody;
use crate::contracts::inbox::InboxEntry;
use crate::contracts::native::{MessageBody, rfc3339};
use crate::contracts::realtime::ServerEvent;

pub(super) fn json_message(event: &RoomEvent) -> Rendering {
    text(message(event).to_json())
}

pub(super) fn json_notification(event: &TopicEvent) -> Rendering {
    with_notification(event, |event| text(event.to_json()))
}

pub(super) fn json_signal(event: &SignalEvent) -> Rendering {
    with_signal(event, |event| text(event.to_json()))
}

pub(super) fn streamed_message(event: &RoomEvent, id: EventId) -> Rendering {
    let mut out = Vec::new();
    if id == EventId::Position {
        append_id(&event.message.position.to_string(), &mut out);
    }
    append_event(&message(event), &mut out);
    text(out)
}

/// Contract 2: an entry of a user's inbox.
pub(super) fn streamed_inbox(message: &Message, user: &UserId, zone: &TimeZone) -> Rendering {
    let mut out = Vec::new();
    notifications::append_notification(message, user, zone, &mut out);
    text(out)
}

pub(super) fn streamed_notification(event: &TopicEvent) -> Rendering {
    with_notification(event, streamed)
}

pub(super) fn streamed_signal(event: &SignalEvent) -> Rendering {
    with_signal(event, streamed)
}

/// What all recipients share: the object without its beginning, which is [`direct_prefix`].
pub(super) fn direct_message(event: &RoomEvent) -> Rendering {
    let body = DirectMessageBody::from(&*event.message);
    let mut json = serde_json::to_vec(&body).unwrap_or_default();
    // The brace is in the prefix.
    if let Some(first) = json.first_mut() {
        *first = b',';
    }
    text(json)
}

pub(super) fn direct_prefix(user: &UserId) -> Vec<u8> {
    let user = serde_json::Value::from(user.as_str());
    format!("{{\"receiveUserId\":{user}").into_bytes()
}

pub(super) fn nothing() -> Rendering {
    text(Vec::new())
}

/// Appends an event of an event stream, which [`append_id`] may precede.
pub(super) fn append_event(event: &ServerEvent<'_>, out: &mut Vec<u8>) {
    let json = event.to_json();
    // JSON is text, and our names are one line.
    let data = str::from_utf8(&json).unwrap_or_default();
    sse::append_event(sse::Line::new(event.name()).ok(), data, out);
}

/// Appends the line that names the next event.
pub(super) fn append_id(id: &str, out: &mut Vec<u8>) {
    if let Ok(id) = sse::Line::new(id) {
        sse::append_id(id, out);
    }
}

/// That a user went online or offline, as the JSON door tells it.
pub(super) fn json_presence(edge: &PresenceEdge) -> Vec<u8> {
    let event = ServerEvent::Presence {
        user: edge.user.as_str(),
        online: edge.online,
        at: rfc3339(edge.at),
    };
    event.to_json()
}

fn message(event: &RoomEvent) -> ServerEvent<'_> {
    let message = &*event.message;
    match message.kind {
        MessageKind::Notification
        | MessageKind::NotificationRead
        | MessageKind::NotificationDeleted => ServerEvent::Inbox {
            entry: InboxEntry::new(message),
        },
        _ => ServerEvent::Message {
            message: MessageBody::from(message),
        },
    }
}

fn streamed(event: &ServerEvent<'_>) -> Rendering {
    let mut out = Vec::new();
    append_event(event, &mut out);
    text(out)
}

fn with_notification(
    event: &TopicEvent,
    render: impl FnOnce(&ServerEvent<'_>) -> Rendering,
) -> Rendering {
    let headers = event.headers.iter().rev();
    render(&ServerEvent::Notification {
        id: &event.id,
        destination: &event.destination,
        // Of repeated headers the first counts (STOMP 1.2, "Repeated Header Entries").
        headers: headers
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
        body: &String::from_utf8_lossy(&event.body),
    })
}

fn with_signal(
    event: &SignalEvent,
    render: impl FnOnce(&ServerEvent<'_>) -> Rendering,
) -> Rendering {
    let signal = &event.signal;
    let (room, user) = (signal.room.as_str(), signal.user.as_str());
    render(&match signal.kind {
        // The log tells who joined: these doors have no other word for it.
        SignalKind::Entered => return nothing(),
        SignalKind::Typing { active } => ServerEvent::Typing {
            room,
            user,
            name: signal.name.as_deref().unwrap_or(user),
            active,
        },
        SignalKind::Read { before, now } => ServerEvent::Read {
            room,
            user,
            position: now.to_string(),
            seq: now.seq.get(),
            previous_seq: before.get(),
        },
        SignalKind::ManyRead { readers } => ServerEvent::Receipts { room, readers },
    })
}

fn text(bytes: Vec<u8>) -> Rendering {
    Rendering {
        bytes: Bytes::from(bytes),
        is_text: true,
    }
}
