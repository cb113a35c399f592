//! Who belongs to rooms of members, and inboxes.

use std::collections::HashSet;
use std::sync::Arc;

use madang_domain::{
    Code, Extra, MemberRole, MessageKind, Notification, NotificationAction, Notify, Person,
    Profile, Revision, Role, RoomAction, RoomCommand, RoomDetail, RoomId, RoomKind, SenderKind,
    Seq, Timestamp, UserId, WhichNotifications,
};

use super::apply::{Answered, Done, NewEntry, about};
use super::world::{ModelRoom, World};

impl World {
    pub(super) fn change_members(
        &mut self,
        command: &RoomCommand,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let about_whom = match &command.action {
            RoomAction::Remove(user) | RoomAction::SetRole(user, _) => Some(user),
            _ => None,
        };
        self.may(command, about_whom)?;
        match &command.action {
            RoomAction::Join => Ok(self.join(command, done)),
            RoomAction::Leave => Ok(self.leave(command, done)),
            RoomAction::Add(people, role) => self.add(command, people, *role, done),
            RoomAction::Remove(user) => Ok(self.remove(command, user, done)),
            RoomAction::SetRole(user, role) => self.set_role(command, user, *role, done),
            RoomAction::Edit(change) => {
                let before = self.rooms[&command.room].profile.clone();
                let after = change.apply(&before);
                let changes = after != before;
                if after.picture != before.picture {
                    self.take_upload(&after)?;
                    self.release_picture(before, done);
                }
                let room = self.rooms.get_mut(&command.room).expect("the room");
                room.profile = after;
                if changes {
                    self.event(command, MessageKind::RoomChanged, Extra::default(), done);
                }
                Ok(self.answer_room(&command.room, changes))
            }
            _ => Ok(self.delete(command, done)),
        }
    }

    /// Whether a room may have what this profile shows.
    pub(super) fn take_upload(&self, profile: &Profile) -> Result<(), Code> {
        let Some(link) = profile.upload() else {
            return Ok(());
        };
        if self.retired.contains(link) || self.uses(link) {
            return Err(Code::BodyInvalid);
        }
        Ok(())
    }

    fn uses(&self, link: &Arc<str>) -> bool {
        let mut rooms = self.rooms.values();
        rooms.any(|room| room.profile.picture.as_ref() == Some(link))
    }

    fn release_picture(&mut self, had: Profile, done: &mut Done) {
        self.retired.extend(had.upload().cloned());
        done.released = had.picture;
    }

    /// Which of them rooms have.
    pub(super) fn retire(&mut self, links: &[Arc<str>]) -> Vec<bool> {
        let used: Vec<_> = links.iter().map(|link| self.uses(link)).collect();
        let unused = links.iter().zip(&used).filter(|(_, used)| !**used);
        self.retired
            .extend(unused.map(|(link, _)| Arc::clone(link)));
        used
    }

    fn model_room(&mut self, command: &RoomCommand) -> &mut ModelRoom {
        self.rooms.get_mut(&command.room).expect("the room")
    }

    fn event(&mut self, command: &RoomCommand, kind: MessageKind, extra: Extra, done: &mut Done) {
        let is_host = command.actor.role == Role::Service;
        let entry = NewEntry {
            kind,
            sender: &command.actor.person,
            sender_kind: if is_host {
                SenderKind::Host
            } else {
                SenderKind::Member
            },
            at: command.at,
            extra,
        };
        self.append(&command.room, entry, done);
    }

    fn join(&mut self, command: &RoomCommand, done: &mut Done) -> Answered {
        let person = &command.actor.person;
        let room = &self.rooms[&command.room];
        if room.members.contains_key(&person.user) {
            return self.answer_room(&command.room, false);
        }
        let head = room.last();
        self.seat(
            &command.room,
            person,
            MemberRole::Member,
            (head, command.at),
        );
        self.event(command, MessageKind::Joined, about([person]), done);
        done.changes
            .push((person.user.clone(), command.room.clone(), Some(head)));
        self.answer_room(&command.room, true)
    }

