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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::authorization::{Door, ROWS};

    fn map() -> DestinationMap {
        DestinationMap {
            topics: TopicPrefixes::default(),
            application_prefix: String::new(),
            support_desk: true,
            community: true,
        }
    }

    /// As the table writes them.
    const SOURCES: [&str; 9] = [
        "/rooms/{id}",
        "/sub/desk",
        "/sub/chat/room/{roomId}",
        "/sub/chat/{roomId}",
        "/sub/enter/{roomId}",
        "/sub/tradechat/{id}",
        "/topic/**",
        "/queue/**",
        "/user/queue/**",
    ];
    const TARGETS: [&str; 8] = [
        "/rooms/{id}",
        "/pub/message",
        "/pub/chat/enter/{roomId}",
        "/pub/chat/message/{roomId}",
        "/pub/tradechat/message/{id}",
        "/topic/**",
        "/queue/**",
        "/user/{id}/queue/**",
    ];

    /// A new kind does not compile before it has its place here.
    fn of_source(source: &Source) -> &'static [&'static str] {
        match source {
            Source::Room(_) => &SOURCES[..1],
            Source::Desk => &SOURCES[1..2],
            Source::SupportDesk(_) => &SOURCES[2..3],
            Source::Community(chat::Source::Chat(_)) => &SOURCES[3..4],
            Source::Community(chat::Source::Entrances(_)) => &SOURCES[4..5],
            Source::Community(chat::Source::Trade(_)) => &SOURCES[5..6],
            Source::Topic(SubscribeSource::Shared(_)) => &SOURCES[6..8],
            Source::Topic(SubscribeSource::Own(_)) => &SOURCES[8..],
        }
    }

    fn of_target(target: &Target) -> &'static [&'static str] {
        match target {
            Target::Room(_) => &TARGETS[..1],
            Target::SupportDesk => &TARGETS[1..2],
            Target::Community(chat::Target::Enter(_)) => &TARGETS[2..3],
            Target::Community(chat::Target::Chat(_)) => &TARGETS[3..4],
            Target::Community(chat::Target::Trade(_)) => &TARGETS[4..5],
            Target::Topic(PublishTarget::Shared(_)) => &TARGETS[5..7],
            Target::Topic(PublishTarget::User(..)) => &TARGETS[7..],
        }
    }

    #[track_caller]
    fn assert_rows_are(all: &[&str], command: &str, of: fn(&str) -> &'static [&'static str]) {
        let rows = ROWS.iter().filter_map(|row| match row.door {
            Door::Stomp(of, written) if of == command => Some(written),
            _ => None,
        });
        let rows: BTreeSet<_> = rows.collect();
        assert_eq!(rows, all.iter().copied().collect());
        for written in rows {
            let named = written.replace("{roomId}", "7").replace("{id}", "7");
            let known = of(&named.replace("**", "x"));
            assert!(known.contains(&written), "{command} {written}: {known:?}");
        }
    }

    #[test]
    fn every_destination_has_a_row_and_every_row_a_destination() {
        assert_rows_are(&SOURCES, "SUBSCRIBE", |named| {
            of_source(&map().source(named).unwrap())
        });
        assert_rows_are(&TARGETS, "SEND", |named| {
            of_target(&map().target(named).unwrap())
        });
    }
}
