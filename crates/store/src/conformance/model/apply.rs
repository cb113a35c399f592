//! What commands do to the model.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use madang_domain::{
    ClaimOutcome, Code, Command, Epoch, Extra, MemberRole, Message, MessageKind, NewRoom, Person,
    Position, Room, RoomAction, RoomCommand, RoomDetail, RoomId, RoomKind, SenderKind, Seq,
    Timestamp, UserId, policy,
};

use super::world::{ModelMember, ModelRoom, World};

/// What a command that is carried out has to answer.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) answer: Answered,
    pub(super) released: Option<Arc<str>>,
    pub(super) entries: Vec<Message>,
    /// Whose, which, and from where on, of a room that was gained.
    pub(super) changes: Vec<(UserId, RoomId, Option<u64>)>,
    pub(super) deleted: Option<RoomId>,
}

#[derive(Debug, Clone)]
pub(super) enum Answered {
    /// Number, and whether it is new.
    Sent(Vec<(u64, bool)>),
    /// But for what only the store decides.
    Room(Box<Room>, bool),
    Claim(ClaimOutcome),
    Done(usize),
}

/// What happens while a command is carried out.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) released: Option<Arc<str>>,
    pub(super) entries: Vec<Message>,
    pub(super) changes: Vec<(UserId, RoomId, Option<u64>)>,
    pub(super) deleted: Option<RoomId>,
}

/// An entry that has no place yet.
pub(super) struct NewEntry<'a> {
    pub(super) kind: MessageKind,
    pub(super) sender: &'a Person,
    pub(super) sender_kind: SenderKind,
    pub(super) at: Timestamp,
    pub(super) extra: Extra,
}

pub(super) fn about<'a>(people: impl IntoIterator<Item = &'a Person>) -> Extra {
    Extra {
        subjects: people.into_iter().cloned().collect(),
        ..Extra::default()
    }
}

impl World {
    pub(super) fn apply(&mut self, command: &Command) -> Result<Expected, Code> {
        let before = self.clone();
        let mut done = Done::default();
        let answer = match command {
            Command::Send(group) => self.send(group, &mut done),
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
            Command::AlertOverdue { since, limit, at } => {
                self.alert_overdue(*since, *limit, *at, &mut done)
            }
        };
        match answer {
            Ok(answer) => Ok(Expected {
                answer,
                released: done.released,
                entries: done.entries,
                changes: done.changes,
                deleted: done.deleted,
            }),
            Err(code) => {
                *self = before;
                Err(code)
            }
        }
    }

    pub(super) fn append(&mut self, id: &RoomId, new: NewEntry<'_>, done: &mut Done) -> u64 {
        self.append_text(id, new, ("", None), done)
    }

    pub(super) fn append_text(
        &mut self,
        id: &RoomId,
        new: NewEntry<'_>,
        (text, client_id): (&str, Option<&madang_domain::ClientId>),
        done: &mut Done,
    ) -> u64 {
        let room = self.rooms.get_mut(id).expect("the room");
        let seq = room.last() + 1;
        let message = Message {
            room: id.clone(),
            position: Position {
                epoch: Epoch::new(1),
                seq: Seq::new(seq),
            },
            kind: new.kind,
            sender: new.sender.user.clone(),
            sender_name: new.sender.name.clone(),
            sender_kind: new.sender_kind,
            client_id: client_id.cloned(),
            text: text.into(),
            sent_at: new.at,
            extra: (new.extra != Extra::default()).then(|| Box::new(new.extra)),
        };
        room.log.push(message.clone());
        done.entries.push(message);
        seq
    }

    pub(super) fn answer_room(&self, id: &RoomId, made: bool) -> Answered {
        Answered::Room(Box::new(self.rooms[id].as_room(id, &self.users)), made)
    }

    /// Adds a member whose mark begins at `since`.
    pub(super) fn seat(
        &mut self,
        id: &RoomId,
        person: &Person,
        role: MemberRole,
        (since, at): (u64, Timestamp),
    ) {
        self.know(person);
        let room = self.rooms.get_mut(id).expect("the room");
        room.removed.remove(&person.user);
        let member = ModelMember {
            role,
            joined_at: at.as_micros(),
            since,
            read: since,
        };
        room.members.insert(person.user.clone(), member);
    }

