//! Events as messages: a tail shared by all receivers of one format, and what differs.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::{MessageKind, UserId};
use madang_engine::{Rendering, RoomEvent, SignalEvent, SignalKind, TopicEvent};
use madang_wire::stomp::{Version, message};

use super::super::framing::Framing;
use super::live;
use super::places::Place;
use super::room_format::RoomFormat;
use super::stomp::acks::AckLedger;
use crate::contracts::community::{CommunityOptions, notifications};

/// How a subscription's events look.
#[derive(Debug, Clone)]
pub(in super::super) enum Format {
    /// STOMP MESSAGE frames.
    Stomp { version: Version, room: RoomFormat },
    /// Events of the JSON door, for this user.
    Json { user: UserId },
    /// Contract 3, for this user.
    Direct { user: UserId },
    /// Events of an event stream, for this user.
    EventStream { user: UserId, id: EventId },
    /// Contract 2: events of this user's inbox.
    Notifications {
        user: UserId,
        options: Arc<CommunityOptions>,
    },
}

/// What names a message's event in an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum EventId {
    /// Its position: all who follow the room get the same.
    Position,
    /// Where all of the session's rooms stand.
    Places,
}

/// What is needed to put a subscription's events into its session's outbox.
pub(super) struct Head {
    format: Format,
    /// What each message begins with, escaped where the framing escapes.
    prefix: Box<[u8]>,
    /// `None` when nothing has to be acknowledged.
    pub(super) acks: Option<Box<AckLedger>>,
    /// Where its room stands, for messages that tell of all rooms.
    pub(super) place: Option<Box<Place>>,
    /// Nothing of it may go out yet: its client has not been told of it.
    pub(super) held: bool,
}

impl Format {
    /// The number of this format's renderings in an event's cache.
    fn index(&self, framing: Framing) -> usize {
        const OTHERS: usize = RoomFormat::COUNT * Version::ALL.len();
        let plain = match self {
            Self::Stomp { version, room } => room.index() * Version::ALL.len() + *version as usize,
            Self::Json { .. } => OTHERS,
            Self::Direct { .. } => OTHERS + 1,
            Self::Notifications { .. } => OTHERS + 2,
            Self::EventStream { id, .. } => OTHERS + 3 + *id as usize,
        };
        2 * plain + usize::from(framing.escapes())
    }

    fn render_room(&self, event: &RoomEvent) -> Rendering {
        match self {
            Self::Stomp { version, room } => render_stomp_message(event, room, *version),
            Self::Json { .. } => live::json_message(event),
            Self::Direct { .. } => live::direct_message(event),
            Self::EventStream { id, .. } => live::streamed_message(event, *id),
            Self::Notifications { user, options } => {
                live::streamed_inbox(&event.message, user, &options.time_zone)
            }
        }
    }

    fn render_signal(&self, event: &SignalEvent) -> Rendering {
        match self {
            Self::Stomp { version, room } => render_stomp_signal(event, room, *version),
            Self::Json { .. } => live::json_signal(event),
            Self::EventStream { .. } => live::streamed_signal(event),
            Self::Direct { .. } | Self::Notifications { .. } => live::nothing(),
        }
    }

    fn render_topic(&self, event: &TopicEvent, framing: Framing) -> Rendering {
        match self {
            Self::Stomp { version, .. } => render_stomp_topic(event, *version, framing),
            Self::Json { .. } => live::json_notification(event),
            // They have no such thing.
            Self::Direct { .. } | Self::Notifications { .. } => live::nothing(),
            Self::EventStream { .. } => live::streamed_notification(event),
        }
    }
}

impl Head {
    /// A STOMP subscription's. `id` is absent only in 1.0, where SUBSCRIBE needs none.
    pub(super) fn stomp(
        version: Version,
        room: RoomFormat,
        id: Option<&str>,
        acks: Option<AckLedger>,
        framing: Framing,
    ) -> Self {
        let mut prefix = Vec::new();
        message::encode_head(version, id, None, &mut prefix);
        Self {
            format: Format::Stomp { version, room },
            prefix: framing.escaped(prefix).into(),
            acks: acks.map(Box::new),
            place: None,
            held: false,
        }
    }

    /// Of a session that shows a user's rooms; held until its client has been told of it.
    pub(super) fn live(format: Format, place: Option<Place>) -> Self {
        let prefix = match &format {
            Format::Direct { user } => live::direct_prefix(user),
            Format::Stomp { .. }
            | Format::Json { .. }
            | Format::EventStream { .. }
            | Format::Notifications { .. } => Vec::new(),
        };
        Self {
            format,
            prefix: prefix.into(),
            acks: None,
            place: place.map(Box::new),
            held: true,
        }
    }

    /// Whether this subscription's door shows the event at all: the contracts know few kinds.
    pub(super) fn shows(&self, event: &RoomEvent) -> bool {
        let message = &event.message;
        match &self.format {
            Format::Json { .. } | Format::EventStream { .. } => true,
            Format::Stomp { room, .. } => room.shows(message.kind),
            Format::Notifications { .. } => notifications::shows(message),
            // Contract 3: senders do not get their own.
            Format::Direct { user } => {
                message.kind == MessageKind::Message && *user != message.sender
            }
        }
    }

    /// Bytes of one event's message, without what stands around it.
    pub(super) fn len(&self, event: &RoomEvent, framing: Framing) -> usize {
        if !self.shows(event) {
            return 0;
        }
        self.prefix.len() + self.room_tail(event, framing).bytes.len()
    }

