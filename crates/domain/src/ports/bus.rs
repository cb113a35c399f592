//! The way between nodes.

use std::sync::Arc;

use bytes::Bytes;

use super::BoxFuture;
use crate::ids::RoomId;

/// What nodes publish under and subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A room's messages and changes of access.
    Room(RoomId),
    /// An application destination such as `/topic/prices`.
    Destination(Arc<str>),
}

/// What a bus tells its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Another node published this.
    Published {
        /// Under which topic.
        topic: Topic,
        /// As it was published.
        payload: Bytes,
    },
    /// Something may have been lost: check every head at once.
    Reconnected,
}

/// Carries hints between nodes, at most once each: it may drop, repeat and reorder, because the
/// hub heals from the store. One per node.
pub trait Bus: Send + Sync {
    /// Hands `payload` to the other nodes that subscribe to `topic`; not back to this node.
    /// Never blocks and never fails: what cannot be sent is dropped.
    fn publish(&self, topic: &Topic, payload: Bytes);

    /// Whether any other node might subscribe to `topic`: `false` spares making a payload.
    fn reaches_others(&self, topic: &Topic) -> bool;

    /// Starts delivery of `topic` to this node, soon; what is published before that is missed.
    /// Idempotent.
    fn subscribe(&self, topic: Topic);

    /// Ends delivery of `topic` to this node, soon. Idempotent.
    fn unsubscribe(&self, topic: &Topic);

    /// The next event; `None` once the bus is closed. Must not be called by two tasks at once.
    /// Cancel safe.
    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>>;
}
