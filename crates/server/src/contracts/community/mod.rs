//! Contract 2, open chat and trade chat of the pet community: its words, whatever door they take.
//!
//! [`chat`] is what its STOMP clients say and hear, [`rooms`] its lists, [`mod@open`] and
//! [`trade`] which rooms are meant, [`notifications`] its inbox.

pub mod chat;
pub mod notifications;
pub mod open;
pub mod rooms;
pub mod trade;

use std::borrow::Cow;

use jiff::tz::TimeZone;
use madang_domain::{Code, Error};
use serde::Serialize;
use utoipa::ToSchema;

/// What the deployment decides about this contract.
#[derive(Debug, Clone)]
pub struct CommunityOptions {
    /// In which zone local date-times are told.
    pub time_zone: TimeZone,
}

/// The envelope of an answer that has nothing to show.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunitySaid)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// What was done, or why not.
    #[schema(example = "오픈채팅방 생성 성공")]
    pub msg: Cow<'static, str>,
    /// The HTTP status.
    #[schema(example = 201)]
    pub status_code: u16,
}

impl Said {
    /// What is said of a failure.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self {
            msg: Cow::Borrowed(words(code)),
            status_code: code.spec().http_status,
        }
    }

    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Text only: nothing that serialization could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Rooms, messages and notifications in one list at most, the newest: this contract knows no pages.
pub const LISTED_MAX: usize = 1_000;

/// The number of an open room or a notification, as paths and destinations name it.
///
/// # Errors
/// [`Code::ParameterInvalid`]: it is no number that we give out. The client's fault.
pub fn parse_number(text: &str) -> Result<u64, Error> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| is_plain);
    // Stores keep numbers in 64 bits with a sign.
    number
        .filter(|number| i64::try_from(*number).is_ok())
        .ok_or_else(|| Error::with_detail(Code::ParameterInvalid, "that is no room's number"))
}

const TRY_LATER: &str = "잠시 후 다시 시도해 주세요.";

/// What this contract says of `code` over REST: the `msg` of its envelope.
#[must_use]
pub const fn words(code: Code) -> &'static str {
    match code {
        Code::RoomNotFound => "존재하지 않는 채팅방입니다.",
        Code::NotYourRoom
        | Code::AgentsOnly
        | Code::PublishForbidden
        | Code::SubscribeForbidden
        | Code::ScopeMissing
        | Code::OriginForbidden => "채팅방에 접근할 수 없습니다.",
        Code::RoleRequired => "방장만 할 수 있습니다.",
        Code::NotForGuests => "회원만 할 수 있습니다.",
        Code::RoomAmbiguous => "상품의 채팅방을 하나로 정할 수 없습니다. roomId로 지정해 주세요.",
        Code::RoomFull => "채팅방이 가득 찼습니다.",
        Code::RoomTaken | Code::RoomNotWaiting | Code::TooLate => "지금은 할 수 없는 요청입니다.",
        Code::NotificationNotFound => "존재하지 않는 알림입니다.",
        Code::MessageNotFound => "존재하지 않는 메시지입니다.",
        Code::MemberNotFound | Code::AgentNotFound | Code::UserNotFound => {
            "존재하지 않는 회원입니다."
        }
        Code::TokenExpired => "만료된 토큰입니다.",
        Code::TokenInvalid | Code::TokenRevoked | Code::CredentialsInvalid => {
            "유효하지 않은 토큰입니다."
        }
        Code::AuthenticationRequired => "로그인이 필요합니다.",
        Code::NotFound => "요청한 자원을 찾을 수 없습니다.",
        Code::MethodNotAllowed => "지원하지 않는 메서드입니다.",
        Code::MessageInvalid => "유효하지 않은 메시지입니다.",
        Code::BodyInvalid
        | Code::ParameterInvalid
        | Code::PositionInvalid
        | Code::FrameInvalid
        | Code::WebSocketInvalid
        | Code::VersionUnsupported => "잘못된 요청입니다.",
        Code::TooLarge => "요청이 너무 큽니다.",
        Code::TooMany
        | Code::HeartBeatMissed
        | Code::ConnectTimeout
        | Code::SlowConsumer
        | Code::Draining
        | Code::Overloaded
        | Code::Unavailable => TRY_LATER,
        Code::Internal => "서버 오류가 발생했습니다.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_that_a_store_can_keep() {
        assert_eq!(parse_number("17").unwrap(), 17);
        assert_eq!(
            parse_number("9223372036854775807").unwrap(),
            i64::MAX as u64
        );
        for text in [
            "",
            "0",
            "007",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "room",
            "٣",
            "9223372036854775808",
            "18446744073709551616",
        ] {
            let code = parse_number(text).unwrap_err().code();
            assert_eq!(code, Code::ParameterInvalid, "{text:?}");
        }
    }
}
