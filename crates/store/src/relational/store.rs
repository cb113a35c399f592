//! The store: the port's methods, each one a job for a worker that writes or for one that reads.

use std::sync::Arc;

use madang_domain::ports::{
    BoxFuture, Commit, Found, LogPage, LogQuery, MessagePage, RetentionRule, RoomSummary, RoomView,
    RoomsQuery, Store, StoreError, Swept,
};
use madang_domain::receipt::{ReadCount, ReadMark};
use madang_domain::search::{SearchPlace, SearchQuery};
use madang_domain::{
    Command, Marks, Member, Message, Outcome, Position, Room, RoomHead, RoomId, RoomKind, Seq,
    Timestamp, UnreadSummary, User, UserChange, UserId, lane_of,
};

use super::change::Changes;
use super::database::Database;
use super::gathered::{Gathered, Mark, Wish};
use super::read::{Halt, Read, Reads};
use super::workers::{Turns, Workers, wait};
use super::{marks, queue, uploads, users};
use crate::DataLock;

/// Searches that wait for their turn; more are refused. A second's worth of the longest ones.
const SEARCHES_WAITING: usize = 64;

/// A store in a relational database. `R` reads, `W` writes. Dropping it waits for what is queued, so
/// not to be dropped on a thread that must not block.
#[derive(Debug)]
pub struct RelationalStore<R, W> {
    // In the order in which they must end: what writers clear away at the end, nobody may be reading.
    readers: Workers<R>,
    lanes: Vec<Lane<W>>,
    searches: Turns,
    _lock: Option<DataLock>,
}

/// One that writes, and the small changes that wait for it.
#[derive(Debug)]
struct Lane<W> {
    writer: Workers<W>,
    gathered: Arc<Gathered>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

#[expect(private_bounds, reason = "whoever reads and writes is this crate's")]
impl<R: Reads, W: Changes> RelationalStore<R, W> {
    /// `lock` is held until it is dropped. Both lists have at least one.
    pub(crate) fn start(
        readers: Vec<R>,
        writers: Vec<W>,
        lock: Option<DataLock>,
    ) -> Result<Self, StoreError> {
        // One reader is left to the others.
        let searches = Turns::new((readers.len().max(2)) - 1, SEARCHES_WAITING);
        let lane = |writer| {
            Ok(Lane {
                writer: Workers::writer(writer)?,
                gathered: Arc::default(),
            })
        };
        Ok(Self {
            readers: Workers::readers(readers)?,
            lanes: writers
                .into_iter()
                .map(lane)
                .collect::<Result<_, StoreError>>()?,
            searches,
            _lock: lock,
        })
    }

    fn lane(&self, key: &str) -> &Lane<W> {
        &self.lanes[lane_of(key, self.lanes.len())]
    }

    /// The one that does what belongs to no room.
    pub(crate) fn writer(&self) -> &Workers<W> {
        &self.lanes[0].writer
    }

    #[cfg(test)]
    pub(crate) fn readers(&self) -> &Workers<R> {
        &self.readers
    }

    #[cfg(test)]
    pub(crate) fn gathered(&self) -> usize {
        self.lanes.iter().map(|lane| lane.gathered.len()).sum()
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl Fn(Read<'_>) -> Result<T, Halt> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.readers.ask(move |reader| reader.snapshot(&read)))
    }

    fn look<T: Send + 'static>(
        &self,
        look: impl Fn(&dyn Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.readers.ask(move |reader| reader.look(&look)))
    }

