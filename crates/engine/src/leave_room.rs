//! Leaving: the customer goes, and the room and its history with them.

use std::sync::Arc;

use madang_domain::ports::Topic;
use madang_domain::{Caller, Code, Error, RoomId, UserId, policy};

use crate::attend::{may_be_stored, to_the_end};
use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

impl Engine {
    /// Deletes `caller`'s own support room and its history; everybody's subscriptions to it end, the
    /// customer's and the agent's sessions are told. Runs to its end although the caller stops
    /// waiting.
    ///
    /// # Errors
    /// [`Code::NotYourRoom`]: it is not the caller's own. [`Code::RoomNotFound`]: there was none.
    /// [`Code::Unavailable`]: retryable.
    pub async fn leave_room(self: &Arc<Self>, caller: &Caller, room: &RoomId) -> Result<(), Error> {
        let customer = UserId::new(room.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        policy::may_open(caller, &customer)?;
        let (engine, room) = (Arc::clone(self), room.clone());
        to_the_end(async move { engine.delete(&customer, &room).await }).await
    }

    async fn delete(&self, customer: &UserId, room: &RoomId) -> Result<(), Error> {
        // Whoever gets the room between the two calls finds it gone when looking it up.
        let found = self.store.room(room).await.map_err(|e| store_failed(&e))?;
        let agent = found.and_then(|room| room.support.assignee().map(|agent| agent.user.clone()));
        let deleted = self.store.delete_room(room).await;
        if matches!(deleted, Ok(true)) || may_be_stored(&deleted) {
            self.bus
                .publish(&Topic::Room(room.clone()), BusMessage::Deleted.encode());
            // The customer may have opened a new one already, whose subscribers must stay.
            self.refresh_access(room).await;
            self.rooms_changed([customer].into_iter().chain(&agent), room, None);
        }
        if deleted.map_err(|e| store_failed(&e))? {
            return Ok(());
        }
        Err(Code::RoomNotFound.into())
    }
}
