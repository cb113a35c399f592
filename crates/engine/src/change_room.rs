//! Changing a room: who belongs to it, what is seen of it, whether there is one.

use madang_domain::command::RoomCommand;
use madang_domain::membership::ADDED_AT_ONCE_MAX;
use madang_domain::{
    Actor, Answer, Caller, Code, Command, Error, Room, RoomAction, RoomId, UserId, policy,
};

use crate::engine::Engine;

impl Engine {
    /// Does something to a room: leave, remove, give a role, edit, delete. Answers how many things
    /// changed; 0 when it was so already. Everybody's sessions are told.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotYourRoom`], [`Code::RoleRequired`],
    /// [`Code::MemberNotFound`], [`Code::RoomFull`]: the client's fault.
    /// [`Code::Unavailable`]: retryable.
    pub async fn change_room(
        &self,
        caller: &Caller,
        room: &RoomId,
        action: RoomAction,
    ) -> Result<usize, Error> {
        self.act(caller, room, action).await?.into_count()
    }

    /// Joins an open room. Answers the room, and whether the caller was no member before.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]: it is not open to the caller;
    /// [`Code::RoomFull`]. [`Code::Unavailable`]: retryable.
    pub async fn join_room(&self, caller: &Caller, room: &RoomId) -> Result<(Room, bool), Error> {
        self.act(caller, room, RoomAction::Join).await?.into_room()
    }

    /// Edits a room's profile. Answers the room as it is then.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: a part is out of its bounds. Otherwise as [`Engine::change_room`].
    pub async fn edit_room(
        &self,
        caller: &Caller,
        room: &RoomId,
        change: madang_domain::ProfileChange,
    ) -> Result<Room, Error> {
        change.apply(&madang_domain::Profile::default()).check()?;
        let edited = self.act(caller, room, RoomAction::Edit(change)).await?;
        Ok(edited.into_room()?.0)
    }

    /// Removes people from a room, each by a command of its own. Who is no member is passed over.
    /// Answers how many were removed.
    ///
    /// # Errors
    /// As [`Engine::change_room`]; those who were removed before it stay so.
    pub async fn remove_members(
        &self,
        caller: &Caller,
        room: &RoomId,
        users: Vec<UserId>,
    ) -> Result<usize, Error> {
        let mut removed = 0;
        for chunk in users.chunks(ADDED_AT_ONCE_MAX) {
            // Queued together, so that a few transactions carry all of them.
            let mut queued = Vec::with_capacity(chunk.len());
            for user in chunk {
                let action = RoomAction::Remove(user.clone());
                queued.push(self.queue(self.command(caller, room, action)?).await);
            }
            for command in queued {
                match command.answer().await {
                    Ok(_) => removed += 1,
                    Err(error) if error.code() == Code::MemberNotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(removed)
    }

    pub(crate) async fn act(
        &self,
        caller: &Caller,
        room: &RoomId,
        action: RoomAction,
    ) -> Result<Answer, Error> {
        self.carry_out(self.command(caller, room, action)?).await
    }

    fn command(
        &self,
        caller: &Caller,
        room: &RoomId,
        action: RoomAction,
    ) -> Result<Command, Error> {
        if room.is_internal() {
            return Err(Code::RoomNotFound.into());
        }
        Ok(Command::Room(Box::new(RoomCommand {
            room: room.clone(),
            actor: Actor::from(caller),
            action,
            at: self.now(),
        })))
    }

    /// As [`Engine::act`], for those to whom the support desk is open.
    pub(crate) async fn serve(
        &self,
        caller: &Caller,
        room: &RoomId,
        action: RoomAction,
    ) -> Result<Answer, Error> {
        policy::may_serve(caller)?;
        self.act(caller, room, action).await
    }
}
