//! One room's subscribers and their cursors.

use std::sync::Arc;

use madang_domain::ports::RoomView;
use madang_domain::{Epoch, Message, Position, Role, RoomHead, RoomId, Seq, UserId};
use parking_lot::Mutex;
use slab::Slab;

use super::company::{self, Company};
use super::outlet::{Ended, Outlet, SubscriptionKey};
use crate::event::{EventBatch, RoomEvent, SignalEvent};

/// A room that somebody on this node listens to.
pub(super) struct RoomChannel {
    pub(super) room: RoomId,
    state: Mutex<ChannelState>,
}

struct ChannelState {
    /// The life of the room that `head` counts in; `None` until a subscriber has read the store.
    epoch: Option<Epoch>,
    /// The newest message that passed here or that the store's head check saw; no live subscriber
    /// is before it. One that read the store may be after it.
    head: Seq,
    /// Rises whenever the room may have changed: what was read before is then not the newest.
    changes: u64,
    /// The last loss of a right whose consequences were drawn here.
    access: Option<AccessVersion>,
    entries: Slab<Entry>,
}

struct Entry {
    outlet: Arc<dyn Outlet>,
    key: SubscriptionKey,
    mode: Mode,
    role: Role,
    user: UserId,
    position: Option<Position>,
    /// As of when its right to read is known; `None` before it is started.
    decided: Option<AccessVersion>,
    /// Whether it may see the members; `None` before it is started.
    company: Option<Company>,
}

/// Who may read, as of one moment. Versions count anew in each life of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccessVersion {
    epoch: Epoch,
    version: u64,
}

impl AccessVersion {
    pub(super) const fn of(head: &RoomHead) -> Self {
        Self {
            epoch: head.epoch,
            version: head.access_version,
        }
    }

    /// Whether what was decided then still holds at `other`, or is newer.
    pub(super) fn covers(self, other: Self) -> bool {
        self.epoch == other.epoch && self.version >= other.version
    }

    /// Whether `other` is of the same life and later.
    fn is_before(self, other: Self) -> bool {
        self.epoch == other.epoch && self.version < other.version
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Its session reads the log; the hub offers nothing.
    CatchingUp,
    /// Every event is offered as it comes.
    Live,
    /// Over; kept until its owner lets go of the index.
    Ended,
}

/// A cursor about to read, and what the channel had seen by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) position: Position,
    pub(super) decided: Option<AccessVersion>,
    pub(super) changes: u64,
}

impl RoomChannel {
    pub(super) fn new(room: RoomId) -> Self {
        Self {
            room,
            state: Mutex::new(ChannelState {
                epoch: None,
                head: Seq::ZERO,
                changes: 0,
                access: None,
                entries: Slab::with_capacity(1),
            }),
        }
    }

    /// Adds a subscriber that is not yet anywhere in the log, and tells what the channel has seen.
    pub(super) fn add(
        &self,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
        user: UserId,
        role: Role,
    ) -> (usize, u64) {
        let mut state = self.state.lock();
        let mode = Mode::CatchingUp;
        let index = state.entries.insert(Entry {
            outlet,
            key,
            mode,
            role,
            user,
            position: None,
            decided: None,
            company: None,
        });
        (index, state.changes)
    }

    /// Lets go of an index. Answers whether the channel is empty now.
    pub(super) fn remove(&self, index: usize) -> bool {
        let mut state = self.state.lock();
        let entry = state.entries.try_remove(index);
        let empty = state.entries.is_empty();
        drop(state);
        // An outlet's last owner may be this entry: its drop must not run under the lock.
        drop(entry);
        empty
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().entries.is_empty()
    }

