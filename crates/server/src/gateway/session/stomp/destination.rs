//! Where frames go.

use madang_domain::{Code, Error, RoomId};

use crate::contracts::community::chat;
use crate::contracts::topics::{PublishTarget, SubscribeSource, TopicPrefixes, parse_room};

/// Contract 1's room destinations.
pub(in super::super) const SUPPORT_DESK_SUBSCRIBE: &str = "/sub/chat/room/";
/// The desk's feed, for agents.
pub(in super::super) const DESK: &str = "/sub/desk";
/// Where contract 1's clients send; the room is in the body.
pub(super) const SUPPORT_DESK_SEND: &str = "/pub/message";

/// Which destinations there are.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct DestinationMap {
    pub(in crate::gateway) topics: TopicPrefixes,
    /// Native rooms are served behind it, too; empty for none.
    pub(in crate::gateway) application_prefix: String,
    /// Contract 1.
    pub(in crate::gateway) support_desk: bool,
    /// Contract 2.
    pub(in crate::gateway) community: bool,
}

/// A destination of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Room(RoomId),
    /// The log of the desk's changes.
    Desk,
    /// Contract 1: subscribing opens or claims the room.
    SupportDesk(RoomId),
    /// Contract 2.
    Community(chat::Source),
    Topic(SubscribeSource),
}

/// A destination of a SEND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Room(RoomId),
    SupportDesk,
    /// Contract 2.
    Community(chat::Target),
    Topic(PublishTarget),
}

impl DestinationMap {
    /// # Errors
    /// [`Code::NotFound`]: nothing is served there; [`Code::ParameterInvalid`],
    /// [`Code::RoomNotFound`]: nothing can be. The client's fault.
    pub(super) fn source(&self, destination: &str) -> Result<Source, Error> {
        if let Some(room) = parse_room(destination, &self.application_prefix)? {
            return Ok(Source::Room(room));
        }
        if destination == DESK {
            return Ok(Source::Desk);
        }
        if let Some(room) = destination.strip_prefix(SUPPORT_DESK_SUBSCRIBE)
            && self.support_desk
        {
            let room = RoomId::new(room).map_err(|_| Error::from(Code::RoomNotFound))?;
            return Ok(Source::SupportDesk(room));
        }
        if self.community
            && let Some(source) = chat::Source::parse(destination)?
        {
            return Ok(Source::Community(source));
        }
        self.topics.parse_subscribe(destination).map(Source::Topic)
    }

    /// # Errors
    /// As [`DestinationMap::source`].
    pub(super) fn target(&self, destination: &str) -> Result<Target, Error> {
        if let Some(room) = parse_room(destination, &self.application_prefix)? {
            return Ok(Target::Room(room));
        }
        if destination == SUPPORT_DESK_SEND && self.support_desk {
            return Ok(Target::SupportDesk);
        }
        if self.community
            && let Some(target) = chat::Target::parse(destination)?
        {
            return Ok(Target::Community(target));
        }
        self.topics.parse_publish(destination).map(Target::Topic)
    }
}
