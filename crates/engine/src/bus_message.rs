//! What nodes tell each other, as JSON: other consumers of the bus may read it too.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::{
    ClientId, Epoch, Message, Position, RoomId, SenderKind, Seq, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use crate::event::{Renderings, TopicEvent};

/// A hint to other nodes; what is lost is found by the head check.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum BusMessage {
    /// A message was accepted in the topic's room.
    Message(MessageBody),
    /// Who may read the topic's room has changed.
    AccessChanged,
    /// The topic's room was deleted.
    Deleted,
    /// An application message for the topic's destination.
    Topic(TopicBody),
}

/// A message without its room, which is the bus topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageBody {
    epoch: u64,
    seq: u64,
    sender: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<Arc<str>>,
    sender_kind: SenderPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    text: Arc<str>,
    sent_at_micros: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SenderPart {
    Customer,
    Agent,
}

/// An application message without its destination, which is the bus topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TopicBody {
    id: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl BusMessage {
    pub(crate) fn message(message: &Message) -> Self {
        Self::Message(MessageBody {
            epoch: message.position.epoch.get(),
            seq: message.position.seq.get(),
            sender: message.sender.as_str().to_owned(),
            sender_name: message.sender_name.clone(),
            sender_kind: match message.sender_kind {
                SenderKind::Customer => SenderPart::Customer,
                SenderKind::Agent => SenderPart::Agent,
            },
            client_id: message.client_id.as_ref().map(|id| id.as_str().to_owned()),
            text: Arc::clone(&message.text),
            sent_at_micros: message.sent_at.as_micros(),
        })
    }

    pub(crate) fn topic(event: &TopicEvent) -> Self {
        let (id, headers) = (event.id.clone(), event.headers.clone());
        Self::Topic(TopicBody {
            id,
            headers,
            body: event.body.to_vec(),
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

impl MessageBody {
    /// `None` when an id in it is not one.
    pub(crate) fn into_message(self, room: &RoomId) -> Option<Arc<Message>> {
        let client_id = self
            .client_id
            .map(|id| ClientId::new(&id))
            .transpose()
            .ok()?;
        Some(Arc::new(Message {
            room: room.clone(),
            position: Position {
                epoch: Epoch::new(self.epoch),
                seq: Seq::new(self.seq),
            },
            sender: UserId::new(&self.sender).ok()?,
            sender_name: self.sender_name,
            sender_kind: match self.sender_kind {
                SenderPart::Customer => SenderKind::Customer,
                SenderPart::Agent => SenderKind::Agent,
            },
            client_id,
            text: self.text,
            sent_at: Timestamp::from_micros(self.sent_at_micros),
        }))
    }
}

impl TopicBody {
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
