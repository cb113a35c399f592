//! Lists of rooms: one's own, the open ones, and the desk's.

use madang_domain::ports::{RoomSummary, RoomsQuery};
use madang_domain::{Caller, Code, Error, Member, Room, RoomId, UserId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// Rooms that wait for an agent, longest first; at most `limit`.
    ///
    /// # Errors
    /// [`Code::AgentsOnly`]; [`Code::Unavailable`]: retryable.
    pub async fn waiting_rooms(&self, caller: &Caller, limit: usize) -> Result<Vec<Room>, Error> {
        policy::may_serve(caller)?;
        self.store
            .waiting_rooms(limit)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// Support rooms assigned to `caller`, longest asking first; at most `limit`.
    ///
    /// # Errors
    /// [`Code::AgentsOnly`]; [`Code::Unavailable`]: retryable.
    pub async fn assigned_rooms(&self, caller: &Caller, limit: usize) -> Result<Vec<Room>, Error> {
        policy::may_serve(caller)?;
        self.store
            .rooms_of_agent(&caller.user, limit)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// How many rooms are before this one at the desk: 0 for the next. `None` when it does not wait.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn queue_position(
        &self,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<Option<u64>, Error> {
        self.view_room(caller, room).await?;
        self.store
            .queue_position(room)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// Rooms that `caller` takes part in, newest activity first.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable.
    pub async fn rooms_of(
        &self,
        caller: &Caller,
        query: &RoomsQuery,
    ) -> Result<Vec<RoomSummary>, Error> {
        self.store
            .rooms_of(&caller.user, query)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// Open rooms, the newest made first, behind the one with this number; at most `limit`. For
    /// everybody who is known.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable.
    pub async fn open_rooms(&self, after: Option<u64>, limit: usize) -> Result<Vec<Room>, Error> {
        self.store
            .open_rooms(after, limit)
            .await
            .map_err(|e| store_failed(&e))
    }

    /// The room's members in the order of their ids, behind `after`; at most `limit`.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn members(
        &self,
        caller: &Caller,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, Error> {
        self.attended_room(caller, room).await?;
        self.members_of(room, after, limit).await
    }

    pub(crate) async fn members_of(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, Error> {
        let members = self.store.members(room, after, limit).await;
        let members = members.map_err(|e| store_failed(&e))?;
        members.ok_or_else(|| Code::RoomNotFound.into())
    }
}