    /// Offers events, consecutive and in order, to every live subscriber; the last of them may take
    /// somebody's right to read. Answers how many were taken in all and how many subscribers fell
    /// behind.
    pub(super) fn publish(&self, events: &EventBatch) -> (usize, usize) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return (0, 0);
        };
        let (first, end) = (first.message.position, last.message.position);
        debug_assert!(
            events[..events.len() - 1]
                .iter()
                .all(|event| event.message.revokes().is_none()),
            "only the last entry may take a right"
        );
        let state = &mut *self.state.lock();
        state.changes += 1;
        if state.epoch != Some(first.epoch) {
            // Of another life, earlier or later: only the store knows. Nobody may join on what was
            // read before.
            state.epoch = None;
            return (0, state.flip_behind());
        }
        state.head = state.head.max(end.seq);
        let comes_or_goes = |event: &&RoomEvent| company::membership(event.message.kind).is_some();
        for event in events.iter().filter(comes_or_goes) {
            let entries = state.entries.iter_mut();
            entries.for_each(|(_, entry)| entry.note(&event.message));
        }
        let (mut taken, mut behind) = (0, 0);
        for (_, entry) in &mut state.entries {
            if entry.mode != Mode::Live {
                continue;
            }
            let Some(position) = &mut entry.position else {
                continue;
            };
            if position.seq >= end.seq {
                continue;
            }
            let seen = position.seq.next().get().saturating_sub(first.seq.get());
            let from = usize::try_from(seen)
                .unwrap_or(usize::MAX)
                .min(events.len());
            let hole = position.seq.next() < first.seq;
            let offered = if hole {
                0
            } else {
                entry.outlet.offer(entry.key, events, from)
            };
            position.seq = Seq::new(position.seq.get() + offered as u64);
            taken += offered;
            if hole || offered < events.len() - from {
                entry.fall_behind();
                behind += 1;
            }
        }
        if let Some((user, version)) = last.message.revokes() {
            let access = AccessVersion {
                epoch: end.epoch,
                version: *version,
            };
            behind += state.revoke(user, access);
        }
        (taken, behind)
    }

    /// Offers a signal to every subscriber who is known to have the right to read, as of the last
    /// loss that is known here, and to see members, where it is for those.
    pub(super) fn signal(&self, event: &Arc<SignalEvent>) {
        let for_members = event.signal.kind.is_for_members();
        let state = self.state.lock();
        for (_, entry) in &state.entries {
            let hears = !for_members || entry.company.is_some_and(Company::is_shown);
            if hears && entry.mode != Mode::Ended && has_asked(entry, state.access) {
                entry.outlet.offer_signal(entry.key, event);
            }
        }
    }

    /// The store's head is `head`: whoever is behind it, or does not know yet whether a right was
    /// lost, must read. Answers how many fell behind.
    pub(super) fn head_seen(&self, head: &RoomHead) -> usize {
        let state = &mut *self.state.lock();
        let mut behind = state.access_seen(AccessVersion::of(head));
        if state.epoch == Some(head.epoch) && head.last <= state.head {
            return behind;
        }
        state.changes += 1;
        state.epoch = Some(head.epoch);
        state.head = head.last;
        behind += state.flip_behind();
        behind
    }

    /// The store has no such room, or had none a moment ago: everybody must read, and so finds out.
    pub(super) fn gone(&self) -> usize {
        let state = &mut *self.state.lock();
        state.changes += 1;
        state.epoch = None;
        state.flip_behind()
    }

    /// Who a subscriber is.
    pub(super) fn subscriber(&self, index: usize) -> Option<(UserId, Role)> {
        let state = self.state.lock();
        let entry = state.entries.get(index)?;
        Some((entry.user.clone(), entry.role))
    }

    /// Takes note of one subscriber's rights as of `view`, if nothing newer is known.
    pub(super) fn decided(&self, index: usize, view: &RoomView) {
        let access = AccessVersion::of(&view.room.head);
        let state = &mut *self.state.lock();
        if let Some(entry) = state.entries.get_mut(index)
            && !entry.decided.is_some_and(|known| known.covers(access))
        {
            entry.decide(view);
        }
    }

    /// This life of the room is deleted: its subscriptions end. Whoever was not started yet finds out
    /// by reading.
    pub(super) fn deleted(&self, epoch: Epoch) {
        let state = &mut *self.state.lock();
        state.changes += 1;
        if state.epoch == Some(epoch) {
            // Nobody may join it on what was read before.
            state.epoch = None;
        }
        for (_, entry) in &mut state.entries {
            // Not by its cursor, which may still stand in an earlier life than the one it asked for.
            if entry.decided.is_some_and(|known| known.epoch == epoch) {
                entry.end(Ended::RoomGone);
            }
        }
    }

    /// Puts a new subscriber's first cursor, its right to read being known. `None` when the
    /// subscription is over.
    pub(super) fn start(&self, index: usize, position: Position, view: &RoomView) -> Option<()> {
        self.set_position(index, position)?;
        self.state.lock().entries.get_mut(index)?.decide(view);
        Some(())
    }

    /// Puts a subscriber's cursor. `None` when the subscription is over.
    pub(super) fn set_position(&self, index: usize, position: Position) -> Option<()> {
        let state = &mut *self.state.lock();
        state
            .entries
            .get_mut(index)
            .filter(|entry| entry.mode != Mode::Ended)?
            .position = Some(position);
        Some(())
    }

    /// Where the subscriber stands before it reads on. `None` when it need not: it is live, over,
    /// or was never started.
    pub(super) fn begin_reading(&self, index: usize) -> Option<Reading> {
        let state = self.state.lock();
        let entry = state
            .entries
            .get(index)
            .filter(|entry| entry.mode == Mode::CatchingUp)?;
        Some(Reading {
            position: entry.position?,
            decided: entry.decided,
            changes: state.changes,
        })
    }

    /// Offers what was read from the log and moves the cursor with what was taken. `None` when
    /// the subscription ended during the read: nothing may come after that.
    pub(super) fn offer_read(
        &self,
        index: usize,
        outlet: &dyn Outlet,
        key: SubscriptionKey,
        events: &[RoomEvent],
    ) -> Option<usize> {
        let state = &mut *self.state.lock();
        let entry = state
            .entries
            .get_mut(index)
            .filter(|entry| entry.mode == Mode::CatchingUp)?;
        events.iter().for_each(|event| entry.note(&event.message));
        let taken = outlet.offer_from_log(key, events);
        if let Some(last) = events[..taken].last() {
            entry.position = Some(last.message.position);
        }
        Some(taken)
    }

    /// Ends a subscription whose owner knows of it already. `None` when it was over before.
    pub(super) fn end(&self, index: usize) -> Option<()> {
        let state = &mut *self.state.lock();
        state
            .entries
            .get_mut(index)
            .filter(|entry| entry.mode != Mode::Ended)?
            .mode = Mode::Ended;
        Some(())
    }

    /// Makes the subscriber live if nothing can have been missed since it read: either the
    /// channel has not changed since (`changes`), or all that passed is behind the cursor.
    pub(super) fn join_live(&self, index: usize, changes: u64) -> bool {
        let state = &mut *self.state.lock();
        let Some(entry) = state
            .entries
            .get_mut(index)
            .filter(|e| e.mode == Mode::CatchingUp)
        else {
            return false;
        };
        let Some(position) = entry.position else {
            return false;
        };
        if !has_asked(entry, state.access) {
            // Somebody lost a right since this one's was decided: it reads once more, and asks.
            return false;
        }
        let same_life = state.epoch == Some(position.epoch);
        if state.changes != changes && !(same_life && state.head <= position.seq) {
            return false;
        }
        entry.mode = Mode::Live;
        if !same_life {
            // The store says that this is the room's life now: whoever joined an earlier one, or
            // is about to, must find out for themselves. Within one life a cursor may stand
            // after the head that passed here: what it read is on its way to the others.
            state.changes += 1;
            state.epoch = Some(position.epoch);
            state.head = position.seq;
            state.flip_behind();
        }
        true
    }
}

