//! A store in memory that answers late, fails as the seed says, and remembers everything for the
//! checks: what was ever accepted, and who could read when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use madang_domain::ports::{BoxFuture, GroupOutcome, LogPage, LogQuery, Store, StoreError};
use madang_domain::{
    Agent, Appended, Caller, ClaimOutcome, ClientId, Code, Draft, DraftGroup, Epoch, Message,
    Position, Role, Room, RoomHead, RoomId, Seq, Support, SupportState, Timestamp, UserId, policy,
};
use parking_lot::Mutex;

use crate::world::World;

pub(crate) type Life = (RoomId, u64);

pub(crate) struct SimStore {
    world: Arc<World>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rooms: BTreeMap<RoomId, RoomLog>,
    /// Every message ever accepted, by life of its room.
    lives: BTreeMap<Life, Vec<Arc<Message>>>,
    /// What could be read by whom, from each moment on; a moment is an index.
    access: Vec<(RoomId, Option<Support>)>,
}

#[derive(Clone)]
struct RoomLog {
    epoch: Epoch,
    created_at: Timestamp,
    messages: Vec<Arc<Message>>,
    oldest: u64,
    access_version: u64,
    support: Support,
    delivered: BTreeMap<UserId, Seq>,
    repeats: BTreeMap<(UserId, ClientId), Arc<Message>>,
}

impl RoomLog {
    fn head(&self) -> RoomHead {
        RoomHead {
            epoch: self.epoch,
            last: Seq::new(self.messages.len() as u64),
            oldest: Seq::new(self.oldest),
            access_version: self.access_version,
        }
    }

    fn room(&self, id: &RoomId) -> Room {
        Room {
            id: id.clone(),
            head: self.head(),
            created_at: self.created_at,
            support: self.support.clone(),
        }
    }

    fn page(&self, query: LogQuery, limit: usize) -> LogPage {
        let kept = self
            .messages
            .iter()
            .filter(|m| m.position.seq.get() >= self.oldest);
        let messages = match query {
            LogQuery::After(seq) => kept
                .filter(|m| m.position.seq > seq)
                .take(limit)
                .cloned()
                .collect(),
            LogQuery::Before(seq) => {
                let before: Vec<_> = kept.filter(|m| m.position.seq < seq).cloned().collect();
                before[before.len().saturating_sub(limit)..].to_vec()
            }
        };
        LogPage {
            head: self.head(),
            messages,
        }
    }
}

impl State {
    fn accept(&mut self, draft: &Draft) -> Result<Appended, Code> {
        let log = self.rooms.get_mut(&draft.room).ok_or(Code::RoomNotFound)?;
        let admission = policy::may_send(&log.support, &draft.sender, draft.role)?;
        let key = draft.client_id.clone().map(|id| (draft.sender.clone(), id));
        if let Some(first) = key.as_ref().and_then(|key| log.repeats.get(key)) {
            return Ok(Appended::Repeat(Arc::clone(first)));
        }
        if admission.reopens {
            log.support.state = SupportState::Waiting;
            log.access_version += 1;
        }
        let message = Arc::new(Message {
            room: draft.room.clone(),
            position: Position {
                epoch: log.epoch,
                seq: Seq::new(log.messages.len() as u64 + 1),
            },
            sender: draft.sender.clone(),
            sender_name: draft.sender_name.clone(),
            sender_kind: admission.sender_kind,
            client_id: draft.client_id.clone(),
            text: Arc::clone(&draft.text),
            sent_at: draft.sent_at,
        });
        log.messages.push(Arc::clone(&message));
        if let Some(key) = key {
            log.repeats.insert(key, Arc::clone(&message));
        }
        let life = (draft.room.clone(), log.epoch.get());
        self.lives
            .entry(life)
            .or_default()
            .push(Arc::clone(&message));
        Ok(Appended::New(message))
    }

    fn accept_group(&mut self, group: &DraftGroup) -> GroupOutcome {
        if let [single] = &*group.drafts {
            return Ok(vec![self.accept(single)?]);
        }
        let (rooms, lives) = (self.rooms.clone(), self.lives.clone());
        let outcome: Result<Vec<_>, _> = group.drafts.iter().map(|d| self.accept(d)).collect();
        if outcome.is_err() {
            (self.rooms, self.lives) = (rooms, lives);
        }
        outcome.map_err(Into::into)
    }

    fn access_changed(&mut self, room: &RoomId) {
        let support = self.rooms.get(room).map(|log| log.support.clone());
        self.access.push((room.clone(), support));
    }
}

