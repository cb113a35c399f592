//! Rooms, topics and users with their subscribers on this node.
//!
//! A room's subscribers are cursors. An event whose number is the cursor's next is offered and the
//! cursor moves; a lower one is dropped; a higher one, or a session that has no space, flips the
//! subscription to catching up: it reads the log until it meets the live stream, and joins it
//! under the room's lock. First subscribe, resume, holes and slow readers are this one mechanism.
//!
//! Locks: shard, then channel, then whatever an [`Outlet`] takes; never the other way.

mod catch_up;
mod channel;
mod company;
mod listeners;
mod outlet;
mod pattern;
mod patterns;
mod rooms;
mod topics;
mod users;

pub use catch_up::CatchUp;
pub use outlet::{Ended, Outlet, SubscriptionKey};
pub use pattern::{DestinationPattern, Destinations, InvalidPattern, PATTERN_BYTES_MAX};
pub use rooms::{Registration, RoomSubscription, Rooms};
pub use topics::{TopicSource, TopicSubscription, Topics};
pub use users::{UserSubscription, Users};

use std::sync::Arc;

use madang_domain::ports::Bus;

use crate::recent::Recent;
use crate::telemetry::Telemetry;

/// The subscribers of one node. Owned by the engine.
pub struct Hub {
    rooms: Rooms,
    topics: Topics,
    users: Arc<Users>,
}

impl Hub {
    /// An empty hub, which tells `bus` what this node wants to hear. It keeps the newest entries of
    /// rooms that are read, in so many bytes; 0 keeps none.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, telemetry: Arc<dyn Telemetry>, history_bytes_max: usize) -> Self {
        let users = Arc::new(Users::new(Arc::clone(&bus)));
        let recent = Recent::new(history_bytes_max, Arc::clone(&telemetry));
        Self {
            rooms: Rooms::new(Arc::clone(&bus), Arc::clone(&telemetry), recent),
            topics: Topics::new(bus, Arc::clone(&users), telemetry),
            users,
        }
    }

    /// The room subscribers.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// The topic subscribers.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The sessions by user.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }
}
