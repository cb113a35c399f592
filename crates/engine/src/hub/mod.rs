//! Rooms and topics with their subscribers on this node.
//!
//! A room's subscribers are cursors. An event whose number is the cursor's next is offered and the
//! cursor moves; a lower one is dropped; a higher one, or a session that has no space, flips the
//! subscription to catching up: it reads the log until it meets the live stream, and joins it
//! under the room's lock. First subscribe, resume, holes and slow readers are this one mechanism.
//!
//! Locks: shard, then channel, then whatever an [`Outlet`] takes; never the other way.

mod catch_up;
mod channel;
mod outlet;
mod rooms;
mod topics;

pub use catch_up::CatchUp;
pub use outlet::{Ended, Outlet, SubscriptionKey};
pub use rooms::{AccessHold, Registration, RoomSubscription};
pub use topics::TopicSubscription;

use std::sync::Arc;

use madang_domain::ports::Bus;

use crate::telemetry::Telemetry;

/// The subscribers of one node. Owned by the engine.
pub struct Hub {
    rooms: rooms::Rooms,
    topics: topics::Topics,
}

impl Hub {
    /// An empty hub, which tells `bus` what this node wants to hear.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, telemetry: Arc<dyn Telemetry>) -> Self {
        Self {
            rooms: rooms::Rooms::new(Arc::clone(&bus), Arc::clone(&telemetry)),
            topics: topics::Topics::new(bus, telemetry),
        }
    }

    /// The room subscribers.
    #[must_use]
    pub fn rooms(&self) -> &rooms::Rooms {
        &self.rooms
    }

    /// The topic subscribers.
    #[must_use]
    pub fn topics(&self) -> &topics::Topics {
        &self.topics
    }
}
