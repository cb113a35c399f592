//! Carrying out commands: one transaction for all that wait together.

use madang_domain::ports::StoreError;
use madang_domain::{
    Answer, Code, Command, Committed, Error, Outcome, Room, RoomAction, RoomCommand, RoomId,
    RoomsChange, UserId,
};

use super::change::Change;
use super::rooms;

/// Why a command, or all of them, are not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// This one: the client's fault.
    Command(Error),
    /// The transaction.
    All(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::All(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Command(error)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self::Command(code.into())
    }
}

/// What a command is answered with. Its entries and changes are noted apart.
pub(crate) type Carried = Result<Answer, Refused>;

impl Change<'_> {
    /// Carries out commands in the order given.
    pub(crate) fn carry_out_all(
        &mut self,
        commands: &[Command],
    ) -> Result<Vec<Outcome>, StoreError> {
        self.log.prepare(self.database, self.memory, commands)?;
        let commands = commands.iter();
        commands.map(|command| self.carry_out(command)).collect()
    }

    /// Each command decides about everything before it writes anything, or undoes it, so that
    /// nothing is left of a refused one.
    fn carry_out(&mut self, command: &Command) -> Result<Outcome, StoreError> {
        let mut done = Committed::only(Answer::Done(0));
        let carried = match command {
            Command::Send(group) => self.send(&group.drafts, &mut done),
            Command::OpenSupport(open) => self.open_support(open, &mut done),
            Command::Create(new) => self.create(new, &mut done),
            Command::Room(command) => self.change_room(command, &mut done),
            Command::Notify(notify) => self.notify(notify, &mut done),
            Command::Notifications {
                user,
                which,
                action,
                at,
            } => self.handle_notifications(user, (*which, *action), *at, &mut done),
            Command::AlertOverdue { since, entries, at } => {
                self.alert_overdue(*since, *entries, *at, &mut done)
            }
        };
        match carried {
            Ok(answer) => {
                done.answer = answer;
                Ok(Ok(done))
            }
            Err(Refused::Command(error)) => Ok(Err(error)),
            Err(Refused::All(error)) => Err(error),
        }
    }

    fn change_room(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        match &command.action {
            RoomAction::Claim => self.claim(command, done),
            RoomAction::Release => self.release(command, done),
            RoomAction::HandOver(agent) => self.hand_over(command, agent, done),
            RoomAction::Complete => self.complete(command, done),
            RoomAction::Join => self.join(command, done),
            RoomAction::Leave => self.leave(command, done),
            RoomAction::Add(people, role) => self.add(command, people, *role, done),
            RoomAction::Remove(user) => self.remove(command, user, done),
            RoomAction::SetRole(user, role) => self.set_role(command, user, *role, done),
            RoomAction::Edit(change) => self.edit(command, change, done),
            RoomAction::Delete => self.delete(command, done),
        }
    }

    /// The room as it stands now, for an answer.
    pub(crate) fn as_answer(&self, id: &RoomId, made: bool) -> Carried {
        Ok(Answer::Room(self.room_now(id)?, made))
    }

    /// # Errors
    /// [`StoreError::Corrupt`]: there is none.
    pub(crate) fn room_now(&self, id: &RoomId) -> Result<Box<Room>, StoreError> {
        let Some(row) = rooms::find(self.database, id)? else {
            return Err(StoreError::Corrupt("a room was not stored".to_owned()));
        };
        let mut room = row.room;
        room.head.last = self.log.end(row.room_no, row.log.end).seq;
        Ok(Box::new(room))
    }
}

/// A room that ceased to be, or changed as, one of a user's.
pub(crate) fn changed(user: &UserId, room: &RoomId) -> RoomsChange {
    RoomsChange {
        user: user.clone(),
        room: room.clone(),
        since: None,
    }
}
