//! The port's methods: each one a job for the writer or for a reader.

use std::sync::Arc;

use madang_domain::ports::{
    BoxFuture, Commit, LogPage, LogQuery, MessagePage, RetentionRule, RoomSummary, RoomView,
    RoomsQuery, Store, StoreError, Swept,
};
use madang_domain::receipt::{ReadCount, ReadMark};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Command, Marks, Member, Message, Outcome, Position, Room, RoomHead, RoomId, RoomKind, Seq,
    Timestamp, UnreadSummary, User, UserChange, UserId,
};

use super::SqliteStore;
use super::gathered::{Mark, Wish};
use super::reader::Reader;
use super::workers::wait;
use super::writer::Writer;

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl SqliteStore {
    fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.readers.run(move |reader| job(reader)))
    }

    async fn keep(&self, wish: Wish) -> Result<Option<ReadMark>, StoreError> {
        let kept = self.gathered.push(wish);
        let keep = |writer: &mut Writer| {
            writer.keep_gathered();
            Ok(())
        };
        self.writer.run(keep).await?;
        match kept.await {
            Ok(result) => result.map_err(StoreError::Unavailable),
            Err(_) => Err(StoreError::OutcomeUnknown("the job panicked".to_owned())),
        }
    }
}

impl Commit for SqliteStore {
    fn commit(&self, commands: Vec<Command>) -> Answer<'_, Vec<Outcome>> {
        let answer = self.writer.submit(move |writer| writer.commit(&commands));
        Box::pin(async move { wait(answer?).await })
    }
}

impl Store for SqliteStore {
    fn room<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<Room>> {
        let room = room.clone();
        self.read(move |reader| reader.room(&room))
    }

