//! A store in memory that answers late, fails as the seed says, and remembers everything for the
//! checks: what was ever accepted, and who could read when.

mod desk;
mod history;
mod log;
mod members;
mod port;
mod send;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, StoreError};
use madang_domain::{
    Caller, Command, Draft, DraftGroup, MemberRole, Message, NewRoom, Position, Role, RoomHead,
    RoomId, Seq, Timestamp, UserId,
};
use parking_lot::Mutex;

pub(crate) use self::history::Moment;
use self::state::State;
use crate::world::World;

pub(crate) struct SimStore {
    world: Arc<World>,
    state: Mutex<State>,
}

/// A life of a room, as it was written: each entry's first version.
pub(crate) struct Life {
    pub(crate) room: RoomId,
    pub(crate) entries: Vec<Arc<Message>>,
}

impl SimStore {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            state: Mutex::new(State::new()),
        })
    }

    /// Makes a support room as if it had been used for a while.
    pub(crate) fn prefill(&self, customer: &Caller, count: u64) {
        let open = madang_domain::command::OpenSupport {
            customer: customer.clone(),
            at: Timestamp::from_micros(-1),
        };
        self.now(Command::OpenSupport(Box::new(open)));
        let room = RoomId::new(customer.user.as_str()).expect("a room id");
        self.fill(customer, &room, count);
    }

    /// The same of a room of members.
    pub(crate) fn make(&self, creator: &Caller, new: NewRoom, count: u64) {
        let title = new.profile.title.clone().expect("a title");
        self.now(Command::Create(Box::new(new)));
        self.fill(creator, &RoomId::new(&title).expect("a room id"), count);
    }

    fn fill(&self, sender: &Caller, room: &RoomId, count: u64) {
        for n in 0..count {
            let (text, at) = (format!("before {n}"), Timestamp::from_micros(0));
            let draft = Draft::new(sender, room.clone(), &text, None, at).expect("a draft");
            self.now(Command::Send(DraftGroup::single(draft)));
        }
    }

    /// At once and without a fault.
    fn now(&self, command: Command) {
        let done = self.state.lock().execute(&self.world, &command);
        done.expect("accepted");
    }

    /// Drops some of the oldest messages of `room`.
    pub(crate) fn prune(&self, room: &RoomId) {
        if let Some(log) = self.state.lock().rooms.get_mut(room) {
            let kept = log.last().get() + 1 - log.oldest;
            log.oldest += self.world.below(kept + 1);
            let oldest = log.oldest;
            self.world.note(|| format!("{room} now begins at {oldest}"));
        }
    }

    /// As a read answers now.
    pub(crate) fn page(&self, room: &RoomId, query: LogQuery, limit: usize) -> Option<LogPage> {
        let state = self.state.lock();
        state.rooms.get(room).map(|log| log.page(query, limit))
    }

    pub(crate) fn head(&self, room: &RoomId) -> Option<RoomHead> {
        self.state.lock().rooms.get(room).map(|log| log.head())
    }

    /// Everything that the entry ever said, in any life of the room.
    pub(crate) fn versions(&self, room: &RoomId, at: Position) -> Vec<Arc<Message>> {
        let state = self.state.lock();
        let life = state.life(room, at.epoch);
        life.map(|life| life.versions(at.seq).to_vec())
            .unwrap_or_default()
    }

    pub(crate) fn lives(&self) -> Vec<Life> {
        let state = self.state.lock();
        let first = |versions: &Vec<Arc<Message>>| versions.first().cloned();
        let lives = state.lives().map(|log| Life {
            room: log.id.clone(),
            entries: log.entries.iter().filter_map(first).collect(),
        });
        lives.collect()
    }

    /// The present moment.
    pub(crate) fn moment(&self) -> Moment {
        self.state.lock().history.now()
    }

    /// Whether `user` might read `room` at any moment since `since`.
    pub(crate) fn could_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: Moment,
    ) -> bool {
        let state = self.state.lock();
        state.history.could_read(room, user, role, since)
    }

    /// Whether `user` was without the right to `room` at any moment since `since`.
    pub(crate) fn could_not_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: Moment,
    ) -> bool {
        let state = self.state.lock();
        state.history.could_not_read(room, user, role, since)
    }

    /// Whether `user` was let in again, if an entry before `at` took their right to read.
    pub(crate) fn may_have(&self, room: &RoomId, at: Position, user: &UserId, role: Role) -> bool {
        let history = &self.state.lock().history;
        let lost = history.lost_before(room, at, user);
        lost.is_none_or(|moment| history.could_read(room, user, role, moment))
    }

    /// In the order in which they came.
    pub(crate) fn members(&self, room: &RoomId) -> Vec<(UserId, MemberRole)> {
        let state = self.state.lock();
        let members = state.rooms.get(room).into_iter();
        let members = members.flat_map(|log| log.members());
        members.map(|(user, role)| (user.clone(), role)).collect()
    }

    /// Where the user's read mark stands, or stood, in a life of the room.
    pub(crate) fn read_mark(&self, room: &RoomId, at: Position, user: &UserId) -> Seq {
        let state = self.state.lock();
        let life = state.life(room, at.epoch);
        let mark = life.and_then(|life| life.marks.get(user).copied());
        mark.unwrap_or_default().read
    }

    /// Where the user's delivered mark stands; `None` when there is no such room.
    pub(crate) fn delivered(&self, room: &RoomId, user: &UserId) -> Option<Position> {
        let state = self.state.lock();
        let log = state.rooms.get(room)?;
        let mark = log.marks.get(user).copied().unwrap_or_default();
        Some(Position {
            epoch: log.epoch,
            seq: mark.delivered,
        })
    }

    /// The rooms that are `user`'s.
    pub(crate) fn rooms_of(&self, user: &UserId, role: Role) -> BTreeSet<RoomId> {
        let state = self.state.lock();
        let theirs = state
            .rooms
            .values()
            .filter(|log| log.takes_part(user, role));
        theirs.map(|log| log.id.clone()).collect()
    }

    /// Acts at a random moment between the call and the answer, or fails.
    async fn act<T>(
        &self,
        failure_percent: u64,
        act: impl FnOnce(&mut State) -> T,
    ) -> Result<T, StoreError> {
        self.world.wander().await;
        if self.world.fault(failure_percent) {
            self.world.wander().await;
            return Err(StoreError::Unavailable("simulated".into()));
        }
        let answer = act(&mut self.state.lock());
        self.world.wander().await;
        Ok(answer)
    }

    async fn read<T>(&self, read: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        self.act(self.world.plan.read_failure_percent, read).await
    }
}
