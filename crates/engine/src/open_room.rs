//! Opening rooms: the customer's own support room, made when it is missing; looking at a room.

use madang_domain::command::OpenSupport;
use madang_domain::ports::RoomView;
use madang_domain::{Caller, Code, Command, Error, Room, RoomId, RoomKind, UserId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// The support room named `room`, made (waiting) if it is missing, and whether it was; the
    /// customer's sessions are then told. Idempotent.
    ///
    /// # Errors
    /// [`Code::NotYourRoom`]: it is not the caller's own. [`Code::Unavailable`]: retryable.
    pub async fn open_support_room(
        &self,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<(Room, bool), Error> {
        let customer = UserId::new(room.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        policy::may_open(caller, &customer)?;
        // Most calls find the room as it should be: that needs no transaction.
        let found = self.store.room(room).await.map_err(|e| store_failed(&e))?;
        if let Some(found) = found.filter(|found| is_fresh(found, caller)) {
            return Ok((found, false));
        }
        let command = Command::OpenSupport(Box::new(OpenSupport {
            customer: caller.clone(),
            at: self.now(),
        }));
        self.carry_out(command).await?.into_room()
    }

    /// The room as it stands, for a caller who may read it.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]; [`Code::Unavailable`]: retryable.
    pub async fn room(&self, caller: &Caller, room: &RoomId) -> Result<Room, Error> {
        Ok(self.view_room(caller, room).await?.room)
    }

    /// The room as it stands and what the caller is to it, for one who may read it.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn view_room(&self, caller: &Caller, room: &RoomId) -> Result<RoomView, Error> {
        let view = self.store.view_room(room, &caller.user).await;
        let view = view.map_err(|e| store_failed(&e))?;
        let view = view.ok_or(Error::from(Code::RoomNotFound))?;
        policy::may_read(&view.room, view.standing, caller)?;
        Ok(view)
    }

    /// The room as it stands, for a caller who may know who belongs to it and what they do there.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub(crate) async fn attended_room(
        &self,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<Room, Error> {
        let view = self.view_room(caller, room).await?;
        policy::may_see_members(&view.room, view.standing, caller)?;
        Ok(view.room)
    }

    /// The same of the room with this [`Room::number`], if it is of a kind that is `meant`: nobody
    /// learns by it that there is a room of another kind.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn view_room_by_number(
        &self,
        caller: &Caller,
        number: u64,
        meant: impl Fn(RoomKind) -> bool,
    ) -> Result<RoomView, Error> {
        let room = self.store.room_by_number(number).await;
        let room = room.map_err(|e| store_failed(&e))?;
        let room = room.filter(|room| meant(room.kind()));
        let room = room.ok_or(Error::from(Code::RoomNotFound))?;
        self.view_room(caller, &room.id).await
    }
}

/// Whether a room that is there needs nothing of the customer.
fn is_fresh(room: &Room, customer: &Caller) -> bool {
    room.support().is_some_and(|support| {
        let name = customer.name.is_none() || support.nickname == customer.name;
        let member = customer.member_id.is_none() || support.member_id == customer.member_id;
        support.customer == customer.user && name && member
    })
}
