//! Making and ending rooms of members; who belongs to them, and as what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rights::{manages, require};
use super::{Entry, Kind, Made, Member, Model, Moment, Role, Room, Told, Trust, User, trust};

/// A room that somebody wants.
#[derive(Debug, Clone)]
pub(in super::super) struct Wanted {
    pub(in super::super) kind: Kind,
    pub(in super::super) title: Option<String>,
    pub(in super::super) context: Option<Value>,
    pub(in super::super) members: Vec<User>,
}

impl Wanted {
    /// Who would belong to it, whose it is first.
    fn people(&self, who: User) -> Vec<User> {
        let maker = Some(who).filter(|who| trust(who) != Trust::Host);
        let mut people = Vec::new();
        for user in maker.into_iter().chain(self.members.iter().copied()) {
            if !people.contains(&user) {
                people.push(user);
            }
        }
        people
    }

    fn is_for(&self, people: &[User]) -> bool {
        match self.kind {
            Kind::Direct => people.len() == 2,
            _ => !people.is_empty(),
        }
    }
}

impl Room {
    fn of_members(wanted: &Wanted, made: &Made, people: &[User], now: Moment) -> Self {
        let is_direct = wanted.kind == Kind::Direct;
        let mut room = Self {
            id: made.id.clone(),
            epoch: made.epoch.clone(),
            kind: wanted.kind,
            made: now,
            active: now,
            title: wanted.title.clone(),
            context: wanted.context.clone(),
            owner: people.first().copied(),
            pair: if is_direct {
                people.to_vec()
            } else {
                Vec::new()
            },
            members: BTreeMap::new(),
            removed: BTreeSet::new(),
            log: Vec::new(),
            named: BTreeMap::new(),
            support: None,
        };
        for user in people {
            let owns = is_direct || room.owner == Some(*user);
            room.seat(now, user, if owns { Role::Owner } else { Role::Member });
        }
        room
    }

    fn seat(&mut self, now: Moment, user: User, role: Role) {
        let last = self.last();
        let member = Member {
            role,
            joined: now,
            since: last,
            read: last,
            came: last,
        };
        self.removed.remove(user);
        self.members.insert(user, member);
    }

    fn give(&mut self, now: Moment, who: User, user: User, role: Role) {
        if let Some(member) = self.members.get_mut(user) {
            member.role = role;
        }
        if role == Role::Owner {
            self.owner = Some(user);
        }
        let mut entry = Entry::new("roleChanged", who, part(who)).about(&[user]);
        entry.role = Some(role.name());
        self.append(now, entry);
    }

    /// The longest-standing moderator, else the longest-standing member; of those who came at once the one
    /// whose id comes first.
    fn successor(&self) -> Option<User> {
        let standing = self.members.iter();
        let longest = standing
            .min_by_key(|(user, member)| (member.role != Role::Moderator, member.joined, **user));
        longest.map(|(user, _)| *user)
    }

    /// Somebody is gone: whose room it is then.
    fn follow(&mut self, now: Moment, who: User, gone: User) {
        if self.kind == Kind::Direct || self.owner != Some(gone) {
            return;
        }
        self.owner = None;
        if let Some(next) = self.successor() {
            self.give(now, who, next, Role::Owner);
        }
    }
}

/// In which part somebody manages a room.
fn part(user: User) -> &'static str {
    match trust(user) {
        Trust::Host => "host",
        _ => "member",
    }
}

impl Model {
    /// Whether the room that is wanted can be.
    pub(in super::super) fn may_create(&self, who: User, wanted: &Wanted) -> Told<()> {
        let people = wanted.people(who);
        if !wanted.is_for(&people) {
            return Err("BODY_INVALID");
        }
        // Whom the host removed, only the host brings back.
        let found = self.direct(who, wanted).and_then(|id| self.rooms.get(&id));
        let is_out = |user: &User| found.is_some_and(|room| room.removed.contains(user));
        match people.iter().any(is_out) {
            true => Err("NOT_YOUR_ROOM"),
            false => Ok(()),
        }
    }

    /// The direct room that there is for these two.
    pub(in super::super) fn direct(&self, who: User, wanted: &Wanted) -> Option<String> {
        let people = wanted.people(who);
        let is_it = |room: &&Room| {
            let of_pair = people.iter().all(|user| room.pair.contains(user));
            room.kind == Kind::Direct && of_pair && room.context == wanted.context
        };
        let direct = self.rooms.values().filter(|_| wanted.kind == Kind::Direct);
        direct.clone().find(is_it).map(|room| room.id.clone())
    }

    /// A room that was made now.
    pub(in super::super) fn create(&mut self, who: User, wanted: &Wanted, made: &Made) {
        let now = self.tick();
        let room = Room::of_members(wanted, made, &wanted.people(who), now);
        self.rooms.insert(made.id.clone(), room);
    }

