//! Acknowledging deliveries: the delivered mark rises.

use madang_domain::{Caller, Error, Position, RoomId};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// Raises `caller`'s delivered mark in the room to `position`; a lower one changes nothing.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable; the mark stands.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        room: &RoomId,
        position: Position,
    ) -> Result<(), Error> {
        let advanced = self
            .store
            .advance_delivered(room, &caller.user, position)
            .await;
        advanced.map_err(|e| store_failed(&e))
    }
}