    fn room_by_number(&self, number: u64) -> Answer<'_, Option<Room>> {
        self.read(move |reader| reader.room_by_number(number))
    }

    fn view_room<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> Answer<'a, Option<RoomView>> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |reader| reader.view_room(&room, &user))
    }

    fn heads<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<RoomHead>>> {
        let rooms = rooms.to_vec();
        self.read(move |reader| reader.heads(&rooms))
    }

    fn read_log<'a>(
        &'a self,
        room: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Answer<'a, Option<LogPage>> {
        let room = room.clone();
        self.read(move |reader| reader.read_log(&room, query, limit))
    }

    fn read_messages<'a>(
        &'a self,
        room: &'a RoomId,
        skip: u64,
        limit: usize,
    ) -> Answer<'a, Option<MessagePage>> {
        let room = room.clone();
        self.read(move |reader| reader.read_messages(&room, skip, limit))
    }

    fn message<'a>(&'a self, room: &'a RoomId, seq: Seq) -> Answer<'a, Option<Arc<Message>>> {
        let room = room.clone();
        self.read(move |reader| reader.message(&room, seq))
    }

    fn waiting_rooms(&self, limit: usize) -> Answer<'_, Vec<Room>> {
        self.read(move |reader| reader.waiting_rooms(limit))
    }

    fn rooms_of_agent<'a>(&'a self, agent: &'a UserId, limit: usize) -> Answer<'a, Vec<Room>> {
        let agent = agent.clone();
        self.read(move |reader| reader.rooms_of_agent(&agent, limit))
    }

    fn queue_position<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<u64>> {
        let room = room.clone();
        self.read(move |reader| reader.queue_position(&room))
    }

    fn longest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(Reader::longest_waiting)
    }

    fn rooms_of<'a>(
        &'a self,
        user: &'a UserId,
        query: &'a RoomsQuery,
    ) -> Answer<'a, Vec<RoomSummary>> {
        let (user, query) = (user.clone(), query.clone());
        self.read(move |reader| reader.rooms_of(&user, &query))
    }

    fn open_rooms(&self, after: Option<u64>, limit: usize) -> Answer<'_, Vec<Room>> {
        self.read(move |reader| reader.open_rooms(after, limit))
    }

    fn members<'a>(
        &'a self,
        room: &'a RoomId,
        after: Option<&'a UserId>,
        limit: usize,
    ) -> Answer<'a, Option<Vec<Member>>> {
        let (room, after) = (room.clone(), after.cloned());
        self.read(move |reader| reader.members(&room, after.as_ref(), limit))
    }

    fn acquainted<'a>(&'a self, user: &'a UserId, others: &'a [UserId]) -> Answer<'a, Vec<bool>> {
        let (user, others) = (user.clone(), others.to_vec());
        self.read(move |reader| reader.acquainted(&user, &others))
    }

    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> Answer<'a, ()> {
        let wish = Wish::Delivered(mark(room, user, position));
        Box::pin(async move { self.keep(wish).await.map(drop) })
    }

    fn delivered<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> Answer<'a, Seq> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |reader| reader.delivered(&room, &user))
    }

    fn advance_read<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> Answer<'a, Option<ReadMark>> {
        Box::pin(self.keep(Wish::Read(mark(room, user, position))))
    }

    fn unread<'a>(&'a self, user: &'a UserId, limit: usize) -> Answer<'a, UnreadSummary> {
        let user = user.clone();
        self.read(move |reader| reader.unread(&user, limit))
    }

    fn read_counts<'a>(
        &'a self,
        room: &'a RoomId,
        seqs: &'a [Seq],
    ) -> Answer<'a, Option<Vec<ReadCount>>> {
        let (room, seqs) = (room.clone(), seqs.to_vec());
        self.read(move |reader| reader.read_counts(&room, &seqs))
    }

    fn marks<'a>(&'a self, room: &'a RoomId, limit: usize) -> Answer<'a, Option<Vec<Marks>>> {
        let room = room.clone();
        self.read(move |reader| reader.marks(&room, limit))
    }

    fn notification_count<'a>(&'a self, user: &'a UserId) -> Answer<'a, u64> {
        let user = user.clone();
        self.read(move |reader| reader.notification_count(&user))
    }

    fn unread_notifications<'a>(&'a self, user: &'a UserId) -> Answer<'a, u64> {
        let user = user.clone();
        self.read(move |reader| reader.unread_notifications(&user))
    }

    fn search<'a>(
        &'a self,
        user: &'a UserId,
        room: Option<&'a RoomId>,
        query: &'a SearchQuery,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Answer<'a, Vec<Arc<Message>>> {
        let (user, room, query) = (user.clone(), room.cloned(), query.clone());
        self.read(move |reader| reader.search(&user, room.as_ref(), &query, before, limit))
    }

    fn upsert_users(&self, changes: Vec<UserChange>) -> Answer<'_, ()> {
        Box::pin(async move {
            // Most users come as they came before: that needs no turn of the writer.
            let asked = changes.clone();
            if self.read(move |reader| reader.are_known(&asked)).await? {
                return Ok(());
            }
            self.keep(Wish::Users(changes)).await.map(drop)
        })
    }

    fn users<'a>(&'a self, ids: &'a [UserId]) -> Answer<'a, Vec<Option<User>>> {
        let ids = ids.to_vec();
        self.read(move |reader| reader.users(&ids))
    }

    fn revoke_tokens<'a>(&'a self, user: &'a UserId, at: Timestamp) -> Answer<'a, ()> {
        let user = user.clone();
        Box::pin(
            self.writer
                .run(move |writer| writer.revoke_tokens(&user, at)),
        )
    }

    fn revocations(&self, since: Timestamp, limit: usize) -> Answer<'_, Vec<(UserId, Timestamp)>> {
        self.read(move |reader| reader.revocations(since, limit))
    }

    fn sweep<'a>(
        &'a self,
        rules: &'a [RetentionRule; RoomKind::ALL.len()],
        after: Option<u64>,
        now: Timestamp,
    ) -> Answer<'a, Swept> {
        let rules = *rules;
        Box::pin(
            self.writer
                .run(move |writer| writer.sweep(&rules, after, now)),
        )
    }

    fn retire_uploads<'a>(&'a self, links: &'a [Arc<str>], at: Timestamp) -> Answer<'a, Vec<bool>> {
        Box::pin(async move {
            let links = links.to_vec();
            // Most are used: to find that out needs no turn of the writer.
            let asked = links.clone();
            if self.read(move |reader| reader.are_used(&asked)).await? {
                return Ok(vec![true; links.len()]);
            }
            let retire = move |writer: &mut Writer| writer.retire_uploads(&links, at);
            self.writer.run(retire).await
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.run(Writer::check))
    }
}

fn mark(room: &RoomId, user: &UserId, position: Position) -> Mark {
    Mark {
        room: room.clone(),
        user: user.clone(),
        position,
    }
}
