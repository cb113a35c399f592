//! Events as MESSAGE frames: a tail shared by all receivers of one format, and what differs.

use bytes::Bytes;
use madang_engine::{Rendering, RoomEvent, TopicEvent};
use madang_wire::stomp::{Version, message};

use super::super::Shared;
use super::destination::{ROOMS, SUPPORT_DESK_SUBSCRIBE};
use super::frames::encode_message_head;
use crate::contracts::{native, support_desk};

/// How a room's messages look to one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomFormat {
    Native,
    SupportDesk,
}

impl RoomFormat {
    /// The number of this format's renderings in an event's cache.
    pub(super) fn index(self, version: Version) -> usize {
        self as usize * Version::ALL.len() + version as usize
    }
}

/// Appends one WebSocket message: what the subscription's messages begin with, and the tail.
pub(super) fn append_message(
    prefix: &[u8],
    ack: Option<&str>,
    tail: &Rendering,
    out: &mut Vec<u8>,
) {
    // `ack:` and LF; our ack ids need no escaping in any version.
    let ack_len = ack.map_or(0, |ack| ack.len() + 5);
    let len = prefix.len() + ack_len + tail.bytes.len();
    out.reserve(len + madang_wire::websocket::HEAD_LEN_MAX);
    encode_message_head(tail.is_text, len, out);
    out.extend_from_slice(prefix);
    if let Some(ack) = ack {
        out.extend_from_slice(b"ack:");
        out.extend_from_slice(ack.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(&tail.bytes);
}

pub(super) fn render_room_event(
    event: &RoomEvent,
    format: RoomFormat,
    version: Version,
    shared: &Shared,
) -> Rendering {
    let message = &event.message;
    let (destination, body) = match (format, &shared.options.support_desk) {
        (RoomFormat::SupportDesk, Some(options)) => (
            format!("{SUPPORT_DESK_SUBSCRIBE}{}", message.room),
            support_desk::render_message(message, options),
        ),
        _ => (
            format!("{ROOMS}{}", message.room),
            native::render_message(message),
        ),
    };
    let position = message.position.to_string();
    let headers = [
        ("destination", destination.as_str()),
        ("message-id", &position),
        ("position", &position),
        ("content-type", "application/json"),
    ];
    let mut tail = Vec::with_capacity(256 + body.len());
    message::encode_tail(version, headers, &body, &mut tail);
    Rendering {
        bytes: Bytes::from(tail),
        is_text: true,
    }
}

pub(super) fn render_topic_event(event: &TopicEvent, version: Version) -> Rendering {
    let own = [
        ("destination", &*event.destination),
        ("message-id", event.id.as_str()),
    ];
    let user = event
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut tail = Vec::with_capacity(256 + event.body.len());
    message::encode_tail(version, own.into_iter().chain(user), &event.body, &mut tail);
    let is_text = std::str::from_utf8(&event.body).is_ok();
    Rendering {
        bytes: Bytes::from(tail),
        is_text,
    }
}