impl SimStore {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            state: Mutex::default(),
        })
    }

    /// Fills a room as if it had been used for a while.
    pub(crate) fn prefill(&self, customer: &Caller, count: u64) {
        let mut state = self.state.lock();
        self.open(&mut state, customer, Timestamp::from_micros(-1));
        let room = RoomId::new(customer.user.as_str()).expect("a room id");
        for n in 0..count {
            let text = format!("before {n}");
            let draft = Draft::new(
                customer,
                room.clone(),
                &text,
                None,
                Timestamp::from_micros(0),
            );
            state.accept(&draft.expect("a draft")).expect("accepted");
        }
    }

    /// Drops some of the oldest messages of `room`.
    pub(crate) fn prune(&self, room: &RoomId) {
        if let Some(log) = self.state.lock().rooms.get_mut(room) {
            let kept = log.messages.len() as u64 + 1 - log.oldest;
            log.oldest += self.world.below(kept + 1);
            let oldest = log.oldest;
            self.world.note(|| format!("{room} now begins at {oldest}"));
        }
    }

    pub(crate) fn head(&self, room: &RoomId) -> Option<RoomHead> {
        self.state.lock().rooms.get(room).map(RoomLog::head)
    }

    pub(crate) fn accepted(&self, room: &RoomId, at: Position) -> Option<Arc<Message>> {
        let life = (room.clone(), at.epoch.get());
        let index = usize::try_from(at.seq.get()).ok()?.checked_sub(1)?;
        self.state.lock().lives.get(&life)?.get(index).cloned()
    }

    pub(crate) fn lives(&self) -> BTreeMap<Life, Vec<Arc<Message>>> {
        self.state.lock().lives.clone()
    }

    /// The present moment, for [`SimStore::could_read`].
    pub(crate) fn moment(&self) -> usize {
        self.state.lock().access.len()
    }

    /// Whether `user` might read `room` at any moment since `since`.
    pub(crate) fn could_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: usize,
    ) -> bool {
        let state = self.state.lock();
        let reads = |support: &Option<Support>| {
            support
                .as_ref()
                .is_some_and(|support| policy::reads(support, user, role))
        };
        let of_room = |(id, _): &&(RoomId, Option<Support>)| id == room;
        let (before, after) = state.access.split_at(since);
        let then = before.iter().rev().find(of_room);
        let mut all = then.into_iter().chain(after.iter().filter(of_room));
        all.any(|(_, support)| reads(support))
    }

    /// Whether `user` was without the right to `room` at any moment since `since`.
    pub(crate) fn could_not_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: usize,
    ) -> bool {
        let state = self.state.lock();
        let of_room = |(id, _): &&(RoomId, Option<Support>)| id == room;
        let (before, after) = state.access.split_at(since);
        let then = before
            .iter()
            .rev()
            .find(of_room)
            .map(|(_, support)| support);
        let mut all = after.iter().filter(of_room).map(|(_, s)| s).chain(then);
        all.any(|s| !s.as_ref().is_some_and(|s| policy::reads(s, user, role)))
    }

    fn open(&self, state: &mut State, customer: &Caller, created_at: Timestamp) -> Room {
        let id = RoomId::new(customer.user.as_str()).expect("a room id");
        if !state.rooms.contains_key(&id) {
            let epoch = Epoch::new(self.world.within(1, 1 << 40));
            let log = RoomLog {
                epoch,
                created_at,
                messages: Vec::new(),
                oldest: 1,
                access_version: 1,
                support: Support {
                    customer: customer.user.clone(),
                    member_id: None,
                    nickname: None,
                    state: SupportState::Waiting,
                    inquired_at: Timestamp::from_micros(0),
                },
                delivered: BTreeMap::new(),
                repeats: BTreeMap::new(),
            };
            state.rooms.insert(id.clone(), log);
            state.lives.insert((id.clone(), epoch.get()), Vec::new());
            state.access_changed(&id);
            self.world
                .note(|| format!("{id} opened, life {:x}", epoch.get()));
        }
        state.rooms[&id].room(&id)
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

    /// As a transaction of its own, whose answer may be lost.
    async fn write<T>(&self, write: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let lost = self.world.fault(self.world.plan.append_failure_percent / 2);
        let answer = self.read(write).await?;
        if lost {
            return Err(StoreError::OutcomeUnknown("simulated".into()));
        }
        Ok(answer)
    }

    /// The rooms that are `user`'s: their own, and those assigned to them.
    pub(crate) fn rooms_of(&self, user: &UserId) -> BTreeSet<RoomId> {
        let state = self.state.lock();
        let theirs =
            |log: &RoomLog| log.support.customer == *user || log.support.is_assigned_to(user);
        let rooms = state.rooms.iter().filter(|(_, log)| theirs(log));
        rooms.map(|(room, _)| room.clone()).collect()
    }

    async fn read<T>(&self, read: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        self.act(self.world.plan.read_failure_percent, read).await
    }
}