    async fn keep(&self, key: &str, wish: Wish) -> Result<Option<ReadMark>, StoreError> {
        let lane = self.lane(key);
        // Only when there is a turn: a caller that goes away while it waits leaves nothing behind.
        let push = || lane.gathered.push(wish);
        let gathered = Arc::clone(&lane.gathered);
        let keep = move |writer: &mut W| {
            gathered.keep(writer);
            Ok(())
        };
        let (kept, done) = lane.writer.begin(push, keep).await?;
        wait(done).await?;
        match kept.await {
            Ok(result) => result.map_err(StoreError::Unavailable),
            Err(_) => Err(StoreError::OutcomeUnknown("the job panicked".to_owned())),
        }
    }
}

impl<R: Reads, W: Changes> Commit for RelationalStore<R, W> {
    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn commit(&self, commands: Vec<Command>) -> Answer<'_, Vec<Outcome>> {
        let lane = commands
            .first()
            .map_or(0, |command| command.lane(self.lanes.len()));
        let answer = self.lanes[lane].writer.submit(move |writer| {
            if let Some(error) = writer.refuses() {
                return Err(error);
            }
            writer.change(|change| change.carry_out_all(&commands))
        });
        Box::pin(async move { wait(answer?).await })
    }
}

impl<R: Reads, W: Changes> Store for RelationalStore<R, W> {
    fn room<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<Room>> {
        let room = room.clone();
        self.read(move |read| read.room(&room))
    }

