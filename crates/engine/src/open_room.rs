//! Opening a support room: the customer's own, made when it is missing.

use madang_domain::{Caller, Code, Error, Room, RoomId, UserId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// The support room named `room`, made (waiting) if it is missing. Idempotent.
    ///
    /// # Errors
    /// [`Code::NotYourRoom`]: it is not the caller's own. [`Code::Unavailable`]: retryable.
    pub async fn open_support_room(&self, caller: &Caller, room: &RoomId) -> Result<Room, Error> {
        let customer = UserId::new(room.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        policy::may_open(caller, &customer)?;
        self.store
            .open_support_room(caller, self.now())
            .await
            .map_err(|e| store_failed(&e))
    }

    /// The room as it stands, for a caller who may read it.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]; [`Code::Unavailable`]: retryable.
    pub async fn room(&self, caller: &Caller, room: &RoomId) -> Result<Room, Error> {
        let room = self.store.room(room).await.map_err(|e| store_failed(&e))?;
        let room = room.ok_or(Error::from(Code::RoomNotFound))?;
        policy::may_read(&room, caller)?;
        Ok(room)
    }
}