impl Store for SimStore {
    fn append(
        &self,
        groups: Vec<DraftGroup>,
    ) -> BoxFuture<'_, Result<Vec<GroupOutcome>, StoreError>> {
        Box::pin(async move {
            let percent = self.world.plan.append_failure_percent;
            let lost = self.world.fault(percent / 4);
            let unknown = || StoreError::OutcomeUnknown("simulated".into());
            if lost && self.world.one_in(2) {
                self.world.wander().await;
                return Err(unknown());
            }
            let outcomes = self.act(percent, |state| {
                groups
                    .iter()
                    .map(|group| state.accept_group(group))
                    .collect::<Vec<_>>()
            });
            let outcomes = outcomes.await?;
            for message in outcomes.iter().flatten().flatten().map(Appended::message) {
                self.world
                    .note(|| format!("{} {} stored, lost {lost}", message.room, message.position));
            }
            if lost { Err(unknown()) } else { Ok(outcomes) }
        })
    }

    fn open_support_room<'a>(
        &'a self,
        customer: &'a Caller,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Room, StoreError>> {
        Box::pin(self.write(move |state| self.open(state, customer, now)))
    }

    fn claim_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a Agent,
    ) -> BoxFuture<'a, Result<ClaimOutcome, StoreError>> {
        Box::pin(self.write(move |state| {
            let Some(log) = state.rooms.get_mut(room) else {
                return ClaimOutcome::NoSuchRoom;
            };
            match &log.support.state {
                SupportState::Completed => ClaimOutcome::NotWaiting,
                SupportState::Assigned(held) if held.user == agent.user => {
                    ClaimOutcome::AlreadyYours
                }
                SupportState::Assigned(held) => ClaimOutcome::TakenBy(held.clone()),
                SupportState::Waiting => {
                    log.support.state = SupportState::Assigned(agent.clone());
                    log.access_version += 1;
                    state.access_changed(room);
                    self.world
                        .note(|| format!("{room} claimed by {}", agent.user));
                    ClaimOutcome::Won
                }
            }
        }))
    }

    fn complete_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a UserId,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.write(move |state| {
            let log = state.rooms.get_mut(room);
            let Some(log) = log.filter(|log| log.support.is_assigned_to(agent)) else {
                return false;
            };
            log.support.state = SupportState::Completed;
            log.access_version += 1;
            state.access_changed(room);
            self.world.note(|| format!("{room} completed by {agent}"));
            true
        }))
    }

    fn delete_room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.write(move |state| {
            let deleted = state.rooms.remove(room).is_some();
            state.access_changed(room);
            self.world.note(|| format!("{room} deleted: {deleted}"));
            deleted
        }))
    }

    fn room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<Room>, StoreError>> {
        Box::pin(self.read(move |state| state.rooms.get(room).map(|log| log.room(room))))
    }

    fn heads<'a>(
        &'a self,
        rooms: &'a [RoomId],
    ) -> BoxFuture<'a, Result<Vec<Option<RoomHead>>, StoreError>> {
        Box::pin(self.read(move |state| {
            rooms
                .iter()
                .map(|id| state.rooms.get(id).map(RoomLog::head))
                .collect()
        }))
    }

    fn read_log<'a>(
        &'a self,
        room: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<LogPage>, StoreError>> {
        Box::pin(self.read(move |state| state.rooms.get(room).map(|log| log.page(query, limit))))
    }

    fn waiting_rooms(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Room>, StoreError>> {
        Box::pin(self.read(move |state| {
            let waiting = state
                .rooms
                .iter()
                .filter(|(_, log)| log.support.state == SupportState::Waiting);
            waiting.map(|(id, log)| log.room(id)).take(limit).collect()
        }))
    }

    fn rooms_of_agent<'a>(
        &'a self,
        agent: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Room>, StoreError>> {
        Box::pin(self.read(move |state| {
            let assigned = state
                .rooms
                .iter()
                .filter(|(_, log)| log.support.is_assigned_to(agent));
            assigned.map(|(id, log)| log.room(id)).take(limit).collect()
        }))
    }

    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.read(move |state| {
            let log = state
                .rooms
                .get_mut(room)
                .filter(|log| log.epoch == position.epoch);
            if let Some(log) = log {
                let mark = log.delivered.entry(user.clone()).or_insert(Seq::ZERO);
                *mark = (*mark).max(position.seq);
            }
        }))
    }

    fn delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Seq, StoreError>> {
        Box::pin(self.read(move |state| {
            let log = state.rooms.get(room);
            log.and_then(|log| log.delivered.get(user).copied())
                .unwrap_or(Seq::ZERO)
        }))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.read(|_| ()))
    }
}