impl ChannelState {
    /// An entry took `user`'s right to read. Who looks on as an admin keeps it. Answers how many
    /// subscribers fell behind: those who missed an earlier loss have to ask again.
    fn revoke(&mut self, user: &UserId, access: AccessVersion) -> usize {
        let mut behind = 0;
        for (_, entry) in &mut self.entries {
            // What was decided in another life is no question here: its owner reads, and asks.
            let Some(known) = entry.decided.filter(|known| known.is_before(access)) else {
                continue;
            };
            if entry.user == *user && entry.role != Role::Admin {
                entry.end(Ended::AccessLost);
            } else if known.version + 1 == access.version {
                entry.decided = Some(access);
            } else {
                behind += entry.fall_behind_if_live();
            }
        }
        self.access_is(access);
        behind
    }

    /// The store knows of a loss that no entry told here: whoever decided before asks again.
    fn access_seen(&mut self, access: AccessVersion) -> usize {
        if self.access.is_some_and(|seen| seen.covers(access)) {
            return 0;
        }
        self.access_is(access);
        let entries = self.entries.iter_mut().map(|(_, entry)| entry);
        let outdated = entries.filter(|entry| entry.decided.is_some_and(|d| !d.covers(access)));
        outdated.map(Entry::fall_behind_if_live).sum()
    }

    fn access_is(&mut self, access: AccessVersion) {
        if !self.access.is_some_and(|seen| seen.covers(access)) {
            self.access = Some(access);
        }
    }

    /// Flips the live subscribers that are not at the head, and answers how many.
    fn flip_behind(&mut self) -> usize {
        let head = self.epoch.map(|epoch| Position {
            epoch,
            seq: self.head,
        });
        let at_head = |at: Position| head.is_some_and(|h| at.epoch == h.epoch && at.seq >= h.seq);
        let live =
            |entry: &&mut Entry| entry.mode == Mode::Live && !entry.position.is_some_and(at_head);
        let behind = self.entries.iter_mut().map(|(_, entry)| entry);
        behind.filter(live).fold(0, |n, entry| {
            entry.fall_behind();
            n + 1
        })
    }
}

/// Whether the subscriber's right to read was decided, and nobody lost theirs since then.
fn has_asked(entry: &Entry, last_loss: Option<AccessVersion>) -> bool {
    let outdated = |known: AccessVersion| last_loss.is_some_and(|loss| known.is_before(loss));
    !entry.decided.is_none_or(outdated)
}

impl Entry {
    /// What the subscriber may do as of `view`.
    fn decide(&mut self, view: &RoomView) {
        self.decided = Some(AccessVersion::of(&view.room.head));
        self.company = Some(Company::of(view, &self.user, self.role));
    }

    /// The subscriber may have come or gone by this entry.
    fn note(&mut self, entry: &Message) {
        if let Some(company) = &mut self.company {
            company.note(entry, &self.user, self.role);
        }
    }

    /// Answers how many fell behind.
    fn fall_behind_if_live(&mut self) -> usize {
        if self.mode != Mode::Live {
            return 0;
        }
        self.fall_behind();
        1
    }

    fn fall_behind(&mut self) {
        self.mode = Mode::CatchingUp;
        self.outlet.lagging(self.key);
    }

    fn end(&mut self, cause: Ended) {
        if self.mode != Mode::Ended {
            self.mode = Mode::Ended;
            self.outlet.ended(self.key, cause);
        }
    }
}
