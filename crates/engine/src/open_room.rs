//! Opening a support room: the customer's own, made when it is missing.

use std::sync::Arc;

use madang_domain::{Caller, Code, Error, Room, RoomId, UserId, policy};

use crate::attend::{may_be_stored, to_the_end};
use crate::engine::{Engine, store_failed};

impl Engine {
    /// The support room named `room`, made (waiting) if it is missing; the customer's sessions are
    /// then told. Idempotent. Runs to its end although the caller stops waiting.
    ///
    /// # Errors
    /// [`Code::NotYourRoom`]: it is not the caller's own. [`Code::Unavailable`]: retryable.
    pub async fn open_support_room(
        self: &Arc<Self>,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<Room, Error> {
        let customer = UserId::new(room.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        policy::may_open(caller, &customer)?;
        let (engine, caller, room) = (Arc::clone(self), caller.clone(), room.clone());
        to_the_end(async move {
            let now = engine.now();
            let opened = engine.store.open_support_room(&caller, now).await;
            // The store says that it made the room by giving it this moment.
            let made = opened.as_ref().is_ok_and(|room| room.created_at == now);
            if made || may_be_stored(&opened) {
                engine.rooms_changed([&customer], &room, None);
            }
            opened.map_err(|e| store_failed(&e))
        })
        .await
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
