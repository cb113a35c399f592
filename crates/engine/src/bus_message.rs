//! What nodes tell each other, as JSON: other consumers of the bus may read it too.

use std::sync::Arc;

mod message;

use bytes::Bytes;
use madang_domain::ports::PresenceEdge;
use madang_domain::{Epoch, Message, Position, RoomId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::event::{Renderings, RoomSignal, SignalEvent, SignalKind, TopicEvent};
pub(crate) use message::MessageBody;

/// A hint to other nodes; what is lost is found by the head check.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum BusMessage {
    /// An entry was accepted in the topic's room.
    Message(MessageBody),
    /// A life of the topic's room was deleted.
    Deleted {
        /// Which.
        epoch: u64,
    },
    /// An application message for the topic's destination.
    Topic(TopicBody),
    /// An application message for the topic's user alone.
    UserTopic {
        /// As the user's subscriptions name it.
        destination: Arc<str>,
        /// The message.
        event: TopicBody,
    },
    /// The topic's user may have gained or lost this room, or it changed hands.
    RoomsChanged {
        /// Which room.
        room: String,
        /// Where its log stood before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// Somebody does something in the topic's room that is not in its log.
    Signal(SignalBody),
    /// The topic's user went online or offline.
    Presence {
        /// Which of both.
        online: bool,
        /// See [`PresenceEdge::epoch`].
        epoch: u64,
        /// See [`PresenceEdge::at`].
        at_micros: i64,
    },
    /// Anybody's rooms may have changed: it is not known what was stored.
    RoomsUnknown,
    /// A room let go of an upload, on a node that keeps none.
    PictureReleased {
        /// The link to it.
        link: Arc<str>,
    },
    /// A user's tokens that were issued up to a moment are refused, and their sessions end.
    Revoked {
        /// Whose.
        user: String,
        /// Up to when.
        at_micros: i64,
    },
}

/// An application message without its destination, which is the bus topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TopicBody {
    id: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A signal without its room, which is the bus topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignalBody {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
    kind: SignalPart,
    at_micros: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SignalPart {
    Typing { active: bool },
    Read { epoch: u64, before: u64, seq: u64 },
    ManyRead { readers: u64 },
    Entered,
}

impl BusMessage {
    pub(crate) fn message(message: &Message) -> Self {
        Self::Message(MessageBody::of(message))
    }

    pub(crate) const fn deleted(epoch: Epoch) -> Self {
        Self::Deleted { epoch: epoch.get() }
    }

    pub(crate) const fn presence(edge: &PresenceEdge) -> Self {
        Self::Presence {
            online: edge.online,
            epoch: edge.epoch,
            at_micros: edge.at.as_micros(),
        }
    }

    pub(crate) fn revoked(user: &UserId, at: Timestamp) -> Self {
        Self::Revoked {
            user: user.as_str().to_owned(),
            at_micros: at.as_micros(),
        }
    }

    pub(crate) fn topic(event: &TopicEvent) -> Self {
        Self::Topic(TopicBody::of(event))
    }

    pub(crate) fn user_topic(event: &TopicEvent) -> Self {
        Self::UserTopic {
            destination: Arc::clone(&event.destination),
            event: TopicBody::of(event),
        }
    }

    pub(crate) fn rooms_changed(room: &RoomId, since: Option<Position>) -> Self {
        let room = room.as_str().to_owned();
        let since = since.map(|since| since.to_string());
        Self::RoomsChanged { room, since }
    }

    pub(crate) fn signal(signal: &RoomSignal) -> Self {
        Self::Signal(SignalBody {
            user: signal.user.as_str().to_owned(),
            name: signal.name.clone(),
            kind: match signal.kind {
                SignalKind::Typing { active } => SignalPart::Typing { active },
                SignalKind::Read { before, now } => SignalPart::Read {
                    epoch: now.epoch.get(),
                    before: before.get(),
                    seq: now.seq.get(),
                },
                SignalKind::ManyRead { readers } => SignalPart::ManyRead { readers },
                SignalKind::Entered => SignalPart::Entered,
            },
            at_micros: signal.at.as_micros(),
        })
    }

    pub(crate) fn encode(&self) -> Bytes {
        // Only a map with keys that are not text, or a failing writer, could fail.
        serde_json::to_vec(self)
            .map(Bytes::from)
            .unwrap_or_default()
    }

    /// # Errors
    /// Another version of the software, or somebody else, wrote it: to be ignored.
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }
}

impl SignalBody {
    /// `None` when the user's id is not one.
    pub(crate) fn into_event(self, room: &RoomId) -> Option<Arc<SignalEvent>> {
        Some(Arc::new(SignalEvent::new(RoomSignal {
            room: room.clone(),
            user: UserId::new(&self.user).ok()?,
            name: self.name,
            kind: match self.kind {
                SignalPart::Typing { active } => SignalKind::Typing { active },
                SignalPart::Read { epoch, before, seq } => SignalKind::Read {
                    before: Seq::new(before),
                    now: Position {
                        epoch: Epoch::new(epoch),
                        seq: Seq::new(seq),
                    },
                },
                SignalPart::ManyRead { readers } => SignalKind::ManyRead { readers },
                SignalPart::Entered => SignalKind::Entered,
            },
            at: Timestamp::from_micros(self.at_micros),
        })))
    }
}

impl TopicBody {
    fn of(event: &TopicEvent) -> Self {
        Self {
            id: event.id.clone(),
            headers: event.headers.clone(),
            body: event.body.to_vec(),
        }
    }

    pub(crate) fn into_event(self, destination: &Arc<str>) -> Arc<TopicEvent> {
        Arc::new(TopicEvent {
            destination: Arc::clone(destination),
            id: self.id,
            headers: self.headers,
            body: Bytes::from(self.body),
            renderings: Renderings::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_survives_the_bus() {
        let position = Position {
            epoch: Epoch::new(7),
            seq: Seq::new(3),
        };
        for kind in [
            SignalKind::Typing { active: true },
            SignalKind::Typing { active: false },
            SignalKind::Read {
                before: Seq::new(1),
                now: position,
            },
            SignalKind::ManyRead { readers: 7 },
            SignalKind::Entered,
        ] {
            let signal = RoomSignal {
                room: RoomId::new("kim").unwrap(),
                user: UserId::new("lee").unwrap(),
                name: Some(Arc::from("Lee")),
                kind,
                at: Timestamp::from_micros(-5),
            };
            let payload = BusMessage::signal(&signal).encode();
            let Ok(BusMessage::Signal(body)) = BusMessage::decode(&payload) else {
                panic!("another kind of message");
            };
            assert_eq!(body.into_event(&signal.room).unwrap().signal, signal);
        }
    }
}
