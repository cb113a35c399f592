//! Coming into an open room: for the first time by joining it, later on by being seen there.

use madang_domain::{Caller, Error, RoomId};

use crate::engine::Engine;
use crate::event::{RoomSignal, SignalKind};

impl Engine {
    /// Joins an open room, which its log tells. Of a member nothing is stored: whoever listens now
    /// is told that they came again. Answers whether the caller was no member before.
    ///
    /// # Errors
    /// As [`Engine::join_room`].
    pub async fn enter_room(&self, caller: &Caller, room: &RoomId) -> Result<bool, Error> {
        let view = self.view_room(caller, room).await?;
        if !view.standing.is_member() && self.join_room(caller, room).await?.1 {
            return Ok(true);
        }
        self.tell_signal(RoomSignal {
            room: room.clone(),
            user: caller.user.clone(),
            name: caller.name.clone(),
            kind: SignalKind::Entered,
            at: self.now(),
        });
        Ok(false)
    }
}