    fn add(
        &mut self,
        command: &RoomCommand,
        people: &[Person],
        role: MemberRole,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        if role == MemberRole::Owner {
            return Err(Code::RoleRequired);
        }
        for person in people {
            self.may(command, Some(&person.user))?;
        }
        let room = &self.rooms[&command.room];
        let head = room.last();
        let mut seen = HashSet::new();
        let mut added = people.to_vec();
        added.retain(|p| !room.members.contains_key(&p.user) && seen.insert(p.user.clone()));
        if added.is_empty() {
            return Ok(Answered::Done(0));
        }
        for person in &added {
            self.seat(&command.room, person, role, (head, command.at));
            done.changes
                .push((person.user.clone(), command.room.clone(), Some(head)));
        }
        let extra = Extra {
            role: Some(role),
            ..about(&added)
        };
        self.event(command, MessageKind::Added, extra, done);
        Ok(Answered::Done(added.len()))
    }

    fn leave(&mut self, command: &RoomCommand, done: &mut Done) -> Answered {
        let user = &command.actor.person.user;
        let room = self.model_room(command);
        if room.detail.support().is_some() {
            return self.delete(command, done);
        }
        done.changes
            .push((user.clone(), command.room.clone(), None));
        room.members.remove(user);
        if room.members.is_empty() && room.owner.is_some() {
            self.end(command, done);
            return Answered::Done(1);
        }
        self.follow(command, user, done);
        let room = self.model_room(command);
        let mut extra = about([&command.actor.person]);
        if room.detail != RoomDetail::Open {
            room.access_version += 1;
            extra.revokes = Some((user.clone(), room.access_version));
        }
        self.event(command, MessageKind::Left, extra, done);
        Answered::Done(1)
    }

    fn remove(&mut self, command: &RoomCommand, user: &UserId, done: &mut Done) -> Answered {
        let person = self.person(user);
        done.changes
            .push((user.clone(), command.room.clone(), None));
        let room = self.model_room(command);
        room.members.remove(user);
        if room.members.is_empty() && room.owner.is_some() {
            self.end(command, done);
            return Answered::Done(1);
        }
        let room = self.model_room(command);
        room.removed.insert(user.clone());
        self.follow(command, user, done);
        let room = self.model_room(command);
        room.access_version += 1;
        let extra = Extra {
            revokes: Some((user.clone(), room.access_version)),
            ..about([&person])
        };
        self.event(command, MessageKind::Removed, extra, done);
        Answered::Done(1)
    }

    /// The longest-standing moderator, else member, follows an owner that is gone.
    fn follow(&mut self, command: &RoomCommand, gone: &UserId, done: &mut Done) {
        let room = self.model_room(command);
        if room.detail == RoomDetail::Direct || room.owner.as_ref() != Some(gone) {
            return;
        }
        let eldest = |role: Option<MemberRole>| {
            let fits = |r| role.is_none_or(|role| role == r);
            let candidates = room.members.iter().filter(|(_, m)| fits(m.role));
            let eldest = candidates.min_by_key(|(id, m)| (m.since, m.joined_at, (*id).clone()));
            eldest.map(|(id, _)| id.clone())
        };
        let next = eldest(Some(MemberRole::Moderator)).or_else(|| eldest(None));
        room.owner.clone_from(&next);
        if let Some(next) = next {
            self.give_role(command, &next, MemberRole::Owner, done);
        }
    }

    fn give_role(
        &mut self,
        command: &RoomCommand,
        user: &UserId,
        role: MemberRole,
        done: &mut Done,
    ) {
        let person = self.person(user);
        let room = self.model_room(command);
        room.members.get_mut(user).expect("a member").role = role;
        let extra = Extra {
            role: Some(role),
            ..about([&person])
        };
        self.event(command, MessageKind::RoleChanged, extra, done);
        done.changes
            .push((user.clone(), command.room.clone(), None));
    }

    fn set_role(
        &mut self,
        command: &RoomCommand,
        user: &UserId,
        role: MemberRole,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let room = self.model_room(command);
        let has = room.members[user].role;
        if has == role {
            return Ok(Answered::Done(0));
        }
        if has == MemberRole::Owner {
            return Err(Code::RoleRequired);
        }
        let before = room.owner.clone();
        if role == MemberRole::Owner {
            room.owner = Some(user.clone());
        }
        self.give_role(command, user, role, done);
        if let (MemberRole::Owner, Some(before)) = (role, before) {
            self.give_role(command, &before, MemberRole::Moderator, done);
        }
        Ok(Answered::Done(1))
    }

