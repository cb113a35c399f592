//! What travels over a broker: who published it, under which topic, and the payload.
//!
//! One octet for the version, eight for the node, one for the kind of the topic, two for the length of
//! its name (big-endian), the name in UTF-8, the payload. A node that does not know the version drops
//! what it gets: the hub heals.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use madang_domain::ports::Topic;
use madang_domain::{RoomId, UserId};

const VERSION: u8 = 1;
const HEAD: usize = 12;

const ROOM: u8 = b'r';
const USER: u8 = b'u';
const DESTINATION: u8 = b'd';
const ALL_NODES: u8 = b'n';
const ALL_GATEWAYS: u8 = b'a';
const GATEWAY: u8 = b'g';
const CONNECTED: u8 = b'c';

/// A node, as long as its bus lives. Drawn at random.
pub(crate) type NodeId = u64;

/// What came out of an envelope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Published {
        topic: Topic,
        payload: Bytes,
    },
    /// The node was away from the broker: what it published meanwhile was lost.
    Connected,
}

/// `None` when the name is longer than its length can say, which no topic's is.
pub(crate) fn published(node: NodeId, topic: &Topic, payload: &[u8]) -> Option<Bytes> {
    match topic {
        Topic::Room(id) => write(node, ROOM, id.as_str(), payload),
        Topic::User(id) => write(node, USER, id.as_str(), payload),
        Topic::Destination(name) => write(node, DESTINATION, name, payload),
        Topic::AllNodes => write(node, ALL_NODES, "", payload),
        Topic::AllGateways => write(node, ALL_GATEWAYS, "", payload),
        Topic::Gateway(number) => write(node, GATEWAY, &format!("{number:x}"), payload),
        Topic::AllDestinations => None,
    }
}

pub(crate) fn connected(node: NodeId) -> Option<Bytes> {
    write(node, CONNECTED, "", &[])
}

/// Who sent it, and what; `None` for what no node of this version wrote.
pub(crate) fn open(mut envelope: Bytes) -> Option<(NodeId, Content)> {
    let head = envelope.first_chunk::<HEAD>()?;
    let [version, node @ .., kind, high, low] = *head;
    if version != VERSION {
        return None;
    }
    let name_end = HEAD + usize::from(u16::from_be_bytes([high, low]));
    let name = std::str::from_utf8(envelope.get(HEAD..name_end)?).ok()?;
    let topic = match kind {
        ROOM => Topic::Room(RoomId::new(name).ok()?),
        USER => Topic::User(UserId::new(name).ok()?),
        DESTINATION => Topic::Destination(Arc::from(name)),
        ALL_NODES => Topic::AllNodes,
        ALL_GATEWAYS => Topic::AllGateways,
        GATEWAY => Topic::Gateway(u64::from_str_radix(name, 16).ok()?),
        CONNECTED => return Some((NodeId::from_be_bytes(node), Content::Connected)),
        _ => return None,
    };
    let payload = envelope.split_off(name_end);
    Some((
        NodeId::from_be_bytes(node),
        Content::Published { topic, payload },
    ))
}

fn write(node: NodeId, kind: u8, name: &str, payload: &[u8]) -> Option<Bytes> {
    let length = u16::try_from(name.len()).ok()?;
    let mut envelope = BytesMut::with_capacity(HEAD + name.len() + payload.len());
    envelope.put_u8(VERSION);
    envelope.put_u64(node);
    envelope.put_u8(kind);
    envelope.put_u16(length);
    envelope.put_slice(name.as_bytes());
    envelope.put_slice(payload);
    Some(envelope.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_or_of_another_version_is_nothing() {
        let topic = Topic::Destination(Arc::from("/topic/고객"));
        let whole = published(7, &topic, b"payload").unwrap();
        let content = Content::Published {
            topic,
            payload: Bytes::from_static(b"payload"),
        };
        assert_eq!(open(whole.clone()), Some((7, content)));
        let name_end = whole.len() - b"payload".len();
        for end in 0..name_end {
            assert_eq!(open(whole.slice(..end)), None, "{end}");
        }
        let mut other = whole.to_vec();
        other[0] = 2;
        assert_eq!(open(Bytes::from(other)), None);
    }
}
