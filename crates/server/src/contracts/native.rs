//! The native JSON: what REST answers and what a STOMP MESSAGE carries.

use madang_domain::message::TEXT_BYTES_MAX;
use madang_domain::{Code, Error, Message, SenderKind, Seq, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A message, as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    /// The room it is in.
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
    /// Who sent it.
    pub sender: SenderBody<'a>,
    /// The text.
    #[schema(example = "결제가 되지 않아요")]
    pub text: &'a str,
    /// The sender's own name for it, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1")]
    pub client_id: Option<&'a str>,
    /// When the server took it: RFC 3339, UTC, microseconds.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    pub sent_at: String,
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
}

impl<'a> From<&'a Message> for MessageBody<'a> {
    fn from(message: &'a Message) -> Self {
        let position = message.position.to_string();
        Self {
            room_id: message.room.as_str(),
            seq: message.position.seq.get(),
            message_id: position.clone(),
            position,
            sender: SenderBody {
                id: message.sender.as_str(),
                name: message.sender_display_name(),
                kind: match message.sender_kind {
                    SenderKind::Customer => SenderKindBody::Customer,
                    SenderKind::Agent => SenderKindBody::Agent,
                },
            },
            text: &message.text,
            client_id: message.client_id.as_ref().map(|id| id.as_str()),
            sent_at: rfc3339(message.sent_at),
        }
    }
}

/// The message as one JSON object: the body of a native STOMP MESSAGE, one element of the REST
/// list.
#[must_use]
pub fn render_message(message: &Message) -> Vec<u8> {
    // Text, numbers and no maps with other keys: nothing that serialization could refuse.
    serde_json::to_vec(&MessageBody::from(message)).unwrap_or_default()
}

/// The body of a native SEND.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RoomSend)]
pub(crate) struct SendBody {
    /// 1 to 16384 bytes of UTF-8.
    #[schema(example = "결제가 되지 않아요")]
    text: String,
}

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

/// Reads the body of a native SEND: `{"text": "…"}`; other members are ignored.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is no such JSON. The sender's fault; not retryable.
pub fn parse_send(body: &[u8]) -> Result<String, Error> {
    let send: SendBody = parse_json(body)?;
    Ok(send.text)
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
mod tests {
    use std::sync::Arc;

    use madang_domain::{ClientId, Epoch, Position, RoomId, UserId};

    use super::*;

    fn message() -> Message {
        Message {
            room: RoomId::new("kim@example.com").unwrap(),
            position: Position {
                epoch: Epoch::new(0xabc),
                seq: Seq::new(7),
            },
            sender: UserId::new("kim@example.com").unwrap(),
            sender_name: Some(Arc::from("Kim")),
            sender_kind: SenderKind::Customer,
            client_id: Some(ClientId::new("c-1").unwrap()),
            text: Arc::from("안녕 \"하세요\""),
            sent_at: Timestamp::from_micros(1_696_468_890_000_001),
        }
    }

    #[test]
    fn a_message_shows_its_place_its_sender_and_its_time_to_the_microsecond() {
        let shown: serde_json::Value = serde_json::from_slice(&render_message(&message())).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({
                "roomId": "kim@example.com", "seq": 7, "position": "abc-7", "messageId": "abc-7",
                "sender": {"id": "kim@example.com", "name": "Kim", "kind": "customer"},
                "text": "안녕 \"하세요\"", "clientId": "c-1", "sentAt": "2023-10-05T01:21:30.000001Z",
            })
        );
    }

    #[test]
    fn a_message_without_a_client_id_has_no_such_member() {
        let message = Message {
            client_id: None,
            ..message()
        };
        let shown: serde_json::Value = serde_json::from_slice(&render_message(&message)).unwrap();
        assert!(shown.get("clientId").is_none());
    }

    #[test]
    fn bad_json_is_refused_without_repeating_it() {
        for body in [
            &b""[..],
            b"{",
            b"[]",
            b"{\"text\":5}",
            b"{\"text\":\"\xff\"}",
            b"{\"secret\":1}",
        ] {
            let error = parse_send(body).unwrap_err();
            assert_eq!(error.code(), Code::BodyInvalid);
            assert!(!error.message().contains("secret"), "{error}");
        }
        assert_eq!(parse_send(br#"{"text":"a","more":1}"#).unwrap(), "a");
    }
}
