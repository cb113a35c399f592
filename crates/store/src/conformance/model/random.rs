//! Makes calls. A failure names its seed, which repeats the run.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::command::OpenSupport;
use madang_domain::ports::RetentionRule;
use madang_domain::room::UPLOADS_PATH;
use madang_domain::{
    Actor, Agent, Body, Command, Content, Draft, DraftGroup, MemberRole, NewRoom, Notification,
    NotificationAction, Notify, Person, Profile, ProfileChange, Role, RoomAction, RoomCommand,
    RoomId, RoomKind, Seq, UserChange, UserId, WhichNotifications,
};

use super::super::{at, caller, client_id, room_id, user};

pub(super) const USERS: &[&str] = &["kim", "lee", "park", "choi"];
pub(super) const AGENTS: &[&str] = &["ann", "bob"];
pub(super) const ROOMS: &[&str] = &[
    "kim", "lee", "park", "choi", "ann", "g1", "g2", "o1", "o2", "d1", "d2", "d3",
];
pub(super) const WORDS: &[&str] = &["사과", "사과나무", "바나나", "order", "1024", "환불해"];

/// A call of the port.
pub(super) enum Call {
    Commit(Vec<Command>),
    Delivered(RoomId, UserId, u64),
    Read(RoomId, UserId, u64),
    Upsert(Vec<UserChange>),
    Revoke(UserId),
    Sweep(Box<[RetentionRule; RoomKind::ALL.len()]>),
    Retire(Vec<Arc<str>>),
    Reopen,
}

pub(crate) struct Random(u64);

