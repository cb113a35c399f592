//! A session's bounded queue, and the check of everything that enters it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use madang_domain::ports::PresenceEdge;
use madang_domain::{Caller, Message, MessageKind, Position, RoomHead, RoomId, Seq, UserId};
use madang_engine::{
    Ended, EventBatch, Outlet, RoomEvent, RoomSignal, SignalEvent, SignalKind, SubscriptionKey,
    TopicEvent,
};
use parking_lot::Mutex;

use crate::store::{Moment, SimStore};
use crate::world::World;

pub(crate) const KEY: SubscriptionKey = 7;

/// One subscription's end. Its stream must be the accepted log from its start: `cursor` is where
/// it is, and nothing but the next message may come.
pub(crate) struct SimOutlet {
    pub(crate) name: String,
    pub(crate) caller: Caller,
    pub(crate) room: RoomId,
    world: Arc<World>,
    store: Arc<SimStore>,
    /// When it asked for its subscription.
    since: Moment,
    state: Mutex<State>,
    pub(crate) signals: Mutex<Vec<RoomSignal>>,
}

#[derive(Default)]
struct State {
    cursor: Option<Position>,
    queue: VecDeque<Position>,
    must_read: bool,
    /// Since when a catch-up has been running.
    reading_since: Option<Moment>,
    ended: Option<Ended>,
    closed: bool,
    /// What the client shows: texts of messages, as later entries left them.
    shown: BTreeMap<Seq, Arc<str>>,
    /// How far each member was said to have read.
    read: BTreeMap<UserId, Position>,
}

impl State {
    fn show(&mut self, message: &Message) {
        let text = Arc::clone(&message.text);
        let target = message
            .target()
            .and_then(|target| self.shown.get_mut(&target));
        match (message.kind, target) {
            (MessageKind::Message, _) => drop(self.shown.insert(message.position.seq, text)),
            (MessageKind::Deleted, Some(target)) => *target = Arc::from(""),
            // One without a text was itself overtaken by a later one.
            (MessageKind::Edited, Some(target)) if !text.is_empty() => *target = text,
            _ => {}
        }
    }
}

impl SimOutlet {
    pub(crate) fn new(
        name: String,
        caller: Caller,
        room: RoomId,
        world: Arc<World>,
        store: Arc<SimStore>,
    ) -> Arc<Self> {
        let since = store.moment();
        let state = Mutex::default();
        Arc::new(Self {
            name,
            caller,
            room,
            world,
            store,
            since,
            state,
            signals: Mutex::default(),
        })
    }

    /// The subscription stands at `cursor` now.
    pub(crate) fn started(&self, cursor: Position, live: bool) {
        let mut state = self.state.lock();
        state.cursor = Some(cursor);
        state.must_read = !live;
        self.world
            .note(|| format!("{} starts at {cursor}, live {live}", self.name));
    }

    /// Takes up to `n` messages out, as a client that reads; answers the last one's position.
    pub(crate) fn drain(&self, n: u64) -> Option<Position> {
        let mut state = self.state.lock();
        let n = usize::try_from(n)
            .unwrap_or(usize::MAX)
            .min(state.queue.len());
        state.queue.drain(..n).next_back()
    }

    /// Whether a catch-up is due. Takes the wish: whoever asks must do it.
    pub(crate) fn begin_reading(&self) -> bool {
        let mut state = self.state.lock();
        let space = (state.queue.len() as u64) < self.world.plan.queue_max;
        let due = state.must_read && space && state.ended.is_none();
        if due {
            state.must_read = false;
            state.reading_since = Some(self.store.moment());
        }
        due
    }

    pub(crate) fn end_reading(&self, again: bool) {
        let mut state = self.state.lock();
        state.reading_since = None;
        state.must_read |= again;
    }

    /// The client is told that part of the log is gone.
    pub(crate) fn reset(&self, head: &RoomHead) {
        let mut state = self.state.lock();
        let needed = !state.cursor.is_some_and(|cursor| head.can_resume(cursor));
        self.world
            .note(|| format!("{} is reset from {:?} to {head:?}", self.name, state.cursor));
        if !needed {
            let cursor = state.cursor;
            self.world.violated(format!(
                "{}: a reset at {cursor:?} without need: {head:?}",
                self.name
            ));
        }
        if state.ended.is_some() {
            self.world
                .violated(format!("{}: a reset after the end", self.name));
        }
        state.shown.clear();
        state.cursor = Some(Position {
            epoch: head.epoch,
            seq: head.oldest.previous(),
        });
    }

    pub(crate) fn end(&self, cause: Ended) {
        let mut state = self.state.lock();
        self.world
            .note(|| format!("{} ended: {cause:?}", self.name));
        if state.ended.replace(cause).is_some() {
            self.world.violated(format!("{}: ended twice", self.name));
        }
        let role = self.caller.role;
        let user = &self.caller.user;
        let lost = self
            .store
            .could_not_read(&self.room, user, role, self.since);
        if !lost {
            self.world
                .violated(format!("{}: ended without cause: {cause:?}", self.name));
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state.lock().ended.is_some()
    }

    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.world.note(|| format!("{} goes", self.name));
    }