    /// Appends a room's event as one message.
    pub(super) fn append_room(
        &self,
        event: &RoomEvent,
        ack: Option<&str>,
        framing: Framing,
        out: &mut Vec<u8>,
    ) {
        if !self.shows(event) {
            return;
        }
        self.append(self.room_tail(event, framing), ack, framing, out);
    }

    /// Appends a room's event behind the line that names it.
    pub(super) fn append_placed(
        &self,
        event: &RoomEvent,
        id: &[u8],
        framing: Framing,
        out: &mut Vec<u8>,
    ) {
        let tail = self.room_tail(event, framing);
        framing.append_pieces(true, [id, b"", &tail.bytes], out);
    }

    /// Whether this subscription's door shows what somebody does in a room.
    pub(super) fn shows_signal(&self, event: &SignalEvent) -> bool {
        let kind = event.signal.kind;
        match &self.format {
            Format::Direct { .. } | Format::Notifications { .. } => false,
            Format::Stomp { room, .. } => room.shows_signal(kind),
            // The log tells that somebody joined; here nobody has to come again.
            Format::Json { .. } | Format::EventStream { .. } => {
                kind != SignalKind::Entered && !self.is_own_typing(event)
            }
        }
    }

    /// Appends what somebody does in a room, which this door shows.
    pub(super) fn append_signal(
        &self,
        event: &SignalEvent,
        ack: Option<&str>,
        framing: Framing,
        out: &mut Vec<u8>,
    ) {
        let tail = event
            .renderings
            .get_or_render(self.format.index(framing), || {
                framing.escaped_rendering(self.format.render_signal(event))
            });
        self.append(tail, ack, framing, out);
    }

    /// Nobody has to be told that they write themselves; that they have read is news to their
    /// other devices.
    fn is_own_typing(&self, event: &SignalEvent) -> bool {
        let (Format::Json { user } | Format::EventStream { user, .. }) = &self.format else {
            return false;
        };
        matches!(event.signal.kind, SignalKind::Typing { .. }) && *user == event.signal.user
    }

    /// Appends a topic's event as one message.
    pub(super) fn append_topic(
        &self,
        event: &TopicEvent,
        ack: Option<&str>,
        framing: Framing,
        out: &mut Vec<u8>,
    ) {
        let tail = event
            .renderings
            .get_or_render(self.format.index(framing), || {
                framing.escaped_rendering(self.format.render_topic(event, framing))
            });
        self.append(tail, ack, framing, out);
    }

    fn append(&self, tail: &Rendering, ack: Option<&str>, framing: Framing, out: &mut Vec<u8>) {
        let Some(ack) = ack else {
            let pieces = [&self.prefix, b"".as_slice(), &tail.bytes];
            return framing.append_pieces(tail.is_text, pieces, out);
        };
        // Our ack ids need no escaping in any version.
        let ack = framing.escaped(format!("ack:{ack}\n").into_bytes());
        framing.append_pieces(tail.is_text, [&self.prefix, &ack, &tail.bytes], out);
    }

    /// What the event's receivers of this subscription's format share.
    fn room_tail<'e>(&self, event: &'e RoomEvent, framing: Framing) -> &'e Rendering {
        event
            .renderings
            .get_or_render(self.format.index(framing), || {
                framing.escaped_rendering(self.format.render_room(event))
            })
    }
}

impl Framing {
    fn escaped_rendering(self, rendering: Rendering) -> Rendering {
        if !self.escapes() {
            return rendering;
        }
        Rendering {
            bytes: Bytes::from(self.escaped(rendering.bytes.to_vec())),
            is_text: true,
        }
    }
}

fn render_stomp_message(event: &RoomEvent, format: &RoomFormat, version: Version) -> Rendering {
    let message = &event.message;
    let position = message.position.to_string();
    let headers = [
        ("destination", &*format.destination(&message.room)),
        ("message-id", &position),
        ("position", &position),
        ("content-type", "application/json"),
    ];
    render_stomp(version, headers, &format.body(message))
}

/// What names a signal's MESSAGE.
pub(super) fn signal_id(event: &SignalEvent) -> String {
    let signal = &event.signal;
    format!("{}-{}", signal.at.as_micros(), signal.user)
}

fn render_stomp_signal(event: &SignalEvent, format: &RoomFormat, version: Version) -> Rendering {
    let signal = &event.signal;
    let headers = [
        ("destination", &*format.destination(&signal.room)),
        ("message-id", &*signal_id(event)),
        ("content-type", "application/json"),
    ];
    render_stomp(version, headers, &format.signal_body(signal))
}

fn render_stomp<const N: usize>(
    version: Version,
    headers: [(&str, &str); N],
    body: &[u8],
) -> Rendering {
    let mut tail = Vec::with_capacity(256 + body.len());
    message::encode_tail(version, headers, body, &mut tail);
    Rendering {
        bytes: Bytes::from(tail),
        is_text: true,
    }
}

fn render_stomp_topic(event: &TopicEvent, version: Version, framing: Framing) -> Rendering {
    let own = [
        ("destination", &*event.destination),
        ("message-id", event.id.as_str()),
    ];
    let user = event
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    // What carries texts only gets a text: its length is then that of the text.
    let as_text = framing
        .escapes()
        .then(|| String::from_utf8_lossy(&event.body));
    let body = as_text.as_deref().map_or(&*event.body, str::as_bytes);
    let mut tail = Vec::with_capacity(256 + body.len());
    message::encode_tail(version, own.into_iter().chain(user), body, &mut tail);
    Rendering {
        bytes: Bytes::from(tail),
        is_text: std::str::from_utf8(body).is_ok(),
    }
}
