//! Making rooms of members, changing what people see of them, and taking rooms away.

use madang_domain::membership::MEMBERS_MAX;
use madang_domain::ports::StoreError;
use madang_domain::{
    Answer, Code, Committed, Epoch, Error, Extra, Making, MemberRole, MessageKind, NewRoom, Person,
    Profile, ProfileChange, RoomCommand, RoomHead, RoomId, RoomKind, Seq, Timestamp, UserId,
    policy,
};
use sha2::{Digest, Sha256};

use super::change::Change;
use super::commit::{Carried, Refused};
use super::database::{execute, first, text, values};
use super::entries::NewEntry;
use super::members::Place;
use super::membership::{about, gained, part};
use super::rooms;
use crate::numbers;

pub(crate) const FIND_DIRECT: &str = "SELECT id FROM rooms WHERE direct_key = ?1";

/// Looks for a direct room that goes each time it was found.
const LOOKS_MAX: usize = 16;

/// What a room begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) id: &'a RoomId,
    pub(crate) kind: RoomKind,
    pub(crate) owner: Option<&'a UserId>,
    pub(crate) at: Timestamp,
}

impl Change<'_> {
    pub(crate) fn create(&mut self, new: &NewRoom, done: &mut Committed) -> Carried {
        new.profile.check()?;
        let members = members_of(new)?;
        let mut key = None;
        if new.kind == RoomKind::Direct {
            let hash = direct_key(&members, &new.profile);
            if let Some(id) = self.direct_room(&hash)? {
                return self.find_direct(&id, &members, new, done);
            }
            key = Some(hash);
        }
        let is_other = |(person, _): &(&Person, _)| person.user != new.actor.person.user;
        if !new.brings && members.iter().any(is_other) {
            return Err(Code::TooMany.into());
        }
        if self.load_room(&new.id)?.is_some() {
            let error = Error::with_detail(Code::BodyInvalid, "there is a room of that id");
            return Err(error.into());
        }
        if let Some(link) = new.profile.upload() {
            self.take_upload(link)?;
        }
        let owner = members
            .first()
            .filter(|(_, role)| *role == MemberRole::Owner);
        let beginning = Beginning {
            id: &new.id,
            kind: new.kind,
            owner: owner.map(|(person, _)| &person.user),
            at: new.at,
        };
        let (room_no, head) = self.insert_room(&beginning)?;
        self.set_profile(room_no, &new.profile)?;
        if let Some(key) = key {
            let set = "UPDATE rooms SET direct_key = ?2 WHERE room_no = ?1";
            execute(self.database, set, values![room_no, &key[..]])?;
        }
        let place = Place {
            room_no,
            kind: new.kind,
            since: (Seq::ZERO, 0),
        };
        self.count_members(room_no, super::database::sql_limit(members.len()))?;
        for (person, role) in members {
            self.insert_member(place, person, role, new.at)?;
            done.changes.push(gained(&person.user, &new.id, &head));
        }
        self.made(&new.id, Making::Made)
    }

    /// The direct room with a key, loaded. It is looked for again when it goes while others are waited for.
    fn direct_room(&mut self, key: &[u8]) -> Result<Option<RoomId>, StoreError> {
        for _ in 0..LOOKS_MAX {
            let key = values![key];
            let found = first(self.database, FIND_DIRECT, key, |row| {
                rooms::room_id(row, 0)
            })?;
            let Some(id) = found else {
                return Ok(None);
            };
            if self.load_room(&id)?.is_some() {
                return Ok(Some(id));
            }
        }
        let reason = "a direct room is made and deleted over and over";
        Err(StoreError::Unavailable(reason.to_owned()))
    }

    /// Brings back whoever of the two had left.
    fn find_direct(
        &mut self,
        id: &RoomId,
        members: &[(&Person, MemberRole)],
        new: &NewRoom,
        done: &mut Committed,
    ) -> Carried {
        let Some(room) = self.load_room(id)? else {
            return Err(Code::RoomNotFound.into());
        };
        let head = room.head;
        let place = Place {
            room_no: room.room_no,
            kind: RoomKind::Direct,
            since: (head.last, room.n),
        };
        let (mut back, mut brought_back) = (Vec::new(), 0);
        for (person, role) in members {
            let standing = self.standing(place.room_no, &person.user)?;
            if standing.is_member() {
                continue;
            }
            policy::bring_back(new.actor.role, standing)?;
            brought_back += usize::from(person.user != new.actor.person.user);
            if brought_back > 0 && !new.brings {
                return Err(Code::TooMany.into());
            }
            back.push((*person, *role));
        }
        for (person, role) in &back {
            self.insert_member(place, person, *role, new.at)?;
            self.count_members(place.room_no, 1)?;
            done.changes.push(gained(&person.user, id, &head));
        }
        if !back.is_empty() {
            let sender = (&new.actor.person, part(&new.actor));
            let extra = Extra {
                role: Some(MemberRole::Owner),
                ..about(back.into_iter().map(|(person, _)| person))
            };
            let entry = NewEntry::event(MessageKind::Added, sender, new.at, extra);
            self.append(id, entry, done)?;
        }
        self.made(id, Making::Found { brought_back })
    }

    fn made(&self, id: &RoomId, making: Making) -> Carried {
        Ok(Answer::Made(self.room_now(id)?, making))
    }

    /// Makes a room without members, and its log.
    pub(crate) fn insert_room(
        &mut self,
        new: &Beginning<'_>,
    ) -> Result<(i64, RoomHead), StoreError> {
        let epoch = Epoch::new(rand::random());
        let is_support = new.kind == RoomKind::Support;
        let room_no = self.database.insert(
            "INSERT INTO rooms (id, kind, epoch, created_at, owner, state, inquired_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            "room_no",
            values![
                new.id.as_str(),
                numbers::of_room_kind(new.kind),
                epoch.get().cast_signed(),
                new.at.as_micros(),
                new.owner.map(UserId::as_str),
                is_support.then_some(0_i64),
                is_support.then_some(new.at.as_micros()),
            ],
        )?;
        execute(
            self.database,
            "INSERT INTO logs (room_no, active_at) VALUES (?1, ?2)",
            values![room_no, new.at.as_micros()],
        )?;
        let head = RoomHead {
            epoch,
            last: Seq::ZERO,
            oldest: Seq::ZERO.next(),
            access_version: 0,
        };
        Ok((room_no, head))
    }

    fn set_profile(&self, room_no: i64, profile: &Profile) -> Result<(), StoreError> {
        execute(
            self.database,
            "UPDATE rooms SET title = ?2, description = ?3, picture = ?4, context = ?5
             WHERE room_no = ?1",
            values![
                room_no,
                profile.title.as_deref(),
                profile.description.as_deref(),
                profile.picture.as_deref(),
                profile.context.as_deref(),
            ],
        )
        .map(drop)
    }

    pub(crate) fn edit(
        &mut self,
        command: &RoomCommand,
        change: &ProfileChange,
        done: &mut Committed,
    ) -> Carried {
        let place = self.allowed(command, None)?.place;
        if place.kind == RoomKind::Direct && change.context.is_some() {
            let detail = "the context of a direct room stays";
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        let row = rooms::by_number(self.database, place.room_no)?;
        let before = row.map(|row| row.room.profile).unwrap_or_default();
        let after = change.apply(&before);
        after.check()?;
        if after == before {
            return self.as_answer(&command.room, false);
        }
        let has_another = after.picture != before.picture;
        if let Some(link) = after.upload().filter(|_| has_another) {
            self.take_upload(link)?;
        }
        self.set_profile(place.room_no, &after)?;
        self.event(command, MessageKind::RoomChanged, Extra::default(), done)?;
        if has_another {
            self.release_picture(before, command.at, done)?;
        }
        self.as_answer(&command.room, true)
    }

    pub(crate) fn delete(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let place = self.allowed(command, None)?.place;
        match place.kind {
            RoomKind::Support => return self.end_support(command, done),
            RoomKind::Direct => self.name_members(place.room_no, &command.room, done)?,
            _ => {}
        }
        self.delete_room(&command.room, command.at, done)?;
        Ok(Answer::Done(1))
    }

    /// The room had what `profile` shows, and has it no more.
    fn release_picture(
        &self,
        profile: Profile,
        at: Timestamp,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        if let Some(link) = profile.upload() {
            self.release_upload(link, at)?;
        }
        done.released = profile.picture;
        Ok(())
    }

    /// The room is one of theirs no more.
    pub(crate) fn name_members(
        &self,
        room_no: i64,
        id: &RoomId,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let find = "SELECT id FROM members WHERE room_no = ?1 ORDER BY id";
        let members = super::database::all(self.database, find, values![room_no], |row| {
            super::database::user_id(row, 0)
        })?;
        let gone = members.iter().map(|user| super::commit::changed(user, id));
        done.changes.extend(gone);
        Ok(())
    }

    /// Takes the room away at once; its rows go later, see [`Change::purge`].
    pub(crate) fn delete_room(
        &mut self,
        id: &RoomId,
        at: Timestamp,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let Some((room, log)) = rooms::find_log(self.database, id)? else {
            return Ok(());
        };
        let room_no = room.room_no;
        let picture = "SELECT picture FROM rooms WHERE room_no = ?1";
        let picture =
            first(self.database, picture, values![room_no], |row| text(row, 0))?.flatten();
        let had = Profile {
            picture,
            ..Profile::default()
        };
        self.release_picture(had, at, done)?;
        let (database, bounds) = (self.database, values![room_no, log.oldest, log.end.seq]);
        let note = "INSERT INTO purges (room_no, next_seq, last_seq) VALUES (?1, ?2, ?3)";
        execute(database, note, bounds)?;
        for delete in [
            "DELETE FROM logs WHERE room_no = ?1",
            "DELETE FROM rooms WHERE room_no = ?1",
        ] {
            execute(database, delete, values![room_no])?;
        }
        self.memory.forget_room(id);
        self.log.note_deleted(room_no);
        done.deleted = Some((id.clone(), room.epoch));
        Ok(())
    }
}

