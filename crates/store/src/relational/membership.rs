//! Commands that change who belongs to a room of members, and as what.

use madang_domain::membership::{ADDED_AT_ONCE_MAX, MEMBERS_MAX};
use madang_domain::ports::StoreError;
use madang_domain::{
    Actor, Answer, Code, Committed, Error, Extra, MemberRole, MessageKind, Person, Role,
    RoomCommand, RoomHead, RoomId, RoomKind, RoomsChange, SenderKind, Standing, UserId, policy,
};

use super::change::Change;
use super::commit::{Carried, Refused, changed};
use super::database::{execute, first, number, sql_limit, user_id, values};
use super::entries::NewEntry;
use super::members::Place;

/// What an allowed command needs to know of its room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) place: Place,
    pub(crate) head: RoomHead,
    pub(crate) standing: Standing,
}

impl Change<'_> {
    /// Asks the policy. `subject` is whom the command is about.
    pub(crate) fn allowed(
        &mut self,
        command: &RoomCommand,
        subject: Option<&UserId>,
    ) -> Result<Allowed, Refused> {
        let Some(room) = self.load_room(&command.room)? else {
            return Err(Code::RoomNotFound.into());
        };
        let (room_no, head, n) = (room.room_no, room.head, room.n);
        let kind = room.detail.kind();
        let (user, role) = (&command.actor.person.user, command.actor.role);
        let (mut standing, mut about) = (Standing::Stranger, Standing::Stranger);
        if kind.has_members() {
            standing = self.standing(room_no, user)?;
            if let Some(subject) = subject {
                about = self.standing(room_no, subject)?;
            }
        }
        let room = self.memory.room(&command.room);
        let detail = room.map(|room| &room.detail).ok_or(Code::RoomNotFound)?;
        policy::may_act(detail, user, role, standing, about, &command.action)?;
        Ok(Allowed {
            place: Place {
                room_no,
                kind,
                since: (head.last, n),
            },
            head,
            standing,
        })
    }

    pub(crate) fn join(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let Allowed {
            place,
            head,
            standing,
        } = self.allowed(command, None)?;
        if standing.is_member() {
            return self.as_answer(&command.room, false);
        }
        self.make_space(place.room_no, 1)?;
        let person = &command.actor.person;
        self.insert_member(place, person, MemberRole::Member, command.at)?;
        self.event(command, MessageKind::Joined, about([person]), done)?;
        done.changes
            .push(gained(&person.user, &command.room, &head));
        self.as_answer(&command.room, true)
    }

    pub(crate) fn add(
        &mut self,
        command: &RoomCommand,
        people: &[Person],
        role: MemberRole,
        done: &mut Committed,
    ) -> Carried {
        if people.len() > ADDED_AT_ONCE_MAX {
            let detail = format!("more than {ADDED_AT_ONCE_MAX} people at once");
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        // Asked even when there is nobody to add.
        let Allowed { place, head, .. } = self.allowed(command, None)?;
        if role == MemberRole::Owner {
            return Err(Code::RoleRequired.into());
        }
        let mut added: Vec<&Person> = Vec::new();
        for person in people {
            self.allowed(command, Some(&person.user))?;
            let is_new = !self.standing(place.room_no, &person.user)?.is_member();
            if is_new && added.iter().all(|other| other.user != person.user) {
                added.push(person);
            }
        }
        if added.is_empty() {
            return Ok(Answer::Done(0));
        }
        self.make_space(place.room_no, added.len())?;
        for person in &added {
            self.insert_member(place, person, role, command.at)?;
            done.changes
                .push(gained(&person.user, &command.room, &head));
        }
        let extra = Extra {
            role: Some(role),
            ..about(added.iter().copied())
        };
        self.event(command, MessageKind::Added, extra, done)?;
        Ok(Answer::Done(added.len()))
    }

    pub(crate) fn leave(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let Allowed { place, .. } = self.allowed(command, None)?;
        if place.kind == RoomKind::Support {
            return self.end_support(command, done);
        }
        let user = &command.actor.person.user;
        done.changes.push(changed(user, &command.room));
        let belongs_to_somebody = self.owner(place.room_no)?.is_some();
        let left = self.count_members(place.room_no, -1)?;
        if left == 0 && belongs_to_somebody {
            self.delete_room(&command.room, command.at, done)?;
            return Ok(Answer::Done(1));
        }
        self.delete_member(place.room_no, user)?;
        self.follow(command, place, user, done)?;
        // Who left an open room may still read it.
        let revokes = match place.kind {
            RoomKind::Open => None,
            _ => self.revoke(&command.room, user)?,
        };
        let extra = Extra {
            revokes,
            ..about([&command.actor.person])
        };
        self.event(command, MessageKind::Left, extra, done)?;
        Ok(Answer::Done(1))
    }

    pub(crate) fn remove(
        &mut self,
        command: &RoomCommand,
        user: &UserId,
        done: &mut Committed,
    ) -> Carried {
        let Allowed { place, .. } = self.allowed(command, Some(user))?;
        let person = self.person(user)?;
        done.changes.push(changed(user, &command.room));
        let belongs_to_somebody = self.owner(place.room_no)?.is_some();
        if self.count_members(place.room_no, -1)? == 0 && belongs_to_somebody {
            self.delete_room(&command.room, command.at, done)?;
            return Ok(Answer::Done(1));
        }
        self.delete_member(place.room_no, user)?;
        self.shut_out(place.room_no, user)?;
        self.follow(command, place, user, done)?;
        let extra = Extra {
            revokes: self.revoke(&command.room, user)?,
            ..about([&person])
        };
        self.event(command, MessageKind::Removed, extra, done)?;
        Ok(Answer::Done(1))
    }

    pub(crate) fn set_role(
        &mut self,
        command: &RoomCommand,
        user: &UserId,
        role: MemberRole,
        done: &mut Committed,
    ) -> Carried {
        let Allowed { place, .. } = self.allowed(command, Some(user))?;
        let has = self.standing(place.room_no, user)?.role();
        if has == Some(role) {
            return Ok(Answer::Done(0));
        }
        if has == Some(MemberRole::Owner) {
            // There is always one: it changes by giving it to another.
            return Err(Code::RoleRequired.into());
        }
        if role == MemberRole::Owner {
            let before = self.owner(place.room_no)?;
            self.give_ownership(command, place, user, done)?;
            if let Some(before) = before {
                self.give_role(command, place, &before, MemberRole::Moderator, done)?;
            }
        } else {
            self.give_role(command, place, user, role, done)?;
        }
        Ok(Answer::Done(1))
    }

    fn give_role(
        &mut self,
        command: &RoomCommand,
        place: Place,
        user: &UserId,
        role: MemberRole,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        self.set_member_role(place.room_no, user, role)?;
        let person = self.person(user)?;
        let extra = Extra {
            role: Some(role),
            ..about([&person])
        };
        self.event(command, MessageKind::RoleChanged, extra, done)?;
        done.changes.push(changed(user, &command.room));
        Ok(())
    }

    fn give_ownership(
        &mut self,
        command: &RoomCommand,
        place: Place,
        user: &UserId,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        self.set_owner(place.room_no, Some(user))?;
        self.give_role(command, place, user, MemberRole::Owner, done)
    }

    /// Finds another owner when `gone` was the one. A direct room stays whose it was.
    fn follow(
        &mut self,
        command: &RoomCommand,
        place: Place,
        gone: &UserId,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let was_owner = self.owner(place.room_no)?.as_ref() == Some(gone);
        if place.kind == RoomKind::Direct || !was_owner {
            return Ok(());
        }
        match self.successor(place.room_no)? {
            Some(next) => self.give_ownership(command, place, &next, done),
            None => self.set_owner(place.room_no, None),
        }
    }

    fn owner(&self, room_no: i64) -> Result<Option<UserId>, StoreError> {
        let find = "SELECT owner FROM rooms WHERE room_no = ?1 AND owner IS NOT NULL";
        first(self.database, find, values![room_no], |row| user_id(row, 0))
    }

    fn set_owner(&self, room_no: i64, user: Option<&UserId>) -> Result<(), StoreError> {
        execute(
            self.database,
            "UPDATE rooms SET owner = ?2 WHERE room_no = ?1",
            values![room_no, user.map(UserId::as_str)],
        )
        .map(drop)
    }

    /// Counts members that are about to come, if there is a place for all of them.
    fn make_space(&self, room_no: i64, more: usize) -> Result<(), Refused> {
        let find = "SELECT member_count FROM rooms WHERE room_no = ?1";
        let count = first(self.database, find, values![room_no], |row| number(row, 0))?;
        if count.unwrap_or(0) + more as u64 > MEMBERS_MAX {
            return Err(Code::RoomFull.into());
        }
        self.count_members(room_no, sql_limit(more))?;
        Ok(())
    }

    /// Appends to the command's room what the actor did.
    pub(crate) fn event(
        &mut self,
        command: &RoomCommand,
        kind: MessageKind,
        extra: Extra,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let sender = (&command.actor.person, part(&command.actor));
        let new = NewEntry::event(kind, sender, command.at, extra);
        self.append(&command.room, new, done).map(drop)
    }
}

/// In which part an actor changes a room of members.
pub(crate) fn part(actor: &Actor) -> SenderKind {
    match actor.role {
        Role::Service => SenderKind::Host,
        Role::Guest | Role::User | Role::Agent | Role::Admin => SenderKind::Member,
    }
}

/// Whom an entry is about.
pub(crate) fn about<'a>(people: impl IntoIterator<Item = &'a Person>) -> Extra {
    Extra {
        subjects: people.into_iter().cloned().collect(),
        ..Extra::default()
    }
}

/// A room that came to a user. `before` is how it stood until then.
pub(crate) fn gained(user: &UserId, room: &RoomId, before: &RoomHead) -> RoomsChange {
    RoomsChange {
        user: user.clone(),
        room: room.clone(),
        since: Some(before.position()),
    }
}
