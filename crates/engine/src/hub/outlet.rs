//! The session's end of a subscription.

use std::sync::Arc;

use madang_domain::Code;

use crate::event::{EventBatch, RoomEvent, TopicEvent};

/// How a session tells its own subscriptions apart; unique within one outlet.
pub type SubscriptionKey = u32;

/// Why the hub ended a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The room was deleted.
    RoomGone,
    /// The subscriber lost the right to read the room.
    AccessLost,
}

impl Ended {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::RoomGone => Code::RoomNotFound,
            Self::AccessLost => Code::NotYourRoom,
        }
    }
}

/// Takes events for one session.
///
/// Called under a channel's lock, from any thread: must return soon, must not wait, and must not
/// call the hub.
pub trait Outlet: Send + Sync {
    /// Takes as many of the live events from `from` on as there is space for, and answers how
    /// many. Fewer than all means that the subscription now reads the log ([`Outlet::lagging`]
    /// follows). Many outlets hold the same batch, so it need not be rendered before it is written.
    fn offer(&self, key: SubscriptionKey, events: &EventBatch, from: usize) -> usize;

    /// Takes as many of `events`, read from the log for this subscription alone, as there is space
    /// for, from the front, and answers how many.
    fn offer_from_log(&self, key: SubscriptionKey, events: &[RoomEvent]) -> usize;

    /// The subscription has fallen behind. The session must call [`crate::RoomSubscription::catch_up`]
    /// once it has space again.
    fn lagging(&self, key: SubscriptionKey);

    /// Takes a topic's event. A session without space for it ends itself: topics are not stored,
    /// so a hole would be silent.
    fn offer_topic(&self, key: SubscriptionKey, event: &Arc<TopicEvent>);

    /// The subscription is over; nothing more will come.
    fn ended(&self, key: SubscriptionKey, cause: Ended);
}