    /// What a healed subscription must look like: everything read up to `head`.
    pub(crate) fn check_complete(&self, head: &RoomHead) {
        let state = self.state.lock();
        let complete = state.cursor == Some(head.position()) && state.queue.is_empty();
        if !complete && !state.closed {
            self.world.violated(format!(
                "{}: left behind at {:?} ({} queued, must read: {}), the head is {}",
                self.name,
                state.cursor,
                state.queue.len(),
                state.must_read,
                head.position(),
            ));
        }
        for (seq, text) in state.shown.range(head.oldest..).filter(|_| complete) {
            let at = Position {
                seq: *seq,
                ..head.position()
            };
            let now = self.store.versions(&self.room, at).pop();
            if now.is_none_or(|now| now.text != *text) {
                let name = &self.name;
                self.world
                    .violated(format!("{name}: shows {text:?} for {at}"));
            }
        }
    }

    fn check(&self, state: &State, event: &RoomEvent) {
        let (name, at) = (&self.name, event.message.position);
        let expected = state.cursor.map(|cursor| Position {
            seq: cursor.seq.next(),
            ..cursor
        });
        if expected != Some(at) {
            self.world
                .violated(format!("{name}: got {at}, expected {expected:?}"));
        }
        if !self.store.versions(&self.room, at).contains(&event.message) {
            self.world
                .violated(format!("{name}: {at} is not what was accepted"));
        }
        if state.closed || state.ended.is_some() {
            self.world
                .violated(format!("{name}: got {at} after the end"));
        }
        let since = state.reading_since.unwrap_or(self.since);
        let (user, role) = (&self.caller.user, self.caller.role);
        if !self.store.could_read(&self.room, user, role, since) {
            self.world
                .violated(format!("{name}: got {at} without a right to it"));
        }
        if !self.store.may_have(&self.room, at, user, role) {
            let text = format!("{name}: got {at}, behind the entry that took its right");
            self.world.violated(text);
        }
    }

    /// What a member is said to have read is what they have, and never less than before where the bus
    /// keeps the order.
    fn check_read(&self, state: &mut State, signal: &RoomSignal) {
        let SignalKind::Read { before, now } = signal.kind else {
            return;
        };
        let (name, user) = (&self.name, &signal.user);
        let mark = self.store.read_mark(&self.room, now, user);
        let told = state.read.insert(user.clone(), now);
        let plan = &self.world.plan;
        let in_order = plan.reorder_percent == 0 && !plan.node_leaves;
        let fell = told.is_some_and(|told| told.epoch == now.epoch && told.seq > now.seq);
        if before >= now.seq || now.seq > mark || fell && in_order {
            self.world.violated(format!(
                "{name}: {user} read {before} to {now} after {told:?}, kept {mark}"
            ));
        }
    }
}

impl Outlet for SimOutlet {
    fn offer(&self, key: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        self.offer_from_log(key, &events[from..])
    }

    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        let mut state = self.state.lock();
        let space = self
            .world
            .plan
            .queue_max
            .saturating_sub(state.queue.len() as u64);
        let taken = events
            .len()
            .min(usize::try_from(space).unwrap_or(usize::MAX));
        for event in &events[..taken] {
            self.check(&state, event);
            state.show(&event.message);
            state.cursor = Some(event.message.position);
            state.queue.push_back(event.message.position);
        }
        if let Some(first) = events.first() {
            let (count, from_log) = (events.len(), state.reading_since.is_some());
            self.world.note(|| {
                let at = first.message.position;
                format!(
                    "{} takes {taken} of {count} from {at}, log {from_log}",
                    self.name
                )
            });
        }
        taken
    }

    fn lagging(&self, _: SubscriptionKey) {
        self.state.lock().must_read = true;
        self.world.note(|| format!("{} lags", self.name));
    }

    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}

    fn offer_signal(&self, _: SubscriptionKey, event: &Arc<SignalEvent>) {
        let state = &mut *self.state.lock();
        let (name, signal) = (&self.name, &event.signal);
        if signal.room != self.room || state.closed || state.ended.is_some() {
            self.world.violated(format!("{name}: got {signal:?}"));
        }
        let (user, role) = (&self.caller.user, self.caller.role);
        if !self.store.could_read(&self.room, user, role, self.since) {
            self.world
                .violated(format!("{name}: got {signal:?} without a right to it"));
        }
        self.check_read(state, signal);
        self.signals.lock().push(signal.clone());
    }

    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<Position>) {}

    fn rooms_unknown(&self, _: SubscriptionKey) {}

    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}

    fn ended(&self, _: SubscriptionKey, cause: Ended) {
        self.end(cause);
    }
}