    fn end(&mut self, command: &RoomCommand, done: &mut Done) {
        let room = self.rooms.remove(&command.room).expect("the room");
        self.release_picture(room.profile, done);
        done.deleted = Some(command.room.clone());
    }

    fn delete(&mut self, command: &RoomCommand, done: &mut Done) -> Answered {
        let room = &self.rooms[&command.room];
        let named = matches!(room.detail.kind(), RoomKind::Support | RoomKind::Direct);
        if named {
            let members = room.members.keys().cloned();
            let gone = members.map(|user| (user, command.room.clone(), None));
            done.changes.extend(gone);
        }
        if room.detail.support().is_some() {
            let customer = &command.actor.person;
            let told = self.tell_gone(
                &command.room,
                customer,
                SenderKind::Customer,
                command.at.as_micros(),
            );
            done.entries.extend(told);
        }
        self.end(command, done);
        Answered::Done(1)
    }

    pub(super) fn notify(&mut self, notify: &Notify, done: &mut Done) -> Result<Answered, Code> {
        let sender = Person {
            user: notify.sender.clone(),
            name: None,
        };
        let mut told = HashSet::new();
        for user in &notify.users {
            if told.insert(user) {
                self.notify_one(user, &notify.notification, &sender, notify.at, done);
            }
        }
        Ok(Answered::Done(told.len()))
    }

    pub(super) fn notify_one(
        &mut self,
        user: &UserId,
        notification: &Notification,
        sender: &Person,
        at: Timestamp,
        done: &mut Done,
    ) {
        let id = RoomId::inbox(user);
        if !self.rooms.contains_key(&id) {
            let detail = RoomDetail::Inbox(user.clone());
            let room = ModelRoom::new(detail, Some(user.clone()), at.as_micros());
            self.rooms.insert(id.clone(), room);
            done.changes.push((user.clone(), id.clone(), Some(0)));
        }
        let data = crate::notification::data(notification).expect("data that is JSON");
        let entry = NewEntry {
            kind: MessageKind::Notification,
            sender,
            sender_kind: SenderKind::Host,
            at,
            extra: Extra {
                data: Some(data),
                ..Extra::default()
            },
        };
        self.append_text(&id, entry, (&notification.content, None), done);
    }

    pub(super) fn handle_notifications(
        &mut self,
        user: &UserId,
        (which, action): (WhichNotifications, NotificationAction),
        at: Timestamp,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let id = RoomId::inbox(user);
        let person = self.person(user);
        let is_there = |m: &madang_domain::Message| {
            let is_gone = matches!(m.revision(), Revision::Deleted(_));
            m.kind == MessageKind::Notification && !is_gone
        };
        let room = self.rooms.get_mut(&id);
        let (target, from, up_to) = match which {
            WhichNotifications::One(seq) => {
                let entry = room.as_ref().and_then(|room| room.entry(seq.get()));
                if !entry.is_some_and(is_there) {
                    return Err(Code::NotificationNotFound);
                }
                (seq, seq.get(), false)
            }
            WhichNotifications::UpTo(seq) => {
                let last = room.as_ref().map_or(0, |room| room.last());
                (seq.min(Seq::new(last)), 1, true)
            }
        };
        let Some(room) = room else {
            return Ok(Answered::Done(0));
        };
        let mut count = 0;
        for seq in from..=target.get() {
            let Some(entry) = room.entry_mut(seq).filter(|entry| is_there(entry)) else {
                continue;
            };
            let revision = match action {
                NotificationAction::Read if entry.revision() != Revision::None => continue,
                NotificationAction::Read => Revision::Read(at),
                NotificationAction::Delete => Revision::Deleted(at),
            };
            let extra = entry.extra.get_or_insert_default();
            extra.revision = revision;
            if action == NotificationAction::Delete {
                extra.data = None;
                entry.text = "".into();
            }
            count += 1;
        }
        if count > 0 {
            let kind = match action {
                NotificationAction::Read => MessageKind::NotificationRead,
                NotificationAction::Delete => MessageKind::NotificationDeleted,
            };
            let entry = NewEntry {
                kind,
                sender: &person,
                sender_kind: SenderKind::Member,
                at,
                extra: Extra {
                    target: Some(target),
                    data: up_to.then(|| r#"{"upTo":true}"#.into()),
                    ..Extra::default()
                },
            };
            self.append(&id, entry, done);
        }
        Ok(Answered::Done(count))
    }
}
