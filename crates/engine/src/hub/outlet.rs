//! The session's end of a subscription.

use std::sync::Arc;

use madang_domain::ports::PresenceEdge;
use madang_domain::{Code, Position, RoomId};

use crate::event::{EventBatch, RoomEvent, SignalEvent, TopicEvent};

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

    /// Takes what somebody in the subscription's room does that is not in the log, also while the
    /// subscription reads the log. An outlet without space, or a door that does not show it, drops it.
    fn offer_signal(&self, key: SubscriptionKey, event: &Arc<SignalEvent>);

    /// The attended user may have gained or lost this room, or it changed hands: the session looks
    /// it up, and subscribes to it or unsubscribes. May be told more often than something changed,
    /// and once of several changes; an outlet keeps one note per room, and
    /// [`Outlet::rooms_unknown`] when it has no space for more.
    ///
    /// `since` is where the room's log stood before it came to the user: a session that shows the
    /// room after it misses no message. `None` when nothing was gained, or nobody knows.
    ///
    /// A session that subscribes to the rooms that it shows learns of each loss of the right to read
    /// by [`Outlet::ended`] too, which the head check makes certain. Whoever leaves an open room can
    /// still read it: the entry in its log says that it is theirs no more.
    fn rooms_changed(&self, key: SubscriptionKey, room: &RoomId, since: Option<Position>);

    /// Changes of the attended user's rooms may have been missed: the session lists them anew
    /// ([`crate::Engine::rooms_of`]).
    fn rooms_unknown(&self, key: SubscriptionKey);

    /// A watched user went online or offline. An outlet without space drops it; of several edges of
    /// one user that with the greatest epoch counts.
    fn presence_changed(&self, key: SubscriptionKey, edge: &PresenceEdge);

    /// The subscription is over; nothing more will come.
    fn ended(&self, key: SubscriptionKey, cause: Ended);
}
