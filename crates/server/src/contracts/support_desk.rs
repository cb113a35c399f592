//! Contract 1, the support desk of the video-course site: its words, whatever door they take.

use jiff::tz::TimeZone;
use madang_domain::{Code, Error, Message, RoomId, SenderKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::native::parse_json;
use super::plain::{local_date_time, text};

/// What the deployment decides about this contract.
#[derive(Debug, Clone)]
pub struct SupportDeskOptions {
    /// What customers and agents see as the sender of every agent's message: `상담원`.
    pub agent_name: Arc<str>,
    /// In which zone local date-times are told.
    pub time_zone: TimeZone,
}

/// What a customer without a known name is called in lists.
pub const UNKNOWN_NICKNAME: &str = "탈퇴한 회원입니다.";

/// A chat message of this contract: the body of a MESSAGE and one element of a history page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeskMessage)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage<'a> {
    /// The customer's e-mail.
    #[schema(example = "kim@example.com")]
    pub room_id: &'a str,
    /// The customer's e-mail, or the agents' display name.
    #[schema(example = "상담원")]
    pub sender: &'a str,
    /// The text.
    #[schema(example = "무엇을 도와드릴까요?")]
    pub message: &'a str,
    /// ISO local date-time with six digits of fraction, without an offset.
    #[schema(example = "2023-10-05T01:21:30.123456")]
    pub send_date: String,
}

impl<'a> ChatMessage<'a> {
    /// How `message` looks in this contract.
    #[must_use]
    pub fn new(message: &'a Message, options: &'a SupportDeskOptions) -> Self {
        Self {
            room_id: message.room.as_str(),
            sender: match message.sender_kind {
                SenderKind::Customer => message.sender.as_str(),
                SenderKind::Agent | SenderKind::Host | SenderKind::Member => &options.agent_name,
            },
            message: text(message),
            send_date: local_date_time(message.sent_at, &options.time_zone),
        }
    }
}

/// The message as this contract's JSON: `{"roomId","sender","message","sendDate"}`.
#[must_use]
pub fn render_message(message: &Message, options: &SupportDeskOptions) -> Vec<u8> {
    // Text only: nothing that serialization could refuse.
    serde_json::to_vec(&ChatMessage::new(message, options)).unwrap_or_default()
}

/// The body of a SEND of this contract.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DeskSend)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendBody {
    /// The customer's e-mail.
    #[schema(example = "kim@example.com")]
    room_id: String,
    /// 1 to 16384 bytes of UTF-8.
    #[schema(example = "결제가 되지 않아요")]
    message: String,
}

/// Reads the body of a SEND to `/pub/message`: `{"roomId","message"}`; other members are ignored.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is no such JSON. [`Code::RoomNotFound`]: no room can have this id.
/// Both are the sender's fault; not retryable.
pub fn parse_send(body: &[u8]) -> Result<(RoomId, String), Error> {
    let send: SendBody = parse_json(body)?;
    let room = RoomId::new(&send.room_id).map_err(|_| Error::from(Code::RoomNotFound))?;
    Ok((room, send.message))
}

const INVALID_ROOM: &str = "유효하지 않은 채팅방입니다.";
const INVALID_REQUEST: &str = "잘못된 요청입니다.";
const TRY_LATER: &str = "잠시 후 다시 시도해 주세요.";

