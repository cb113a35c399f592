//! The ports, over what the store holds.

use std::sync::Arc;

use madang_domain::ports::{
    BoxFuture, Commit, LogPage, LogQuery, MessagePage, RetentionRule, RoomSummary, RoomView,
    RoomsQuery, Store, StoreError, Swept,
};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Command, Marks, Member, Message, MessageKind, Outcome, Position, ReadCount, ReadMark, Role,
    Room, RoomHead, RoomId, RoomKind, Seq, SupportState, Timestamp, UnreadSummary, User,
    UserChange, UserId,
};

use super::SimStore;
use super::log::RoomLog;
use super::state::State;

impl Commit for SimStore {
    fn commit(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Outcome>, StoreError>> {
        Box::pin(async move {
            let percent = self.world.plan.append_failure_percent;
            let lost = self.world.fault(percent / 4);
            let unknown = || StoreError::OutcomeUnknown("simulated".into());
            if lost && self.world.one_in(2) {
                self.world.wander().await;
                return Err(unknown());
            }
            let outcomes = self.act(percent, |state| {
                let execute = |command| state.execute(&self.world, command);
                commands.iter().map(execute).collect::<Vec<_>>()
            });
            let outcomes = outcomes.await?;
            for done in outcomes.iter().flatten() {
                self.world.note(|| described(done, lost));
            }
            if lost { Err(unknown()) } else { Ok(outcomes) }
        })
    }
}

fn described(done: &madang_domain::Committed, lost: bool) -> String {
    let entries = done.entries.iter().map(|entry| {
        let revokes = entry
            .revokes()
            .map(|(user, version)| format!(" -{user}@{version}"));
        let (room, at, kind) = (&entry.room, entry.position, entry.kind);
        format!("{room:?} {at} {kind:?}{}", revokes.unwrap_or_default())
    });
    let entries: Vec<_> = entries.collect();
    format!(
        "stored, lost {lost}: {entries:?}, deleted {:?}",
        done.deleted
    )
}

impl State {
    fn view(&self, room: &RoomId, user: &UserId) -> Option<RoomView> {
        let log = self.rooms.get(room)?;
        Some(RoomView {
            room: log.room(),
            standing: log.standing(user),
        })
    }

    /// A token of any person's role shows the same rooms.
    fn rooms_of(&self, user: &UserId) -> impl Iterator<Item = &RoomLog> {
        let theirs = |log: &&RoomLog| log.takes_part(user, Role::Agent);
        self.rooms.values().filter(theirs)
    }
}

impl RoomLog {
    fn summary(&self, user: &UserId) -> RoomSummary {
        let newest = self.entries.last().and_then(|versions| versions.first());
        let mut messages = self.kept().rev();
        RoomSummary {
            view: RoomView {
                room: self.room(),
                standing: self.standing(user),
            },
            active_at: newest.map_or(self.created_at, |message| message.sent_at),
            read: self.marks.get(user).copied().unwrap_or_default().read,
            unread: self.unread(user),
            last_message: messages
                .find(|message| message.kind == MessageKind::Message)
                .cloned(),
        }
    }
}

impl Store for SimStore {
    fn room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<Room>, StoreError>> {
        Box::pin(self.read(move |state| state.rooms.get(room).map(RoomLog::room)))
    }

    fn room_by_number(&self, _: u64) -> BoxFuture<'_, Result<Option<Room>, StoreError>> {
        unreachable!("the simulation asks for no room by its number")
    }

    fn view_room<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Option<RoomView>, StoreError>> {
        Box::pin(self.read(move |state| state.view(room, user)))
    }

