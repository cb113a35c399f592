//! The way between nodes.

use std::sync::Arc;

use bytes::Bytes;

use super::BoxFuture;
use crate::ids::{RoomId, UserId};

/// What nodes publish under and subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A room's messages, signals and changes of access.
    Room(RoomId),
    /// An application destination such as `/topic/prices`.
    Destination(Arc<str>),
    /// Every [`Topic::Destination`], whatever its name: for a node that listens to patterns of
    /// them. Only to be subscribed to; what is published under it reaches nobody.
    AllDestinations,
    /// What concerns one user: which rooms are theirs, whether they are online, and what is
    /// published to them alone.
    User(UserId),
    /// What every node has to hear.
    AllNodes,
    /// What every gateway has to hear: whoever serves sessions that are made of many requests.
    AllGateways,
    /// What one gateway has to hear, by the number that it drew at random when it started.
    Gateway(u64),
}

/// What a bus tells its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Another node published this.
    Published {
        /// Under which topic: the published one, never [`Topic::AllDestinations`].
        topic: Topic,
        /// As it was published.
        payload: Bytes,
    },
    /// Something may have been lost: check every head at once.
    Reconnected,
}

/// How a node stands with what carries its hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusState {
    /// Not reached yet since the node started.
    Starting,
    /// Hints come and go.
    Connected,
    /// Reached before, and being tried again: messages of other nodes come by the head check.
    Lost,
}

/// Carries hints between nodes, at most once each: it may drop, repeat and reorder, because the
/// hub heals from the store. One per node.
pub trait Bus: Send + Sync {
    /// Hands `payload` to the other nodes that subscribe to `topic`; not back to this node. Once to
    /// a node that subscribes to a destination and to [`Topic::AllDestinations`].
    /// Never blocks and never fails: what cannot be sent is dropped.
    fn publish(&self, topic: &Topic, payload: Bytes);

    /// Returns once what this node published before the call has reached what carries it, or is lost. For
    /// a node that is about to end.
    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Whether any other node might subscribe to `topic`: `false` spares making a payload.
    fn reaches_others(&self, topic: &Topic) -> bool;

    /// How this node stands with it now.
    fn state(&self) -> BusState;

    /// Starts delivery of `topic` to this node, soon; what is published before that is missed.
    /// Idempotent.
    fn subscribe(&self, topic: Topic);

    /// Ends delivery of `topic` to this node, soon. Idempotent.
    fn unsubscribe(&self, topic: &Topic);

    /// The next event; `None` once the bus is closed. Must not be called by two tasks at once.
    /// Cancel safe.
    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>>;
}
