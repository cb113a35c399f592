//! Completing a room: it leaves the agent's list, history stays.

use madang_domain::ports::Topic;
use madang_domain::{Caller, Code, Error, RoomId, policy};

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

impl Engine {
    /// Completes a room that is assigned to `caller`; the agent's subscriptions to it end.
    ///
    /// # Errors
    /// [`Code::AgentsOnly`]: the caller is no agent. [`Code::RoomNotFound`];
    /// [`Code::NotYourRoom`]: not assigned to the caller. [`Code::Unavailable`]: retryable.
    pub async fn complete_room(&self, caller: &Caller, room: &RoomId) -> Result<(), Error> {
        policy::may_serve(caller)?;
        let _hold = self.hub.rooms().hold(room);
        let completed = self.store.complete_room(room, &caller.user).await;
        if completed.map_err(|e| store_failed(&e))? {
            self.access_changed(room).await;
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