    fn create(&mut self, new: &NewRoom, done: &mut Done) -> Result<Answered, Code> {
        let mut seen = HashSet::new();
        let all = new.owner.iter().map(|owner| (owner, MemberRole::Owner));
        let all = all.chain(new.members.iter().map(|(person, role)| (person, *role)));
        let mut members: Vec<_> = all
            .filter(|(person, _)| seen.insert(&person.user))
            .collect();
        for (index, (_, role)) in members.iter_mut().enumerate() {
            if index == 0 || new.kind == RoomKind::Direct {
                *role = MemberRole::Owner;
            } else if *role == MemberRole::Owner {
                *role = MemberRole::Moderator;
            }
        }
        let pair: BTreeSet<_> = members.iter().map(|(p, _)| p.user.clone()).collect();
        let mut direct = None;
        if new.kind == RoomKind::Direct {
            if pair.len() != 2 {
                return Err(Code::BodyInvalid);
            }
            direct = Some((pair.clone(), new.profile.context.clone()));
            let same = self.rooms.iter().find(|(_, room)| room.direct == direct);
            if let Some(id) = same.map(|(id, _)| id.clone()) {
                for person in &pair {
                    policy::bring_back(new.owner.as_ref(), self.rooms[&id].standing(person))?;
                }
                return Ok(self.bring_back(&id, &members, new, done));
            }
        }
        if self.rooms.contains_key(&new.id) {
            return Err(Code::BodyInvalid);
        }
        self.take_upload(&new.profile)?;
        let detail = match new.kind {
            RoomKind::Direct => RoomDetail::Direct,
            RoomKind::Group => RoomDetail::Group,
            _ => RoomDetail::Open,
        };
        let owner = members.first().map(|(person, _)| person.user.clone());
        let mut room = ModelRoom::new(detail, owner, new.at.as_micros());
        room.profile = new.profile.clone();
        room.direct = direct;
        self.rooms.insert(new.id.clone(), room);
        for (person, role) in members {
            self.seat(&new.id, person, role, (0, new.at));
            done.changes
                .push((person.user.clone(), new.id.clone(), Some(0)));
        }
        Ok(self.answer_room(&new.id, true))
    }

    fn bring_back(
        &mut self,
        id: &RoomId,
        members: &[(&Person, MemberRole)],
        new: &NewRoom,
        done: &mut Done,
    ) -> Answered {
        let head = self.rooms[id].last();
        let gone = |(person, _): &&(&Person, MemberRole)| {
            !self.rooms[id].members.contains_key(&person.user)
        };
        let back: Vec<_> = members
            .iter()
            .filter(gone)
            .map(|(person, _)| *person)
            .collect();
        for person in &back {
            self.seat(id, person, MemberRole::Owner, (head, new.at));
            done.changes
                .push((person.user.clone(), id.clone(), Some(head)));
        }
        if !back.is_empty() {
            let (sender, sender_kind) = match &new.owner {
                Some(owner) => (owner, SenderKind::Member),
                None => (members[0].0, SenderKind::Host),
            };
            let entry = NewEntry {
                kind: MessageKind::Added,
                sender,
                sender_kind,
                at: new.at,
                extra: Extra {
                    role: Some(MemberRole::Owner),
                    ..about(back)
                },
            };
            self.append(id, entry, done);
        }
        self.answer_room(id, false)
    }

    fn change_room(&mut self, command: &RoomCommand, done: &mut Done) -> Result<Answered, Code> {
        match &command.action {
            RoomAction::Claim => self.claim(command, done),
            RoomAction::Release => self.release(command, done),
            RoomAction::HandOver(agent) => self.hand_over(command, agent, done),
            RoomAction::Complete => self.complete(command, done),
            _ => self.change_members(command, done),
        }
    }

    /// Asks the policy.
    pub(super) fn may(&self, command: &RoomCommand, about: Option<&UserId>) -> Result<(), Code> {
        let room = self.rooms.get(&command.room).ok_or(Code::RoomNotFound)?;
        let user = &command.actor.person.user;
        let subject = about.map_or(madang_domain::Standing::Stranger, |id| room.standing(id));
        policy::may_act(
            &room.detail,
            user,
            command.actor.role,
            room.standing(user),
            subject,
            &command.action,
        )
    }
}