/// Commands that are sent together: the same for the same seed and step.
pub(crate) fn command_batch(random: &mut Random, step: i64) -> Vec<Command> {
    (0..1 + random.below(4))
        .map(|_| random.command(step))
        .collect()
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    fn anybody(&mut self) -> &'static str {
        if self.one_in(4) {
            self.pick(AGENTS)
        } else {
            self.pick(USERS)
        }
    }

    fn room(&mut self) -> RoomId {
        room_id(self.pick(ROOMS))
    }

    fn person(&mut self) -> Person {
        let id = self.anybody();
        Person {
            user: user(id),
            name: self.one_in(3).then(|| format!("{id}'s name").into()),
        }
    }

    fn seq(&mut self) -> u64 {
        // Now and then far ahead, mostly where there is something.
        if self.one_in(20) {
            1_000_000
        } else {
            self.below(60)
        }
    }

    fn text(&mut self) -> String {
        let number = self.below(50);
        format!("{} {} {number:02}", self.pick(WORDS), self.pick(WORDS))
    }

    /// Few enough that rooms want the same.
    fn upload(&mut self) -> Arc<str> {
        format!("{UPLOADS_PATH}{}.png", self.below(10)).into()
    }

    fn picture(&mut self) -> Option<Arc<str>> {
        match self.below(4) {
            0 => None,
            1 => Some(self.text().into()),
            _ => Some(self.upload()),
        }
    }

    pub(super) fn call(&mut self, step: i64) -> Call {
        match self.below(40) {
            0 => Call::Delivered(self.room(), user(self.anybody()), self.seq()),
            1..=5 => Call::Read(self.room(), user(self.anybody()), self.seq()),
            6 => Call::Upsert(vec![self.user_change(), self.user_change()]),
            7 if self.one_in(3) => Call::Revoke(user(self.anybody())),
            8 if self.one_in(2) => Call::Sweep(Box::new(self.rules())),
            9 if self.one_in(3) => Call::Reopen,
            10 if self.one_in(12) => Call::Retire(vec![self.upload()]),
            _ => Call::Commit(command_batch(self, step)),
        }
    }

    fn user_change(&mut self) -> UserChange {
        let id = self.anybody();
        let role = if AGENTS.contains(&id) {
            Role::Agent
        } else {
            Role::User
        };
        UserChange {
            id: user(id),
            name: match self.below(4) {
                0 => Some(None),
                1 => Some(Some(format!("{id} {}", self.below(3)).into())),
                _ => None,
            },
            picture: self.one_in(3).then(|| Some("https://x".into())),
            role: self.one_in(2).then_some(role),
        }
    }

    fn rules(&mut self) -> [RetentionRule; RoomKind::ALL.len()] {
        RoomKind::ALL.map(|_| RetentionRule {
            age: self
                .one_in(3)
                .then(|| Duration::from_micros(200 + self.below(900))),
            count: self.one_in(3).then(|| 10 + self.below(60)),
            completed: self
                .one_in(4)
                .then(|| Duration::from_micros(self.below(900))),
        })
    }

    fn command(&mut self, step: i64) -> Command {
        match self.below(24) {
            0..=10 => Command::Send(self.group(step)),
            11 => {
                let id = if self.one_in(6) {
                    "ann"
                } else {
                    self.pick(USERS)
                };
                let mut customer = caller(id, Role::User);
                customer.name = self.one_in(2).then(|| format!("{id} 고객").into());
                customer.member_id = self.one_in(2).then(|| "77".into());
                let at = at(step);
                Command::OpenSupport(Box::new(OpenSupport { customer, at }))
            }
            12 | 13 => Command::Create(Box::new(self.new_room(step))),
            14 => Command::Notify(Box::new(self.notify(step))),
            15 => Command::Notifications {
                user: user(self.anybody()),
                which: if self.one_in(2) {
                    WhichNotifications::One(Seq::new(self.below(30)))
                } else {
                    WhichNotifications::UpTo(Seq::new(self.seq()))
                },
                action: if self.one_in(3) {
                    NotificationAction::Delete
                } else {
                    NotificationAction::Read
                },
                at: at(step),
            },
            16 if self.one_in(2) => Command::AlertOverdue {
                since: at(step - 100),
                limit: 2,
                at: at(step),
            },
            17 => Command::Room(Box::new(RoomCommand {
                actor: Actor {
                    person: self.person(),
                    role: Role::Service,
                },
                action: self.edit(),
                ..self.room_command(step)
            })),
            _ => Command::Room(Box::new(self.room_command(step))),
        }
    }

    fn edit(&mut self) -> RoomAction {
        RoomAction::Edit(ProfileChange {
            title: self.one_in(2).then(|| Some(self.text().into())),
            picture: self.one_in(2).then(|| self.picture()),
            ..ProfileChange::default()
        })
    }

    fn notify(&mut self, step: i64) -> Notify {
        Notify {
            users: (0..1 + self.below(3))
                .map(|_| user(self.anybody()))
                .collect(),
            notification: Notification {
                kind: "trade".into(),
                content: self.text().into(),
                url: self.one_in(2).then(|| "/x".into()),
                data: self.one_in(2).then(|| "[1, 2]".into()),
            },
            sender: user("shop"),
            at: at(step),
        }
    }

    fn new_room(&mut self, step: i64) -> NewRoom {
        let (kind, id) = match self.below(5) {
            0 => (RoomKind::Group, self.pick(&["g1", "g2"])),
            1 => (RoomKind::Open, self.pick(&["o1", "o2"])),
            _ => (RoomKind::Direct, self.pick(&["d1", "d2", "d3"])),
        };
        let role = if self.one_in(3) {
            MemberRole::Moderator
        } else {
            MemberRole::Member
        };
        let owner = (!self.one_in(5)).then(|| self.person());
        let others = match kind {
            RoomKind::Direct => 2 - u64::from(owner.is_some()),
            _ => self.below(3),
        };
        NewRoom {
            id: room_id(id),
            kind,
            profile: Profile {
                context: self.one_in(2).then(|| "{}".into()),
                picture: self.picture(),
                ..Profile::default()
            },
            owner,
            members: (0..others).map(|_| (self.person(), role)).collect(),
            at: at(step),
        }
    }

    fn room_command(&mut self, step: i64) -> RoomCommand {
        let (action, serves) = self.action();
        let role = match self.below(8) {
            0 => Role::Service,
            1..=4 if serves => Role::Agent,
            5 => Role::Admin,
            _ if serves => Role::Agent,
            _ => Role::User,
        };
        let mut person = self.person();
        if serves {
            person.user = user(self.pick(AGENTS));
        }
        RoomCommand {
            room: self.room(),
            actor: Actor { person, role },
            action,
            at: at(step),
        }
    }

    /// An action, and whether it is one of those who serve.
    fn action(&mut self) -> (RoomAction, bool) {
        let role = match self.below(5) {
            0 => MemberRole::Owner,
            1 => MemberRole::Moderator,
            _ => MemberRole::Member,
        };
        let action = match self.below(24) {
            0..=3 => RoomAction::Join,
            4 | 5 => RoomAction::Leave,
            6 | 7 => {
                let people = (0..self.below(4)).map(|_| self.person());
                RoomAction::Add(people.collect(), role)
            }
            8 => RoomAction::Remove(user(self.anybody())),
            9 | 10 => RoomAction::SetRole(user(self.anybody()), role),
            11 => self.edit(),
            12 if self.one_in(4) => RoomAction::Delete,
            13..=17 => return (RoomAction::Claim, true),
            18 => return (RoomAction::Release, true),
            19 | 20 => {
                let id = self.pick(&["ann", "bob", "kim"]);
                let agent = Agent {
                    user: user(id),
                    name: id.into(),
                };
                return (RoomAction::HandOver(agent), true);
            }
            _ => return (RoomAction::Complete, true),
        };
        (action, false)
    }

    fn group(&mut self, step: i64) -> DraftGroup {
        let drafts = if self.one_in(3) { 1 + self.below(4) } else { 1 };
        DraftGroup {
            drafts: (0..drafts).map(|_| self.draft(step)).collect(),
        }
    }

    fn draft(&mut self, step: i64) -> Draft {
        let room = self.pick(ROOMS);
        let (sender, role) = match self.below(12) {
            0 => ("shop", Role::Service),
            1 | 2 => (self.pick(AGENTS), Role::Agent),
            3..=6 if USERS.contains(&room) => (room, Role::User),
            _ => (self.anybody(), Role::User),
        };
        let data = self.one_in(8).then_some(r#"{"a":1}"#);
        let body = Body::new(&self.text(), data).unwrap();
        let target = Seq::new(self.seq());
        let within = self.one_in(3).then(|| Duration::from_micros(100));
        let content = match self.below(10) {
            0 | 1 => Content::Edit {
                target,
                body,
                within,
            },
            2 => Content::Delete { target, within },
            3 => Content::Notice(body),
            _ => Content::Message(body),
        };
        let mut sender = caller(sender, role);
        sender.name = self.one_in(3).then(|| "이름".into());
        let id = self.one_in(2).then(|| self.below(60).to_string());
        let id = id.as_deref().and_then(client_id);
        Draft::of(&sender, room_id(room), content, id, at(step))
    }
}
