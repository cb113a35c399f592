//! What is done to rooms of members.
//!
//! A room is named by its title, so that one that was deleted can be made again under the same id:
//! another life, as a support room has it.

use madang_domain::{
    Answer, Code, Making, MemberRole, MessageKind, NewRoom, Outcome, Person, RoomAction,
    RoomCommand, RoomDetail, RoomId, RoomKind, SenderKind, Seq, Standing, Timestamp, UserId,
    policy,
};

use super::log::{NewEntry, RoomLog};
use super::state::{Done, State};
use crate::world::World;

impl State {
    pub(super) fn create(&mut self, world: &World, new: &NewRoom) -> Outcome {
        let title = new.profile.title.as_deref().expect("named by its title");
        let id = RoomId::new(title).expect("a room id");
        let creator = new.owner.clone().expect("made by a person");
        let owner = (creator.clone(), MemberRole::Owner);
        let people: Vec<_> = [owner].into_iter().chain(new.members.clone()).collect();
        let mut done = Done::default();
        let made = !self.rooms.contains_key(&id);
        if made {
            let detail = match new.kind {
                RoomKind::Direct => RoomDetail::Direct,
                RoomKind::Group => RoomDetail::Group,
                _ => RoomDetail::Open,
            };
            let epoch = world.new_epoch();
            self.make(id.clone(), epoch, detail, new.at);
            self.log(&id)?.profile = new.profile.clone();
            world.note(|| format!("{id} made, life {:x}", epoch.get()));
        }
        let is_direct = self.log(&id)?.detail == RoomDetail::Direct;
        let mut brought_back = 0;
        if made || is_direct {
            brought_back = self.admit(&id, MessageKind::Added, &creator, people, new.at, &mut done);
        }
        let making = match made {
            true => Making::Made,
            false => Making::Found { brought_back },
        };
        let room = self.log(&id)?.room();
        done.answer(Answer::Made(Box::new(room), making))
    }

    pub(super) fn act(&mut self, command: &RoomCommand) -> Outcome {
        let RoomCommand {
            room,
            actor,
            action,
            at,
        } = command;
        self.may_act(command)?;
        let (by, mut done) = (&actor.person, Done::default());
        let is_support = self.log(room)?.detail.kind() == RoomKind::Support;
        let changed = match action {
            RoomAction::Claim => return self.claim(command),
            RoomAction::Release | RoomAction::HandOver(_) | RoomAction::Complete => {
                return self.serve(command);
            }
            RoomAction::Leave | RoomAction::Delete if is_support => {
                return self.leave_support(command);
            }
            RoomAction::Join => {
                let people = vec![(by.clone(), MemberRole::Member)];
                let kind = MessageKind::Joined;
                let joined = self.admit(room, kind, by, people, *at, &mut done) > 0;
                let room = self.log(room)?.room();
                return done.answer(Answer::Room(Box::new(room), joined));
            }
            RoomAction::Edit(change) => {
                let log = self.log(room)?;
                log.profile = change.apply(&log.profile);
                let entry = event(MessageKind::RoomChanged, by, Vec::new(), *at);
                self.append(room, entry, &mut done);
                let room = self.log(room)?.room();
                return done.answer(Answer::Room(Box::new(room), true));
            }
            RoomAction::Leave => self.leave(room, by, *at, &mut done),
            RoomAction::Add(people, role) => {
                let people = people.iter().map(|person| (person.clone(), *role));
                let kind = MessageKind::Added;
                self.admit(room, kind, by, people.collect(), *at, &mut done)
            }
            RoomAction::Remove(user) => {
                let entry = event(MessageKind::Removed, by, vec![nameless(user)], *at);
                let remove = |log: &mut RoomLog| log.goes(user, Standing::Removed);
                self.change(room, Some(user), remove, entry, &mut done);
                done.changed(room, [user.clone()]);
                1
            }
            RoomAction::SetRole(user, role) => self.set_role(command, user, *role, &mut done)?,
            RoomAction::Delete => {
                self.remove(room, &mut done);
                1
            }
        };
        done.answer(Answer::Done(changed))
    }

    fn may_act(&mut self, command: &RoomCommand) -> Result<(), Code> {
        let RoomCommand {
            room,
            actor,
            action,
            ..
        } = command;
        let log = self.log(room)?;
        let subjects: Vec<_> = match action {
            RoomAction::Add(people, _) => people.iter().map(|p| log.standing(&p.user)).collect(),
            RoomAction::Remove(user) | RoomAction::SetRole(user, _) => vec![log.standing(user)],
            _ => vec![Standing::Stranger],
        };
        let (user, standing) = (&actor.person.user, log.standing(&actor.person.user));
        let may =
            |subject| policy::may_act(&log.detail, user, actor.role, standing, subject, action);
        subjects.into_iter().try_for_each(may)
    }

