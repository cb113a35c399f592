//! What the store holds, and what commands do to it: each whole or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use madang_domain::{
    Answer, Code, Command, Committed, Epoch, Message, MessageKind, Outcome, Person, Position, Role,
    RoomDetail, RoomId, RoomsChange, SenderKind, Seq, Standing, Timestamp, UserId,
};

use super::history::History;
use super::log::{Access, NewEntry, RoomLog};
use crate::world::World;

/// The desk's feed is one life for ever.
const DESK_EPOCH: Epoch = Epoch::new(1);

pub(super) struct State {
    pub(super) rooms: BTreeMap<RoomId, RoomLog>,
    /// Lives that are over.
    past: BTreeMap<(RoomId, u64), RoomLog>,
    pub(super) history: History,
    /// Rooms made so far.
    made: u64,
}

/// What a command has done so far.
#[derive(Default)]
pub(super) struct Done {
    entries: Vec<Arc<Message>>,
    changes: Vec<RoomsChange>,
    deleted: Option<(RoomId, Epoch)>,
}

impl Done {
    pub(super) fn answer(self, answer: Answer) -> Outcome {
        let Self {
            entries,
            changes,
            deleted,
        } = self;
        Ok(Committed {
            entries,
            changes,
            deleted,
            ..Committed::only(answer)
        })
    }

    /// The room is another for its people, or none of theirs any more.
    pub(super) fn changed(&mut self, room: &RoomId, users: impl IntoIterator<Item = UserId>) {
        let changes = users.into_iter().map(|user| RoomsChange {
            user,
            room: room.clone(),
            since: None,
        });
        self.changes.extend(changes);
    }

    /// The room has become one of theirs.
    pub(super) fn gained(&mut self, room: &RoomId, since: Position, users: &[Person]) {
        let changes = users.iter().map(|person| RoomsChange {
            user: person.user.clone(),
            room: room.clone(),
            since: Some(since),
        });
        self.changes.extend(changes);
    }
}

impl State {
    pub(super) fn new() -> Self {
        let mut state = Self {
            rooms: BTreeMap::new(),
            past: BTreeMap::new(),
            history: History::default(),
            made: 0,
        };
        let at = Timestamp::from_micros(0);
        state.make(RoomId::desk(), DESK_EPOCH, RoomDetail::Desk, at);
        state
    }

    pub(super) fn execute(&mut self, world: &World, command: &Command) -> Outcome {
        match command {
            Command::Send(group) => self.send(group),
            Command::OpenSupport(open) => self.open_support(world, open),
            Command::Create(new) => self.create(world, new),
            Command::Room(command) => self.act(command),
            Command::Notify(_) | Command::Notifications { .. } | Command::AlertOverdue { .. } => {
                unreachable!("the simulation notifies nobody and knows no time limit")
            }
        }
    }

    pub(super) fn log(&mut self, room: &RoomId) -> Result<&mut RoomLog, Code> {
        self.rooms.get_mut(room).ok_or(Code::RoomNotFound)
    }

    /// Of any life of the room.
    pub(super) fn life(&self, room: &RoomId, epoch: Epoch) -> Option<&RoomLog> {
        let now = self.rooms.get(room).filter(|log| log.epoch == epoch);
        now.or_else(|| self.past.get(&(room.clone(), epoch.get())))
    }

    pub(super) fn lives(&self) -> impl Iterator<Item = &RoomLog> {
        self.past.values().chain(self.rooms.values())
    }

    pub(super) fn make(&mut self, id: RoomId, epoch: Epoch, detail: RoomDetail, at: Timestamp) {
        self.made += 1;
        let log = RoomLog::new(id.clone(), self.made, epoch, detail, at);
        self.history.changed(&id, Some(log.access()));
        self.rooms.insert(id, log);
    }

    pub(super) fn remove(&mut self, room: &RoomId, done: &mut Done) {
        let Some(log) = self.rooms.remove(room) else {
            return;
        };
        self.history.changed(room, None);
        done.changed(room, log.participants());
        done.deleted = Some((room.clone(), log.epoch));
        self.past.insert((room.clone(), log.epoch.get()), log);
    }

    pub(super) fn append(&mut self, room: &RoomId, entry: NewEntry, done: &mut Done) -> Seq {
        let log = self.rooms.get_mut(room).expect("a room");
        let message = log.append(entry);
        let seq = message.position.seq;
        done.entries.push(message);
        seq
    }

    /// Changes who belongs to a room and appends the entry that says so, by which `subject` may
    /// lose the right to read.
    pub(super) fn change(
        &mut self,
        room: &RoomId,
        subject: Option<&UserId>,
        change: impl FnOnce(&mut RoomLog),
        mut entry: NewEntry,
        done: &mut Done,
    ) {
        let log = self.rooms.get_mut(room).expect("a room");
        let before = log.access();
        change(log);
        let after = log.access();
        // Whoever has the right as an agent or a user; an admin's nobody can take.
        let reads = |access: &Access, user| access.reads(user, Role::Agent);
        let loser = subject.filter(|user| reads(&before, user) && !reads(&after, user));
        if let Some(user) = loser {
            log.access_version += 1;
            entry.extra.revokes = Some((user.clone(), log.access_version));
        }
        let epoch = log.epoch;
        self.history.changed(room, Some(after));
        let seq = self.append(room, entry, done);
        if let Some(user) = loser {
            self.history.lost(room, Position { epoch, seq }, user);
        }
    }

    /// Tells the desk's feed of a support room.
    pub(super) fn tell_desk(
        &mut self,
        kind: MessageKind,
        of_room: &RoomId,
        sender: &Person,
        subjects: Vec<Person>,
        at: Timestamp,
        done: &mut Done,
    ) {
        let mut entry = NewEntry::event(kind, sender, SenderKind::Host, subjects, at);
        entry.extra.of_room = Some(of_room.clone());
        self.append(&RoomId::desk(), entry, done);
    }

    /// What the user is to the room.
    pub(super) fn standing(&self, room: &RoomId, user: &UserId) -> Standing {
        let log = self.rooms.get(room);
        log.map_or(Standing::Stranger, |log| log.standing(user))
    }
}
