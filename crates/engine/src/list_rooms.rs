//! Lists of rooms: one's own, and the desk's.

use madang_domain::{Caller, Error, Role, Room, RoomId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// Rooms that wait for an agent, longest first; at most `limit`.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentsOnly`]; [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn waiting_rooms(&self, caller: &Caller, limit: usize) -> Result<Vec<Room>, Error> {
        policy::may_serve(caller)?;
        self.store
            .waiting_rooms(limit)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// Rooms assigned to `caller`, longest asking first; at most `limit`.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentsOnly`]; [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn assigned_rooms(&self, caller: &Caller, limit: usize) -> Result<Vec<Room>, Error> {
        policy::may_serve(caller)?;
        self.store
            .rooms_of_agent(&caller.user, limit)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// Rooms that `caller` takes part in: their own support room if there is one, then those
    /// assigned to them; at most `limit`.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn rooms_of(&self, caller: &Caller, limit: usize) -> Result<Vec<Room>, Error> {
        let mut rooms = Vec::new();
        let own = RoomId::new(caller.user.as_str())
            .ok()
            .filter(|_| caller.role != Role::Service);
        if let Some(own) = own {
            rooms.extend(self.store.room(&own).await.map_err(|e| store_failed(&e))?);
        }
        if caller.role.serves_customers() {
            rooms.extend(self.assigned_rooms(caller, limit).await?);
        }
        rooms.truncate(limit);
        Ok(rooms)
    }
}
