//! Under which channel of a broker a topic travels.

use std::sync::Arc;

use madang_domain::ports::Topic;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Channels that all application destinations share. Brokers differ in what their patterns can say, and a cluster of
/// Redis has none for its sharded channels: a node that listens to patterns of destinations hears all of these, one that
/// listens to a single destination hears its channel, and both drop what they do not want.
const DESTINATION_CHANNELS: u64 = 256;

/// Safe in a subject of NATS, which gives a meaning to dots, spaces, `*` and `>`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'@');

/// A channel's name on the broker: ASCII without spaces, at most 800 bytes behind the prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Channel(Arc<str>);

/// Names the channels of one deployment.
#[derive(Debug)]
pub(crate) struct Channels {
    prefix: Box<str>,
}

impl Channel {
    /// By what a broker calls it.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Channels {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// What has to be listened to for `topic`.
    pub(crate) fn of(&self, topic: &Topic) -> Vec<Channel> {
        match topic {
            Topic::AllDestinations => (0..DESTINATION_CHANNELS)
                .map(|number| self.named("destinations", &number))
                .collect(),
            _ => self.carrier(topic).into_iter().collect(),
        }
    }

    /// Where what is published under `topic` goes; `None` for what can only be subscribed to.
    pub(crate) fn carrier(&self, topic: &Topic) -> Option<Channel> {
        Some(match topic {
            Topic::Room(id) => self.named("room", &utf8_percent_encode(id.as_str(), PLAIN)),
            Topic::User(id) => self.named("user", &utf8_percent_encode(id.as_str(), PLAIN)),
            Topic::Destination(name) => self.named(
                "destinations",
                &(fnv1a(name.as_bytes()) % DESTINATION_CHANNELS),
            ),
            Topic::AllNodes => self.all_nodes(),
            Topic::AllGateways => Channel(format!("{}.gateways", self.prefix).into()),
            Topic::Gateway(number) => self.named("gateway", &format_args!("{number:016x}")),
            Topic::AllDestinations => return None,
        })
    }

    /// Where every node listens from the first.
    pub(crate) fn all_nodes(&self) -> Channel {
        Channel(format!("{}.nodes", self.prefix).into())
    }

    fn named(&self, kind: &str, name: &dyn std::fmt::Display) -> Channel {
        Channel(format!("{}.{kind}.{name}", self.prefix).into())
    }
}

/// FNV-1a, 64 bits: the same on every node of every version.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use madang_domain::{RoomId, UserId};

    use super::*;

    #[test]
    fn names_stay_as_older_nodes_know_them() {
        let channels = Channels::new("madang");
        let named = |topic: &Topic| channels.carrier(topic).map(|it| it.as_str().to_owned());
        let room = RoomId::new("a b*c>d.김").unwrap();
        assert_eq!(
            named(&Topic::Room(room)).unwrap(),
            "madang.room.a%20b%2Ac%3Ed%2E%EA%B9%80"
        );
        let user = UserId::new("kim@example.com").unwrap();
        assert_eq!(
            named(&Topic::User(user)).unwrap(),
            "madang.user.kim@example%2Ecom"
        );
        let prices = Topic::Destination(Arc::from("/topic/prices"));
        assert_eq!(named(&prices).unwrap(), "madang.destinations.176");
        assert_eq!(named(&Topic::AllNodes).unwrap(), "madang.nodes");
        assert_eq!(named(&Topic::AllGateways).unwrap(), "madang.gateways");
        let gateway = Topic::Gateway(0xf0);
        assert_eq!(named(&gateway).unwrap(), "madang.gateway.00000000000000f0");
        assert_eq!(named(&Topic::AllDestinations), None);
    }

    #[test]
    fn who_wants_all_destinations_hears_the_channel_of_each() {
        let channels = Channels::new("madang");
        let all = channels.of(&Topic::AllDestinations);
        assert_eq!(all.len(), 256);
        for name in ["/topic/a", "/queue/b", "/topic/고객"] {
            let carrier = channels.carrier(&Topic::Destination(Arc::from(name)));
            assert!(all.contains(&carrier.unwrap()));
        }
    }
}
