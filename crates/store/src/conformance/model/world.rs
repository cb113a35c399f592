//! What the model knows: rooms with their whole logs, and users.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use madang_domain::ports::{RetentionRule, Store};
use madang_domain::{
    Epoch, Message, MessageKind, Person, Position, Profile, Revision, Role, Room, RoomDetail,
    RoomHead, RoomId, RoomKind, Seq, Standing, SupportState, UserChange, UserId,
};

use super::super::at;

#[derive(Clone)]
pub(super) struct World {
    pub(super) rooms: BTreeMap<RoomId, ModelRoom>,
    pub(super) users: BTreeMap<UserId, ModelUser>,
    /// Uploads that no room may take any more.
    pub(super) retired: BTreeSet<Arc<str>>,
    /// How often agents came.
    seen: u64,
}

#[derive(Clone, Default)]
pub(super) struct ModelUser {
    pub(super) name: Option<Arc<str>>,
    pub(super) picture: Option<Arc<str>>,
    pub(super) role: Option<Role>,
    pub(super) seen: u64,
    pub(super) revoked_at: Option<i64>,
}

#[derive(Clone)]
pub(super) struct ModelRoom {
    /// Random, and as the store gave them out: learned from it, once the room is stored.
    pub(super) epoch: Epoch,
    pub(super) number: u64,
    pub(super) created_at: i64,
    pub(super) detail: RoomDetail,
    pub(super) profile: Profile,
    pub(super) owner: Option<UserId>,
    pub(super) members: BTreeMap<UserId, ModelMember>,
    pub(super) removed: BTreeSet<UserId>,
    /// All that it ever had, with another epoch.
    pub(super) log: Vec<Message>,
    /// How many of it are gone.
    pub(super) gone: usize,
    pub(super) access_version: u64,
    pub(super) delivered: BTreeMap<UserId, u64>,
    /// Of a direct room: whose, and what about.
    pub(super) direct: Option<(BTreeSet<UserId>, Option<Arc<str>>)>,
    pub(super) desk_read: u64,
    pub(super) overdue: bool,
    pub(super) completed_at: Option<i64>,
}

#[derive(Clone)]
pub(super) struct ModelMember {
    pub(super) role: madang_domain::MemberRole,
    pub(super) joined_at: i64,
    pub(super) since: u64,
    pub(super) read: u64,
}

