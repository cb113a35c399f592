//! What the server promises of rooms, logs and marks, in its simplest form: all of it in memory, each
//! question answered by looking through everything. Knows no door and asks nobody.
//!
//! In words:
//!
//! 1. A room's log is numbered 1, 2, 3 …. An entry stays where it is; editing and deleting change what it
//!    says, and append an entry that says so.
//! 2. A client id names one entry of its sender in one life of a room. Sent again it changes nothing, and
//!    whoever lost the right meanwhile is answered all the same.
//! 3. Who joins has read all up to then: their mark begins where the log ends. A support room's customer
//!    begins at 0, its agent where any agent has read. Marks only rise, up to the end of the log.
//! 4. Unread are the messages of others behind one's mark; a deleted one still is. Read by are the members
//!    whose mark has passed a message and who were there before it, its sender never.
//! 5. A group or open room has one owner. When they leave, the longest-standing moderator follows, else the
//!    longest-standing member. Nobody left: no room. Only where the host removed an owner who was alone is
//!    it nobody's, and stays.
//! 6. Removed from an open room is shut out until added again. Everybody else reads it and may join.
//! 7. A direct room is there once for its two and its context; making it again brings back who left it.
//! 8. A support room waits, is assigned, is completed, and waits again when its customer writes. Each change
//!    is told in its log, in the desk's feed, and an agent's coming in the customer's inbox.
//! 9. Lists have the newest activity first, the desk's the longest asking.
//!
//! [`rights`] says who may, [`members`], [`messages`], [`desk`] and [`inbox`] what happens, [`views`] what
//! is seen of it.

mod desk;
mod entry;
mod inbox;
mod members;
mod messages;
mod rights;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use desk::State;
pub(super) use entry::{Body, Entry, entry_in};
pub(super) use inbox::Handling;
pub(super) use members::Wanted;
pub(super) use messages::{Age, Sent};

/// Who, as their token says.
pub(super) type User = &'static str;

/// Why something is not done: the code that the client is told.
pub(super) type Code = &'static str;

/// What becomes of what somebody asks for.
pub(super) type Told<T> = Result<T, Code>;

/// The host's back end: its API key's name.
pub(super) const HOST: User = "shop";

/// What somebody may be trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    User,
    Agent,
    Admin,
    Host,
}

/// The people there are.
pub(super) const PEOPLE: &[(User, Trust)] = &[
    ("kim", Trust::User),
    ("lee", Trust::User),
    ("park", Trust::User),
    ("choi", Trust::User),
    ("han", Trust::Agent),
    ("oh", Trust::Agent),
    ("root", Trust::Admin),
];

pub(super) fn trust(user: User) -> Trust {
    let person = PEOPLE.iter().find(|(known, _)| *known == user);
    person.map_or(Trust::Host, |(_, trust)| *trust)
}

/// What others see of somebody.
pub(super) fn name(user: User) -> String {
    match user {
        HOST => HOST.to_owned(),
        _ => format!("{user} by name"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Support,
    Direct,
    Group,
    Open,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Direct => "direct",
            Self::Group => "group",
            Self::Open => "open",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Member,
    Moderator,
    Owner,
}

impl Role {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }
}

/// A member, or whoever has a support room.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) role: Role,
    joined: Moment,
    /// Where the mark began.
    pub(super) since: u64,
    pub(super) read: u64,
    /// Where the log ended before the room came to them.
    pub(super) came: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) id: String,
    /// Which life of it, as its positions say.
    pub(super) epoch: String,
    pub(super) kind: Kind,
    pub(super) made: Moment,
    pub(super) active: Moment,
    pub(super) title: Option<String>,
    pub(super) context: Option<Value>,
    pub(super) owner: Option<User>,
    /// Of a direct room: for whom it is.
    pub(super) pair: Vec<User>,
    pub(super) members: BTreeMap<User, Member>,
    pub(super) removed: BTreeSet<User>,
    pub(super) log: Vec<Entry>,
    /// By sender and client id.
    pub(super) named: BTreeMap<(User, String), u64>,
    pub(super) support: Option<desk::Support>,
}

impl Room {
    pub(super) const fn last(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn role(&self, user: User) -> Option<Role> {
        self.members.get(user).map(|member| member.role)
    }

    /// The entry of this number.
    pub(super) fn entry(&self, seq: u64) -> Option<&Entry> {
        entry_in(&self.log, seq)
    }

    fn append(&mut self, now: Moment, mut entry: Entry) -> u64 {
        entry.step = now.step;
        self.log.push(entry);
        self.active = now;
        self.last()
    }
}

/// A room as the server has made it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) epoch: String,
}

/// Everything there is.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) rooms: BTreeMap<String, Room>,
    /// Rooms that are no more.
    pub(super) gone: Vec<String>,
    pub(super) desk: Vec<Entry>,
    pub(super) inboxes: BTreeMap<User, Vec<Entry>>,
    now: Moment,
}

/// When something happened: in which step, and where in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    step: usize,
    part: usize,
}

impl Model {
    pub(super) fn room(&self, id: &str) -> Told<&Room> {
        self.rooms.get(id).ok_or("ROOM_NOT_FOUND")
    }

    fn room_mut(&mut self, id: &str) -> Told<&mut Room> {
        self.rooms.get_mut(id).ok_or("ROOM_NOT_FOUND")
    }

    /// Later than everything before.
    fn tick(&mut self) -> Moment {
        self.now.part += 1;
        self.now
    }

    /// A step begins.
    pub(super) fn begin(&mut self, step: usize) {
        self.now = Moment { step, part: 0 };
    }

    fn end(&mut self, id: &str) {
        self.rooms.remove(id);
        self.gone.push(id.to_owned());
    }
}
