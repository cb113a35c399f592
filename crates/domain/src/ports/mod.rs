//! What the engine needs of the world. Adapters live in packages of their own; each port has a
//! conformance suite that every adapter passes.

use std::future::Future;
use std::pin::Pin;

pub mod bus;
pub mod clock;
pub mod log;
pub mod presence;
pub mod store;

pub use bus::{Bus, BusEvent, BusState, Topic};
pub use clock::Clock;
pub use log::{LogPage, LogQuery, PageSpace};
pub use presence::{LAST_SEEN_MAX, Presence, PresenceEdge, PresenceError};
pub use store::{
    Commit, Found, MessagePage, RetentionRule, RoomSummary, RoomView, RoomsQuery, Store,
    StoreError, Swept,
};

/// A future behind a port's method: ports are chosen at start, so their methods are dynamic.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
