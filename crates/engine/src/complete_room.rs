//! Completing a room: it leaves the agent's list, history stays.

use std::sync::Arc;

use madang_domain::ports::Topic;
use madang_domain::{Caller, Code, Error, Position, RoomId, UserId, policy};

use crate::attend::{may_be_stored, to_the_end};
use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

impl Engine {
    /// Completes a room that is assigned to `caller`; the agent's subscriptions to it end, the
    /// customer's and the agent's sessions are told. Runs to its end although the caller stops
    /// waiting.
    ///
    /// # Errors
    /// [`Code::AgentsOnly`]: the caller is no agent. [`Code::RoomNotFound`];
    /// [`Code::NotYourRoom`]: not assigned to the caller. [`Code::Unavailable`]: retryable.
    pub async fn complete_room(
        self: &Arc<Self>,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<(), Error> {
        policy::may_serve(caller)?;
        let (engine, agent, room) = (Arc::clone(self), caller.user.clone(), room.clone());
        to_the_end(async move { engine.complete(&agent, &room).await }).await
    }

    async fn complete(&self, agent: &UserId, room: &RoomId) -> Result<(), Error> {
        let _hold = self.hub.rooms().hold(room);
        let completed = self.store.complete_room(room, agent).await;
        if matches!(completed, Ok(true)) || may_be_stored(&completed) {
            self.access_changed(room).await;
            self.hands_changed(room, agent, None);
        }
        if completed.map_err(|e| store_failed(&e))? {
            return Ok(());
        }
        let exists = self
            .store
            .room(room)
            .await
            .map_err(|e| store_failed(&e))?
            .is_some();
        Err(if exists {
            Code::NotYourRoom
        } else {
            Code::RoomNotFound
        }
        .into())
    }

    /// Draws the consequences of a change of access here and tells the other nodes.
    pub(crate) async fn access_changed(&self, room: &RoomId) {
        self.bus.publish(
            &Topic::Room(room.clone()),
            BusMessage::AccessChanged.encode(),
        );
        self.refresh_access(room).await;
    }

    /// Tells the customer and the agent that a room came to, or left, the agent. `since` is where its
    /// log stood before it came.
    pub(crate) fn hands_changed(&self, room: &RoomId, agent: &UserId, since: Option<Position>) {
        // A support room has its customer's id, and every room is one.
        let customer = UserId::new(room.as_str()).ok();
        self.rooms_changed(customer.iter().chain([agent]), room, since);
    }

    /// Ends the subscriptions of those who, as the store has it now, may not read the room.
    pub(crate) async fn refresh_access(&self, room: &RoomId) {
        match self.store.room(room).await {
            Ok(Some(found)) => {
                self.hub.rooms().access_changed(&found);
                // It may be another life of the room: whoever reads the old one finds out.
                self.hub.rooms().head_seen(room, &found.head);
            }
            Ok(None) => self.hub.rooms().deleted(room),
            // The head check tries again.
            Err(error) => drop(store_failed(&error)),
        }
    }
}
