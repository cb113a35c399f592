//! Leaving: the customer goes, and the room and its history with them.

use madang_domain::ports::Topic;
use madang_domain::{Caller, Code, Error, RoomId, UserId, policy};

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

impl Engine {
    /// Deletes `caller`'s own support room and its history; everybody's subscriptions to it end.
    ///
    /// # Errors
    /// [`Code::NotYourRoom`]: it is not the caller's own. [`Code::RoomNotFound`]: there was none.
    /// [`Code::Unavailable`]: retryable.
    pub async fn leave_room(&self, caller: &Caller, room: &RoomId) -> Result<(), Error> {
        let customer = UserId::new(room.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        policy::may_open(caller, &customer)?;
        if !self
            .store
            .delete_room(room)
            .await
            .map_err(|e| store_failed(&e))?
        {
            return Err(Code::RoomNotFound.into());
        }
        self.bus
            .publish(&Topic::Room(room.clone()), BusMessage::Deleted.encode());
        // The customer may have opened a new one already, whose subscribers must stay.
        self.refresh_access(room).await;
        Ok(())
    }
}
