//! Contract 3: what its bare WebSocket (`/ws/chat`) and its REST say.

use madang_domain::{Code, Message};
use serde::Serialize;
use utoipa::ToSchema;

use super::native::rfc3339;
use super::support_desk;

/// A message as contract 3's clients get it, once per recipient.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectMessage<'a> {
    /// Who gets it.
    #[schema(example = "lee@example.com")]
    pub receive_user_id: &'a str,
    /// What all recipients get.
    #[serde(flatten)]
    pub shared: DirectMessageBody<'a>,
}

/// What all recipients of a message get in contract 3.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectMessageBody<'a> {
    /// The room it is in.
    #[schema(example = "kim@example.com")]
    pub channel_id: &'a str,
    /// Who sent it.
    #[schema(example = "kim@example.com")]
    pub send_user_id: &'a str,
    /// The text.
    #[schema(example = "내일 경기 몇 시죠?")]
    pub content: &'a str,
    /// Its number in the room.
    #[schema(example = 42)]
    pub seq: u64,
    /// When the server took it: RFC 3339, UTC, microseconds.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    pub sent_at: String,
}

impl<'a> From<&'a Message> for DirectMessageBody<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            channel_id: message.room.as_str(),
            send_user_id: message.sender.as_str(),
            content: match message.data() {
                Some(data) if message.text.is_empty() => data,
                _ => &message.text,
            },
            seq: message.position.seq.get(),
            sent_at: rfc3339(message.sent_at),
        }
    }
}

/// What this contract says of `code`.
#[must_use]
pub const fn error_text(code: Code) -> &'static str {
    match code {
        Code::RoomNotFound => "채팅방 정보가 존재하지 않습니다.",
        Code::NotYourRoom => "채팅방 참여자가 아닙니다.",
        other => support_desk::error_code(other).1,
    }
}