    fn heads<'a>(
        &'a self,
        rooms: &'a [RoomId],
    ) -> BoxFuture<'a, Result<Vec<Option<RoomHead>>, StoreError>> {
        Box::pin(self.read(move |state| {
            let head = |id| state.rooms.get(id).map(RoomLog::head);
            rooms.iter().map(head).collect()
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

    fn read_messages<'a>(
        &'a self,
        _: &'a RoomId,
        _: u64,
        _: usize,
    ) -> BoxFuture<'a, Result<Option<MessagePage>, StoreError>> {
        unreachable!("the simulation reads no pages by number")
    }

    fn message<'a>(
        &'a self,
        _: &'a RoomId,
        _: Seq,
    ) -> BoxFuture<'a, Result<Option<Arc<Message>>, StoreError>> {
        unreachable!("the simulation asks for no single message")
    }

    fn waiting_rooms(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Room>, StoreError>> {
        Box::pin(self.read(move |state| {
            let waits = |log: &&RoomLog| {
                let support = log.support();
                support.is_some_and(|support| support.state == SupportState::Waiting)
            };
            let waiting = state.rooms.values().filter(waits);
            waiting.map(RoomLog::room).take(limit).collect()
        }))
    }

    fn rooms_of_agent<'a>(
        &'a self,
        agent: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Room>, StoreError>> {
        Box::pin(self.read(move |state| {
            let has = |log: &&RoomLog| log.support().is_some_and(|s| s.is_assigned_to(agent));
            let assigned = state.rooms.values().filter(has);
            assigned.map(RoomLog::room).take(limit).collect()
        }))
    }

    fn queue_position<'a>(
        &'a self,
        _: &'a RoomId,
    ) -> BoxFuture<'a, Result<Option<u64>, StoreError>> {
        unreachable!("the simulation asks for no place in the queue")
    }

    fn longest_waiting(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        unreachable!("the simulation knows no time limit")
    }

    fn rooms_of<'a>(
        &'a self,
        user: &'a UserId,
        query: &'a RoomsQuery,
    ) -> BoxFuture<'a, Result<Vec<RoomSummary>, StoreError>> {
        Box::pin(self.read(move |state| {
            let of_kind = |log: &&RoomLog| query.kind.is_none_or(|k| k == log.detail.kind());
            let rooms = state.rooms_of(user).filter(of_kind);
            let mut rooms: Vec<_> = rooms.map(|log| log.summary(user)).collect();
            let place = |s: &RoomSummary| (s.active_at, s.view.room.number);
            rooms.retain(|summary| query.after.is_none_or(|after| place(summary) < after));
            rooms.sort_by_key(|summary| std::cmp::Reverse(place(summary)));
            rooms.truncate(query.limit);
            rooms
        }))
    }

    fn open_rooms(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Room>, StoreError>> {
        Box::pin(self.read(move |state| {
            let listed = state.rooms.values().filter(|log| {
                log.detail.kind() == RoomKind::Open && after.is_none_or(|after| log.number < after)
            });
            let mut rooms: Vec<_> = listed.map(RoomLog::room).collect();
            rooms.sort_by_key(|room| std::cmp::Reverse(room.number));
            rooms.truncate(limit);
            rooms
        }))
    }

    fn members<'a>(
        &'a self,
        _: &'a RoomId,
        _: Option<&'a UserId>,
        _: usize,
    ) -> BoxFuture<'a, Result<Option<Vec<Member>>, StoreError>> {
        unreachable!("the simulation lists no members")
    }

    fn acquainted<'a>(
        &'a self,
        _: &'a UserId,
        _: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        unreachable!("the simulation watches nobody's presence")
    }

    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.read(move |state| {
            let log = state.rooms.get_mut(room);
            if let Some(log) = log.filter(|log| log.epoch == position.epoch) {
                let mark = log.marks.entry(user.clone()).or_default();
                mark.delivered = mark.delivered.max(position.seq);
            }
        }))
    }

    fn delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Seq, StoreError>> {
        Box::pin(self.read(move |state| {
            let mark = state.rooms.get(room).and_then(|log| log.marks.get(user));
            mark.copied().unwrap_or_default().delivered
        }))
    }

    fn advance_read<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<Option<ReadMark>, StoreError>> {
        Box::pin(self.read(move |state| {
            let log = state.rooms.get_mut(room)?;
            if log.epoch != position.epoch || !log.takes_part(user, Role::Agent) {
                return None;
            }
            let (epoch, last) = (log.epoch, log.last());
            let mark = log.marks.entry(user.clone()).or_default();
            let before = mark.read;
            mark.read = before.max(position.seq.min(last));
            mark.delivered = mark.delivered.max(mark.read);
            let now = mark.read;
            Some(ReadMark { epoch, before, now })
        }))
    }

    fn unread<'a>(
        &'a self,
        user: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<UnreadSummary, StoreError>> {
        Box::pin(self.read(move |state| {
            let rooms = state.rooms_of(user);
            let unread = rooms.map(|log| (log.id.clone(), log.unread(user)));
            let mut rooms: Vec<_> = unread.filter(|(_, count)| *count > 0).collect();
            let total = rooms.iter().map(|(_, count)| count).sum();
            rooms.truncate(limit);
            UnreadSummary { total, rooms }
        }))
    }

    fn read_counts<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a [Seq],
    ) -> BoxFuture<'a, Result<Option<Vec<ReadCount>>, StoreError>> {
        unreachable!("the simulation counts no readers")
    }

    fn marks<'a>(
        &'a self,
        _: &'a RoomId,
        _: usize,
    ) -> BoxFuture<'a, Result<Option<Vec<Marks>>, StoreError>> {
        unreachable!("the simulation lists no marks")
    }

    fn notification_count<'a>(&'a self, _: &'a UserId) -> BoxFuture<'a, Result<u64, StoreError>> {
        unreachable!("the simulation notifies nobody")
    }

    fn unread_notifications<'a>(&'a self, _: &'a UserId) -> BoxFuture<'a, Result<u64, StoreError>> {
        unreachable!("the simulation notifies nobody")
    }

    fn search<'a>(
        &'a self,
        _: &'a UserId,
        _: Option<&'a RoomId>,
        _: &'a SearchQuery,
        _: Option<Timestamp>,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Arc<Message>>, StoreError>> {
        unreachable!("the simulation searches for nothing")
    }

    fn upsert_users(&self, _: Vec<UserChange>) -> BoxFuture<'_, Result<(), StoreError>> {
        unreachable!("the simulation keeps no users")
    }

    /// Nobody's name is known.
    fn users<'a>(
        &'a self,
        ids: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<User>>, StoreError>> {
        Box::pin(self.read(move |_| ids.iter().map(|_| None).collect()))
    }

    fn revoke_tokens<'a>(
        &'a self,
        _: &'a UserId,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        unreachable!("the simulation revokes no tokens")
    }

    fn revocations(
        &self,
        _: Timestamp,
        _: usize,
    ) -> BoxFuture<'_, Result<Vec<(UserId, Timestamp)>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sweep<'a>(
        &'a self,
        _: &'a [RetentionRule; RoomKind::ALL.len()],
        _: Option<u64>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Swept, StoreError>> {
        unreachable!("the simulation removes entries itself")
    }

    fn retire_uploads<'a>(
        &'a self,
        _: &'a [Arc<str>],
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        unreachable!("the simulation has no pictures")
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.read(|_| ()))
    }
}
