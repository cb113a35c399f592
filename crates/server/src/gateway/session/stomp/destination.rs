//! Where frames go.

use std::sync::Arc;

use madang_domain::{Code, Error, RoomId};

/// Native room destinations: `/rooms/{id}`.
pub(in super::super) const ROOMS: &str = "/rooms/";
/// Contract 1's room destinations.
pub(in super::super) const SUPPORT_DESK_SUBSCRIBE: &str = "/sub/chat/room/";
/// Where contract 1's clients send; the room is in the body.
pub(super) const SUPPORT_DESK_SEND: &str = "/pub/message";
/// Application topics.
const TOPICS: [&str; 2] = ["/topic/", "/queue/"];

/// A destination of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Room(RoomId),
    /// Contract 1: subscribing opens or claims the room.
    SupportDesk(RoomId),
    Topic(Arc<str>),
}

/// A destination of a SEND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Room(RoomId),
    SupportDesk,
    Topic(Arc<str>),
}

/// # Errors
/// [`Code::NotFound`]: nothing is served there. The client's fault.
pub(super) fn source(destination: &str, support_desk: bool) -> Result<Source, Error> {
    if let Some(room) = destination.strip_prefix(ROOMS) {
        return Ok(Source::Room(room_id(room)?));
    }
    if let Some(room) = destination.strip_prefix(SUPPORT_DESK_SUBSCRIBE)
        && support_desk
    {
        return Ok(Source::SupportDesk(room_id(room)?));
    }
    topic(destination).map(Source::Topic)
}

/// # Errors
/// [`Code::NotFound`]: nothing is served there. The client's fault.
pub(super) fn target(destination: &str, support_desk: bool) -> Result<Target, Error> {
    if let Some(room) = destination.strip_prefix(ROOMS) {
        return Ok(Target::Room(room_id(room)?));
    }
    if destination == SUPPORT_DESK_SEND && support_desk {
        return Ok(Target::SupportDesk);
    }
    topic(destination).map(Target::Topic)
}

fn topic(destination: &str) -> Result<Arc<str>, Error> {
    let named = TOPICS.iter().any(|prefix| {
        destination
            .strip_prefix(prefix)
            .is_some_and(|name| !name.is_empty())
    });
    if named {
        Ok(Arc::from(destination))
    } else {
        Err(Code::NotFound.into())
    }
}

fn room_id(text: &str) -> Result<RoomId, Error> {
    RoomId::new(text).map_err(|_| Code::RoomNotFound.into())
}