    /// Lets in who does not belong to the room yet; answers how many.
    fn admit(
        &mut self,
        room: &RoomId,
        kind: MessageKind,
        by: &Person,
        people: Vec<(Person, MemberRole)>,
        at: Timestamp,
        done: &mut Done,
    ) -> usize {
        let is_new = |(person, _): &(Person, _)| !self.standing(room, &person.user).is_member();
        let people: Vec<_> = people.into_iter().filter(is_new).collect();
        if people.is_empty() {
            return 0;
        }
        let since = self.rooms[room].head().position();
        let subjects: Vec<_> = people.iter().map(|(person, _)| person.clone()).collect();
        let entry = event(kind, by, subjects.clone(), at);
        let admit = |log: &mut RoomLog| {
            let last = log.last();
            for (person, role) in people {
                log.comes(&person.user, role, last);
            }
        };
        self.change(room, None, admit, entry, done);
        done.gained(room, since, &subjects);
        subjects.len()
    }

    fn leave(&mut self, room: &RoomId, who: &Person, at: Timestamp, done: &mut Done) -> usize {
        let Some(log) = self.rooms.get(room) else {
            return 0;
        };
        let owned = log.standing(&who.user) == Standing::Member(MemberRole::Owner);
        if log.order.len() == 1 {
            self.remove(room, done);
            return 1;
        }
        let is_direct = log.detail == RoomDetail::Direct;
        let entry = event(MessageKind::Left, who, vec![who.clone()], at);
        let leave = |log: &mut RoomLog| log.goes(&who.user, Standing::Stranger);
        self.change(room, Some(&who.user), leave, entry, done);
        done.changed(room, [who.user.clone()]);
        let heir = self.rooms[room]
            .members()
            .max_by_key(|(user, role)| {
                let place = self.rooms[room].order.iter().position(|held| held == *user);
                (*role, std::cmp::Reverse(place))
            })
            .map(|(user, _)| user.clone());
        if let Some(heir) = heir.filter(|_| owned && !is_direct) {
            self.give(room, who, &heir, MemberRole::Owner, at, done);
        }
        1
    }

    fn set_role(
        &mut self,
        command: &RoomCommand,
        user: &UserId,
        role: MemberRole,
        done: &mut Done,
    ) -> Result<usize, Code> {
        let RoomCommand {
            room, actor, at, ..
        } = command;
        let by = &actor.person;
        match self.standing(room, user) {
            Standing::Member(held) if held == role => return Ok(0),
            // A room is never without an owner.
            Standing::Member(MemberRole::Owner) => return Err(Code::RoleRequired),
            _ => {}
        }
        if role == MemberRole::Owner {
            self.give(room, by, &by.user, MemberRole::Moderator, *at, done);
        }
        self.give(room, by, user, role, *at, done);
        Ok(1)
    }

    fn give(
        &mut self,
        room: &RoomId,
        by: &Person,
        user: &UserId,
        role: MemberRole,
        at: Timestamp,
        done: &mut Done,
    ) {
        let mut entry = event(MessageKind::RoleChanged, by, vec![nameless(user)], at);
        entry.extra.role = Some(role);
        let give = |log: &mut RoomLog| {
            log.standings.insert(user.clone(), Standing::Member(role));
        };
        self.change(room, None, give, entry, done);
        done.changed(room, [user.clone()]);
    }
}

impl RoomLog {
    fn comes(&mut self, user: &UserId, role: MemberRole, last: Seq) {
        self.standings.insert(user.clone(), Standing::Member(role));
        self.order.push(user.clone());
        // What was written before is not unread.
        let mark = self.marks.entry(user.clone()).or_default();
        mark.read = mark.read.max(last);
        mark.delivered = mark.delivered.max(last);
    }

    fn goes(&mut self, user: &UserId, standing: Standing) {
        self.standings.insert(user.clone(), standing);
        self.order.retain(|member| member != user);
    }
}

fn event(kind: MessageKind, by: &Person, subjects: Vec<Person>, at: Timestamp) -> NewEntry {
    NewEntry::event(kind, by, SenderKind::Member, subjects, at)
}

fn nameless(user: &UserId) -> Person {
    Person {
        user: user.clone(),
        name: None,
    }
}