    fn room_by_number(&self, number: u64) -> Answer<'_, Option<Room>> {
        self.read(move |read| read.room_by_number(number))
    }

    fn view_room<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> Answer<'a, Option<RoomView>> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |read| read.view_room(&room, &user))
    }

    fn heads<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<RoomHead>>> {
        let rooms = rooms.to_vec();
        self.read(move |read| read.heads(&rooms))
    }

    fn read_log<'a>(
        &'a self,
        room: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Answer<'a, Option<LogPage>> {
        let room = room.clone();
        self.read(move |read| read.read_log(&room, query, limit))
    }

    fn read_messages<'a>(
        &'a self,
        room: &'a RoomId,
        skip: u64,
        limit: usize,
    ) -> Answer<'a, Option<MessagePage>> {
        let room = room.clone();
        self.read(move |read| read.read_messages(&room, skip, limit))
    }

    fn message<'a>(&'a self, room: &'a RoomId, seq: Seq) -> Answer<'a, Option<Arc<Message>>> {
        let room = room.clone();
        self.read(move |read| read.message(&room, seq))
    }

    fn waiting_rooms(&self, limit: usize) -> Answer<'_, Vec<Room>> {
        self.read(move |read| read.waiting_rooms(limit))
    }

    fn rooms_of_agent<'a>(&'a self, agent: &'a UserId, limit: usize) -> Answer<'a, Vec<Room>> {
        let agent = agent.clone();
        self.read(move |read| read.rooms_of_agent(&agent, limit))
    }

    fn queue_position<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<u64>> {
        let room = room.clone();
        self.look(move |database| queue::queue_position(database, &room))
    }

    fn longest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        self.look(queue::longest_waiting)
    }

    fn rooms_of<'a>(
        &'a self,
        user: &'a UserId,
        query: &'a RoomsQuery,
    ) -> Answer<'a, Vec<RoomSummary>> {
        let (user, query) = (user.clone(), query.clone());
        self.read(move |read| read.rooms_of(&user, &query))
    }

    fn open_rooms(&self, after: Option<u64>, limit: usize) -> Answer<'_, Vec<Room>> {
        self.read(move |read| read.open_rooms(after, limit))
    }

    fn members<'a>(
        &'a self,
        room: &'a RoomId,
        after: Option<&'a UserId>,
        limit: usize,
    ) -> Answer<'a, Option<Vec<Member>>> {
        let (room, after) = (room.clone(), after.cloned());
        self.read(move |read| read.members(&room, after.as_ref(), limit))
    }

    fn acquainted<'a>(&'a self, user: &'a UserId, others: &'a [UserId]) -> Answer<'a, Vec<bool>> {
        let (user, others) = (user.clone(), others.to_vec());
        self.read(move |read| read.acquainted(&user, &others))
    }

    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> Answer<'a, ()> {
        let wish = Wish::Delivered(mark(room, user, position));
        Box::pin(async move { self.keep(room.as_str(), wish).await.map(drop) })
    }

    fn delivered<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> Answer<'a, Seq> {
        let (room, user) = (room.clone(), user.clone());
        self.look(move |database| marks::delivered(database, &room, &user))
    }

    fn advance_read<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> Answer<'a, Option<ReadMark>> {
        Box::pin(self.keep(room.as_str(), Wish::Read(mark(room, user, position))))
    }

    fn unread<'a>(&'a self, user: &'a UserId, limit: usize) -> Answer<'a, UnreadSummary> {
        let user = user.clone();
        self.read(move |read| read.unread(&user, limit))
    }

    fn read_counts<'a>(
        &'a self,
        room: &'a RoomId,
        seqs: &'a [Seq],
    ) -> Answer<'a, Option<Vec<ReadCount>>> {
        let (room, seqs) = (room.clone(), seqs.to_vec());
        self.read(move |read| read.read_counts(&room, &seqs))
    }

    fn marks<'a>(&'a self, room: &'a RoomId, limit: usize) -> Answer<'a, Option<Vec<Marks>>> {
        let room = room.clone();
        self.read(move |read| read.marks(&room, limit))
    }

    fn notification_count<'a>(&'a self, user: &'a UserId) -> Answer<'a, u64> {
        let user = user.clone();
        self.read(move |read| read.notification_count(&user))
    }

    fn unread_notifications<'a>(&'a self, user: &'a UserId) -> Answer<'a, u64> {
        let user = user.clone();
        self.read(move |read| read.unread_notifications(&user))
    }

    fn search<'a>(
        &'a self,
        user: &'a UserId,
        room: Option<&'a RoomId>,
        query: &'a SearchQuery,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> Answer<'a, Found> {
        let (user, room, query) = (user.clone(), room.cloned(), query.clone());
        Box::pin(async move {
            let turn = self.searches.turn().await?;
            let search = move |reader: &mut R| {
                let search =
                    |read: Read<'_>| read.search(&user, room.as_ref(), &query, before, limit);
                let found = reader.snapshot(search);
                drop(turn);
                found
            };
            self.readers.ask(search).await
        })
    }

    fn upsert_users(&self, changes: Vec<UserChange>) -> Answer<'_, ()> {
        Box::pin(async move {
            // Most users come as they came before: that needs no turn of the writer.
            let asked = changes.clone();
            if self
                .look(move |database| users::are_known(database, &asked))
                .await?
            {
                return Ok(());
            }
            self.keep("", Wish::Users(changes)).await.map(drop)
        })
    }

    fn users<'a>(&'a self, ids: &'a [UserId]) -> Answer<'a, Vec<Option<User>>> {
        let ids = ids.to_vec();
        self.read(move |read| read.users(&ids))
    }

    fn revoke_tokens<'a>(&'a self, user: &'a UserId, at: Timestamp) -> Answer<'a, ()> {
        let user = user.clone();
        let revoke = move |writer: &mut W| writer.change(|change| change.revoke_tokens(&user, at));
        Box::pin(self.writer().run(revoke))
    }

    fn revocations(&self, since: Timestamp, limit: usize) -> Answer<'_, Vec<(UserId, Timestamp)>> {
        self.look(move |database| users::revocations(database, since, limit))
    }

    fn sweep<'a>(
        &'a self,
        rules: &'a [RetentionRule; RoomKind::ALL.len()],
        after: Option<u64>,
        now: Timestamp,
    ) -> Answer<'a, Swept> {
        let rules = *rules;
        let sweep = move |writer: &mut W| writer.change(|change| change.sweep(&rules, after, now));
        Box::pin(self.writer().run(sweep))
    }

    fn retire_uploads<'a>(&'a self, links: &'a [Arc<str>], at: Timestamp) -> Answer<'a, Vec<bool>> {
        Box::pin(async move {
            let links = links.to_vec();
            // Most are used: to find that out needs no turn of the writer.
            let asked = links.clone();
            if self
                .look(move |database| uploads::are_used(database, &asked))
                .await?
            {
                return Ok(vec![true; links.len()]);
            }
            let retire =
                move |writer: &mut W| writer.change(|change| change.retire_uploads(&links, at));
            self.writer().run(retire).await
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.writer().run(Changes::check))
    }
}

fn mark(room: &RoomId, user: &UserId, position: Position) -> Mark {
    Mark {
        room: room.clone(),
        user: user.clone(),
        position,
    }
}
