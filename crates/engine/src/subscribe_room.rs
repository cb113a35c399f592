//! Subscribing to a room: a cursor is put into its log.

use std::sync::Arc;

use madang_domain::{Caller, Code, Error, Position, RoomHead, RoomId};

use crate::engine::{Engine, store_failed};
use crate::hub::{Outlet, RoomSubscription, SubscriptionKey};

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the next message.
    Now,
    /// With the message after this position.
    After(Position),
    /// With the first message that the caller has not acknowledged.
    Delivered,
}

/// A new subscription.
pub struct Subscribed {
    /// Drop it to unsubscribe.
    pub subscription: RoomSubscription,
    /// The room's log when it was subscribed.
    pub head: RoomHead,
    /// `false`: call [`RoomSubscription::catch_up`] before anything is delivered.
    pub live: bool,
}

impl Engine {
    /// Subscribes `caller` to the room's log. A `Start::After` that cannot be served exactly shows
    /// as [`crate::CatchUp::Reset`] on the first catch-up.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]; [`Code::Unavailable`]: retryable.
    pub async fn subscribe_room(
        &self,
        caller: &Caller,
        room: &RoomId,
        start: Start,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> Result<Subscribed, Error> {
        let (user, role) = (caller.user.clone(), caller.role);
        // On the list first, decided after: when a right is lost meanwhile it is not live before it
        // has asked again.
        let registration = self.hub.rooms().register(room, outlet, key, user, role);
        let view = self.view_room(caller, room).await?;
        let found = &view.room;
        let position = match start {
            Start::Now => found.head.position(),
            Start::After(position) => position,
            Start::Delivered => {
                let seq = self.store.delivered(room, &caller.user).await;
                let seq = seq.map_err(|e| store_failed(&e))?;
                Position {
                    epoch: found.head.epoch,
                    seq,
                }
            }
        };
        let Some((subscription, live)) = registration.start(position, &view) else {
            let now = self.store.room(room).await.map_err(|e| store_failed(&e))?;
            let same_life = now.is_some_and(|now| now.head.epoch == found.head.epoch);
            let code = if same_life {
                Code::NotYourRoom
            } else {
                Code::RoomNotFound
            };
            return Err(code.into());
        };
        Ok(Subscribed {
            subscription,
            head: found.head,
            live,
        })
    }
}