/// Who belongs to a new room, its owner first; each once.
fn members_of(new: &NewRoom) -> Result<Vec<(&Person, MemberRole)>, Refused> {
    let invalid = |detail| Err(Error::with_detail(Code::BodyInvalid, detail).into());
    if !new.kind.has_members() {
        return invalid("a room of this kind is not made so");
    }
    let mut members: Vec<(&Person, MemberRole)> = Vec::with_capacity(new.members.len() + 1);
    let mut seen = std::collections::HashSet::new();
    let owner = new.owner.iter().map(|owner| (owner, MemberRole::Owner));
    for (person, role) in owner.chain(new.members.iter().map(|(p, role)| (p, *role))) {
        if !seen.insert(&person.user) {
            continue;
        }
        let role = match role {
            // One room, one owner; two of a room for two.
            _ if members.is_empty() || new.kind == RoomKind::Direct => MemberRole::Owner,
            MemberRole::Owner => MemberRole::Moderator,
            role => role,
        };
        members.push((person, role));
    }
    if new.kind == RoomKind::Direct && members.len() != 2 {
        return invalid("a direct room is for two");
    }
    if members.len() as u64 > MEMBERS_MAX {
        return Err(Code::RoomFull.into());
    }
    Ok(members)
}

/// The same for the same two people and context, whoever of them asks. Ids and contexts have no
/// NUL in them.
fn direct_key(members: &[(&Person, MemberRole)], profile: &Profile) -> [u8; 32] {
    let mut pair: Vec<&str> = members.iter().map(|(p, _)| p.user.as_str()).collect();
    pair.sort_unstable();
    let mut hash = Sha256::new();
    for part in pair.into_iter().chain(profile.context.as_deref()) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}
