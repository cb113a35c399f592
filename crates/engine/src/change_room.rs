//! Changing a room: who belongs to it, what is seen of it, whether there is one.

use madang_domain::command::RoomCommand;
use madang_domain::{
    Actor, Answer, Caller, Code, Command, Error, Room, RoomAction, RoomId, policy,
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
        match self.act(caller, room, action).await? {
            Answer::Done(changed) => Ok(changed),
            Answer::Room(..) => Ok(1),
            Answer::Sent(_) | Answer::Claim(_) => Err(Code::Internal.into()),
        }
    }

    /// Joins an open room. Answers the room, and whether the caller was no member before.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]: it is not open to the caller;
    /// [`Code::RoomFull`]. [`Code::Unavailable`]: retryable.
    pub async fn join_room(&self, caller: &Caller, room: &RoomId) -> Result<(Room, bool), Error> {
        match self.act(caller, room, RoomAction::Join).await? {
            Answer::Room(room, joined) => Ok((*room, joined)),
            Answer::Sent(_) | Answer::Claim(_) | Answer::Done(_) => Err(Code::Internal.into()),
        }
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
        match self.act(caller, room, RoomAction::Edit(change)).await? {
            Answer::Room(room, _) => Ok(*room),
            Answer::Sent(_) | Answer::Claim(_) | Answer::Done(_) => Err(Code::Internal.into()),
        }
    }

    pub(crate) async fn act(
        &self,
        caller: &Caller,
        room: &RoomId,
        action: RoomAction,
    ) -> Result<Answer, Error> {
        if room.is_internal() {
            return Err(Code::RoomNotFound.into());
        }
        let command = RoomCommand {
            room: room.clone(),
            actor: Actor::from(caller),
            action,
            at: self.now(),
        };
        self.carry_out(Command::Room(Box::new(command))).await
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
