//! What the host's back end reads of rooms in which it has no part.

use madang_domain::ports::{LogPage, LogQuery};
use madang_domain::{Caller, Code, Error, Member, Room, RoomId, Scope, UserId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// The room as it stands, for the host's back end with [`Scope::Rooms`].
    ///
    /// # Errors
    /// [`Code::ScopeMissing`]; [`Code::RoomNotFound`]; [`Code::Unavailable`]: retryable.
    pub async fn oversee_room(&self, caller: &Caller, room: &RoomId) -> Result<Room, Error> {
        self.overseen(caller, room, Scope::Rooms).await
    }

    /// [`Engine::members`] for the host's back end with [`Scope::Rooms`].
    ///
    /// # Errors
    /// As [`Engine::oversee_room`].
    pub async fn oversee_members(
        &self,
        caller: &Caller,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, Error> {
        self.overseen(caller, room, Scope::Rooms).await?;
        self.members_of(room, after, limit).await
    }

    /// [`Engine::read_history`] for the host's back end with [`Scope::Messages`].
    ///
    /// # Errors
    /// As [`Engine::oversee_room`].
    pub async fn oversee_history(
        &self,
        caller: &Caller,
        room: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<LogPage, Error> {
        let found = self.overseen(caller, room, Scope::Messages).await?;
        self.log_of(&found, query, limit).await
    }

    async fn overseen(&self, caller: &Caller, room: &RoomId, scope: Scope) -> Result<Room, Error> {
        let found = self.store.room(room).await.map_err(|e| store_failed(&e))?;
        let found = found.ok_or(Error::from(Code::RoomNotFound))?;
        policy::may_oversee(found.kind(), caller, scope)?;
        Ok(found)
    }
}
