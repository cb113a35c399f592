//! What paths name: rooms, messages, users. Each is percent-decoded, and refused in problem details.

use std::fmt::Write as _;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use madang_domain::{Code, Error, InvalidId, RoomId, Seq, UserId};
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Refusal;

/// A room.
pub(crate) struct RoomPath(pub(crate) RoomId);

/// A room, and an entry of its log.
pub(crate) struct MessagePath(pub(crate) RoomId, pub(crate) Seq);

/// A room, and one who belongs to it or is to.
pub(crate) struct MemberPath(pub(crate) RoomId, pub(crate) UserId);

/// A user.
pub(crate) struct UserPath(pub(crate) UserId);

/// A notification in the caller's inbox.
pub(crate) struct NotificationPath(pub(crate) Seq);

impl FromRequestParts<Shared> for RoomPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let id: String = segments(parts, state).await?;
        Ok(Self(room(&id)?))
    }
}

impl FromRequestParts<Shared> for MessagePath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let (id, seq): (String, String) = segments(parts, state).await?;
        Ok(Self(room(&id)?, number(&seq)?))
    }
}

impl FromRequestParts<Shared> for MemberPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let (id, member): (String, String) = segments(parts, state).await?;
        Ok(Self(room(&id)?, user(&member)?))
    }
}

impl FromRequestParts<Shared> for UserPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let id: String = segments(parts, state).await?;
        Ok(Self(user(&id)?))
    }
}

impl FromRequestParts<Shared> for NotificationPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let id: String = segments(parts, state).await?;
        Ok(Self(number(&id)?))
    }
}

async fn segments<T: DeserializeOwned + Send>(
    parts: &mut Parts,
    state: &Shared,
) -> Result<T, Error> {
    let segments = Path::<T>::from_request_parts(parts, state).await;
    segments
        .map(|Path(segments)| segments)
        .map_err(|_| invalid("an id in the path is not text".to_owned()))
}

fn room(text: &str) -> Result<RoomId, Error> {
    RoomId::new(text).map_err(|reason| not_an_id("room", reason))
}

fn user(text: &str) -> Result<UserId, Error> {
    UserId::new(text).map_err(|reason| not_an_id("user", reason))
}

fn not_an_id(of: &'static str, reason: InvalidId) -> Error {
    invalid(format!("the {of} id {reason}"))
}

fn number(text: &str) -> Result<Seq, Error> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    match number.filter(|number| (1..=Seq::MAX.get()).contains(number)) {
        Some(number) => Ok(Seq::new(number)),
        None => Err(invalid(
            "the number in the path must be 1 or more".to_owned(),
        )),
    }
}

fn invalid(detail: String) -> Error {
    Error::with_detail(Code::ParameterInvalid, detail)
}

/// `text` as one segment of a path (RFC 3986, section 2.1).
pub(super) fn encoded(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}