    /// A direct room that was found: whoever of the two had left it is there again.
    pub(in super::super) fn bring_back(&mut self, who: User, wanted: &Wanted, id: &str) {
        let now = self.tick();
        let Ok(room) = self.room_mut(id) else { return };
        let mut back = wanted.people(who);
        back.retain(|user| room.role(user).is_none());
        if back.is_empty() {
            return;
        }
        back.iter()
            .for_each(|user| room.seat(now, user, Role::Owner));
        let mut entry = Entry::new("added", who, "member").about(&back);
        entry.role = Some(Role::Owner.name());
        room.append(now, entry);
    }

    pub(in super::super) fn join(&mut self, who: User, id: &str) -> Told<()> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        if room.kind != Kind::Support && room.role(who).is_some() {
            return Ok(());
        }
        if room.kind != Kind::Open || room.removed.contains(who) {
            return Err("NOT_YOUR_ROOM");
        }
        room.seat(now, who, Role::Member);
        room.append(now, Entry::new("joined", who, part(who)).about(&[who]));
        Ok(())
    }

    pub(in super::super) fn leave(&mut self, who: User, id: &str) -> Told<()> {
        if self.room(id)?.kind == Kind::Support {
            return self.end_support(who, id);
        }
        let now = self.tick();
        let room = self.room_mut(id)?;
        room.members.remove(who).ok_or("NOT_YOUR_ROOM")?;
        // A room that is nobody's stays: the host takes it away.
        if room.members.is_empty() && room.owner.is_some() {
            self.end(id);
            return Ok(());
        }
        room.follow(now, who, who);
        room.append(now, Entry::new("left", who, part(who)).about(&[who]));
        Ok(())
    }

    /// Answers how many were no members before.
    pub(in super::super) fn add(
        &mut self,
        who: User,
        id: &str,
        users: &[User],
        role: Role,
    ) -> Told<usize> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        manages(room, who)?;
        if room.kind == Kind::Direct || role == Role::Owner {
            return Err("ROLE_REQUIRED");
        }
        if role != Role::Member {
            require(room, who, Role::Owner)?;
        }
        if users.iter().any(|user| room.removed.contains(user)) {
            require(room, who, Role::Moderator)?;
        }
        let mut new: Vec<User> = Vec::new();
        for user in users {
            if room.role(user).is_none() && !new.contains(user) {
                new.push(user);
            }
        }
        if new.is_empty() {
            return Ok(0);
        }
        new.iter().for_each(|user| room.seat(now, user, role));
        let mut entry = Entry::new("added", who, part(who)).about(&new);
        entry.role = Some(role.name());
        room.append(now, entry);
        Ok(new.len())
    }

    pub(in super::super) fn remove(&mut self, who: User, id: &str, user: User) -> Told<()> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        manages(room, who)?;
        let has = room.role(user).ok_or("MEMBER_NOT_FOUND")?;
        if trust(who) != Trust::Host {
            match has {
                Role::Member => require(room, who, Role::Moderator)?,
                Role::Moderator => require(room, who, Role::Owner)?,
                Role::Owner => return Err("ROLE_REQUIRED"),
            }
        }
        room.members.remove(user);
        if room.members.is_empty() && room.owner.is_some() {
            self.end(id);
            return Ok(());
        }
        let room = self.room_mut(id)?;
        room.removed.insert(user);
        room.follow(now, who, user);
        room.append(now, Entry::new("removed", who, part(who)).about(&[user]));
        Ok(())
    }

    pub(in super::super) fn set_role(
        &mut self,
        who: User,
        id: &str,
        user: User,
        role: Role,
    ) -> Told<()> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        manages(room, who)?;
        if room.kind == Kind::Direct {
            return Err("ROLE_REQUIRED");
        }
        let has = room.role(user).ok_or("MEMBER_NOT_FOUND")?;
        require(room, who, Role::Owner)?;
        if has == role {
            return Ok(());
        }
        if has == Role::Owner {
            // There is always one: it changes by giving it to another.
            return Err("ROLE_REQUIRED");
        }
        let before = room.owner.filter(|_| role == Role::Owner);
        room.give(now, who, user, role);
        if let Some(before) = before {
            room.give(now, who, before, Role::Moderator);
        }
        Ok(())
    }

    pub(in super::super) fn rename(&mut self, who: User, id: &str, title: &str) -> Told<()> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        manages(room, who)?;
        require(room, who, Role::Owner)?;
        if room.title.as_deref() == Some(title) {
            return Ok(());
        }
        room.title = Some(title.to_owned());
        room.append(now, Entry::new("roomChanged", who, part(who)));
        Ok(())
    }

    pub(in super::super) fn delete_room(&mut self, who: User, id: &str) -> Told<()> {
        let room = self.room(id)?;
        match room.kind {
            Kind::Support => return self.end_support(who, id),
            Kind::Direct if room.role(who).is_some() => {}
            _ => {
                manages(room, who)?;
                require(room, who, Role::Owner)?;
            }
        }
        self.end(id);
        Ok(())
    }
}