impl ModelRoom {
    pub(super) fn new(detail: RoomDetail, owner: Option<UserId>, created_at: i64) -> Self {
        Self {
            epoch: Epoch::new(1),
            number: 0,
            created_at,
            detail,
            profile: Profile::default(),
            owner,
            members: BTreeMap::new(),
            removed: BTreeSet::new(),
            log: Vec::new(),
            gone: 0,
            access_version: 0,
            delivered: BTreeMap::new(),
            direct: None,
            desk_read: 0,
            overdue: false,
            completed_at: None,
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn kept(&self) -> &[Message] {
        &self.log[self.gone..]
    }

    /// The kept entry of that number.
    pub(super) fn entry(&self, seq: u64) -> Option<&Message> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.log.get(index).filter(|_| index >= self.gone)
    }

    pub(super) fn entry_mut(&mut self, seq: u64) -> Option<&mut Message> {
        self.entry(seq)?;
        self.log.get_mut(seq as usize - 1)
    }

    pub(super) fn standing(&self, user: &UserId) -> Standing {
        match self.members.get(user) {
            Some(member) => Standing::Member(member.role),
            None if self.removed.contains(user) => Standing::Removed,
            None => Standing::Stranger,
        }
    }

    /// What the policy is asked with: other rooms tell by themselves who may do what.
    pub(super) fn right_of(&self, user: &UserId) -> Standing {
        if self.detail.kind().has_members() {
            return self.standing(user);
        }
        Standing::Stranger
    }

    pub(super) fn active_at(&self) -> i64 {
        let newest = self.log.last();
        newest.map_or(self.created_at, |message| message.sent_at.as_micros())
    }

    /// Kept messages of others above the mark.
    pub(super) fn unread(&self, user: &UserId) -> u64 {
        let read = self.members[user].read;
        let counts = |m: &&Message| {
            m.kind == MessageKind::Message && m.sender != *user && m.position.seq.get() > read
        };
        self.kept().iter().filter(counts).count() as u64
    }

    pub(super) fn unread_notifications(&self) -> u64 {
        let unread =
            |m: &&Message| m.kind == MessageKind::Notification && m.revision() == Revision::None;
        self.kept().iter().filter(unread).count() as u64
    }

    /// Those that are not deleted.
    pub(super) fn notification_count(&self) -> u64 {
        let is_there = |m: &&Message| {
            let is_gone = matches!(m.revision(), Revision::Deleted(_));
            m.kind == MessageKind::Notification && !is_gone
        };
        self.kept().iter().filter(is_there).count() as u64
    }

    /// As the store describes it.
    pub(super) fn as_room(&self, id: &RoomId, users: &BTreeMap<UserId, ModelUser>) -> Room {
        let name = |user: &UserId| match self.detail.support() {
            Some(support) => support.nickname.clone(),
            None => users.get(user).and_then(|user| user.name.clone()),
        };
        let owner = self.owner.as_ref().map(|user| Person {
            user: user.clone(),
            name: name(user),
        });
        Room {
            id: id.clone(),
            number: self.number,
            head: RoomHead {
                epoch: self.epoch,
                last: Seq::new(self.last()),
                oldest: Seq::new(self.gone as u64 + 1),
                access_version: self.access_version,
            },
            created_at: at(self.created_at),
            detail: self.detail.clone(),
            profile: self.profile.clone(),
            owner,
            member_count: self.members.len() as u64,
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        let desk = ModelRoom::new(RoomDetail::Desk, None, 0);
        Self {
            rooms: BTreeMap::from([(RoomId::desk(), desk)]),
            users: BTreeMap::new(),
            retired: BTreeSet::new(),
            seen: 0,
        }
    }

    /// Takes over what only the store decides of new rooms.
    pub(super) async fn learn(&mut self, store: &dyn Store) {
        for (id, room) in self.rooms.iter_mut().filter(|(_, room)| room.number == 0) {
            let found = store.room(id).await.unwrap().expect("the room");
            room.epoch = found.head.epoch;
            room.number = found.number;
            if found.kind() == RoomKind::Desk {
                room.created_at = found.created_at.as_micros();
            }
        }
    }

    /// In the room's present life; in another one, of a room that is not there.
    pub(super) fn position(&self, room: &RoomId, seq: u64) -> Position {
        Position {
            epoch: self
                .rooms
                .get(room)
                .map_or(Epoch::new(1), |room| room.epoch),
            seq: Seq::new(seq),
        }
    }

    pub(super) fn advance_delivered(&mut self, room: &RoomId, user: &UserId, seq: u64) {
        if let Some(room) = self.rooms.get_mut(room) {
            let mark = room.delivered.entry(user.clone()).or_default();
            *mark = seq.max(*mark);
        }
    }

    pub(super) fn advance_read(
        &mut self,
        room: &RoomId,
        user: &UserId,
        seq: u64,
    ) -> Option<(u64, u64)> {
        let room = self.rooms.get_mut(room)?;
        let last = room.last();
        let member = room.members.get_mut(user)?;
        let before = member.read;
        member.read = before.max(seq.min(last));
        let now = member.read;
        if now > before {
            let mark = room.delivered.entry(user.clone()).or_default();
            *mark = now.max(*mark);
            let serves = room
                .detail
                .support()
                .is_some_and(|s| s.is_assigned_to(user));
            if serves {
                room.desk_read = room.desk_read.max(now);
            }
        }
        Some((before, now))
    }

    /// Makes a person known.
    pub(super) fn know(&mut self, person: &Person) {
        let user = self.users.entry(person.user.clone()).or_default();
        user.name = user.name.take().or_else(|| person.name.clone());
    }

    pub(super) fn person(&self, user: &UserId) -> Person {
        Person {
            user: user.clone(),
            name: self.users.get(user).and_then(|user| user.name.clone()),
        }
    }

    pub(super) fn upsert(&mut self, change: &UserChange) {
        let seen = self.seen + 1;
        let user = self.users.entry(change.id.clone()).or_default();
        if let Some(name) = &change.name {
            user.name.clone_from(name);
        }
        if let Some(picture) = &change.picture {
            user.picture.clone_from(picture);
        }
        user.role = change.role.or(user.role);
        if change.role.is_some_and(Role::serves_customers) {
            user.seen = seen;
            self.seen = seen;
        }
    }

    pub(super) fn revoke(&mut self, user: &UserId, micros: i64) {
        let user = self.users.entry(user.clone()).or_default();
        user.revoked_at = user.revoked_at.max(Some(micros));
    }

    /// Agents and admins, the last to come first.
    pub(super) fn agents(&self) -> Vec<UserId> {
        let serves = |user: &ModelUser| user.role.is_some_and(Role::serves_customers);
        let serving = self.users.iter().filter(|(_, user)| serves(user));
        let mut agents: Vec<_> = serving.map(|(id, user)| (user.seen, id.clone())).collect();
        agents.sort_unstable_by(|a, b| b.cmp(a));
        agents.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn sweep(
        &mut self,
        rules: &[RetentionRule; RoomKind::ALL.len()],
        now: i64,
    ) -> (u64, u64) {
        let (mut entries, mut ended) = (0, 0);
        let mut order: Vec<_> = self
            .rooms
            .iter()
            .map(|(id, r)| (r.number, id.clone()))
            .collect();
        order.sort_unstable();
        for (_, id) in order {
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            let index = RoomKind::ALL
                .iter()
                .position(|kind| *kind == room.detail.kind());
            let rule = rules[index.unwrap()];
            let micros = |age: std::time::Duration| age.as_micros() as i64;
            let is_over = rule.completed.zip(room.completed_at);
            if is_over.is_some_and(|(kept, since)| now - since >= micros(kept)) {
                self.take_away(&id, now);
                ended += 1;
                continue;
            }
            let keep = rule.count.map_or(usize::MAX, |count| count as usize);
            while let Some(oldest) = room.kept().first() {
                let is_old = rule
                    .age
                    .is_some_and(|age| oldest.sent_at.as_micros() < now - micros(age));
                if !is_old && room.kept().len() <= keep {
                    break;
                }
                room.gone += 1;
                entries += 1;
            }
        }
        (entries, ended)
    }

    /// A support room goes whole, by the server itself.
    fn take_away(&mut self, id: &RoomId, now: i64) {
        let Some(support) = self.rooms[id].detail.support().cloned() else {
            return;
        };
        let customer = Person {
            user: support.customer,
            name: support.nickname,
        };
        assert_eq!(support.state, SupportState::Completed);
        self.tell_gone(id, &customer, madang_domain::SenderKind::Host, now);
        let room = self.rooms.remove(id).expect("the room");
        self.retired.extend(room.profile.upload().cloned());
    }
}