/// How this contract names `code` and what it says: `status` and `message` of its error envelope,
/// `message` and body of its STOMP ERROR.
#[must_use]
pub const fn error_code(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::RoomNotFound
        | Code::NotYourRoom
        | Code::RoomNotWaiting
        | Code::MemberNotFound
        | Code::AgentNotFound
        | Code::UserNotFound
        | Code::MessageNotFound
        | Code::RoomAmbiguous
        | Code::NotificationNotFound => ("CHAT-400", INVALID_ROOM),
        Code::AgentsOnly
        | Code::PublishForbidden
        | Code::SubscribeForbidden
        | Code::RoleRequired
        | Code::NotForGuests
        | Code::TooLate
        | Code::RoomFull
        | Code::ScopeMissing
        | Code::OriginForbidden => ("CHAT-403", "채팅방에 접근할 수 없습니다."),
        Code::RoomTaken => ("CHAT-409", "이미 채팅이 배정되었습니다."),
        Code::TokenExpired => ("UNAUTHORIZED", "만료된 토큰입니다."),
        Code::TokenInvalid | Code::TokenRevoked | Code::CredentialsInvalid => {
            ("UNAUTHORIZED", "유효하지 않은 토큰입니다.")
        }
        Code::AuthenticationRequired => ("UNAUTHORIZED", "로그인이 필요합니다."),
        Code::NotFound => ("NOT_FOUND", "요청한 자원을 찾을 수 없습니다."),
        Code::MethodNotAllowed => ("METHOD_NOT_ALLOWED", "지원하지 않는 메서드입니다."),
        Code::MessageInvalid => ("BAD_REQUEST", "유효하지 않은 메시지입니다."),
        Code::BodyInvalid
        | Code::ParameterInvalid
        | Code::PositionInvalid
        | Code::FrameInvalid
        | Code::WebSocketInvalid
        | Code::VersionUnsupported => ("BAD_REQUEST", INVALID_REQUEST),
        Code::TooLarge => ("PAYLOAD_TOO_LARGE", "요청이 너무 큽니다."),
        Code::TooMany => ("TOO_MANY_REQUESTS", TRY_LATER),
        Code::HeartBeatMissed | Code::ConnectTimeout | Code::SlowConsumer => {
            ("REQUEST_TIMEOUT", TRY_LATER)
        }
        Code::Draining | Code::Overloaded | Code::Unavailable => ("SERVICE_UNAVAILABLE", TRY_LATER),
        Code::Internal => ("INTERNAL_SERVER_ERROR", "서버 오류가 발생했습니다."),
    }
}

/// The HTTP status of `code` in this contract, which is also the number in its error envelope.
#[must_use]
pub const fn http_status(code: Code) -> u16 {
    match code {
        Code::RoomNotFound
        | Code::NotYourRoom
        | Code::RoomNotWaiting
        | Code::MemberNotFound
        | Code::AgentNotFound
        | Code::UserNotFound
        | Code::MessageNotFound
        | Code::RoomAmbiguous
        | Code::NotificationNotFound => 400,
        Code::RoomFull => 403,
        _ => code.spec().http_status,
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{Epoch, MessageKind, Position, Seq, Timestamp, UserId};

    use super::*;

    fn options(zone: &str) -> SupportDeskOptions {
        SupportDeskOptions {
            agent_name: Arc::from("상담원"),
            time_zone: TimeZone::posix(zone).unwrap(),
        }
    }

    fn message(kind: SenderKind, sender: &str) -> Message {
        Message {
            room: RoomId::new("kim@example.com").unwrap(),
            position: Position {
                epoch: Epoch::new(1),
                seq: Seq::new(1),
            },
            kind: MessageKind::Message,
            sender: UserId::new(sender).unwrap(),
            sender_name: Some(Arc::from("A name")),
            sender_kind: kind,
            client_id: None,
            text: Arc::from("안녕하세요"),
            sent_at: Timestamp::from_micros(1_696_436_490_123_456),
            extra: None,
        }
    }

    #[test]
    fn a_customer_shows_as_their_e_mail_and_an_agent_as_the_display_name() {
        let shown = render_message(
            &message(SenderKind::Customer, "kim@example.com"),
            &options("KST-9"),
        );
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            r#"{"roomId":"kim@example.com","sender":"kim@example.com","message":"안녕하세요","sendDate":"2023-10-05T01:21:30.123456"}"#
        );
        let shown = render_message(&message(SenderKind::Agent, "lee"), &options("UTC0"));
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            r#"{"roomId":"kim@example.com","sender":"상담원","message":"안녕하세요","sendDate":"2023-10-04T16:21:30.123456"}"#
        );
    }

    #[test]
    fn a_send_names_a_room_and_a_message() {
        let (room, text) =
            parse_send(r#"{"roomId":"kim@example.com","message":"네"}"#.as_bytes()).unwrap();
        assert_eq!((room.as_str(), text.as_str()), ("kim@example.com", "네"));
        let code = |body: &str| parse_send(body.as_bytes()).unwrap_err().code();
        assert_eq!(code(r#"{"roomId":"","message":"네"}"#), Code::RoomNotFound);
        assert_eq!(code(r#"{"roomId":"kim"}"#), Code::BodyInvalid);
        assert_eq!(code("네"), Code::BodyInvalid);
    }

    #[test]
    fn a_chat_code_has_the_status_that_its_name_says() {
        for code in Code::ALL {
            if let Some(number) = error_code(*code).0.strip_prefix("CHAT-") {
                assert_eq!(number, http_status(*code).to_string(), "{code}");
            }
        }
    }
}
