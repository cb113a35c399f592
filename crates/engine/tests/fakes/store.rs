//! A store of one group room, a desk with waiting rooms, and revoked tokens. What no test calls says
//! so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use madang_domain::command::OpenSupport;
use madang_domain::ports::{
    BoxFuture, Commit, LogPage, LogQuery, MessagePage, RetentionRule, RoomSummary, RoomView,
    RoomsQuery, Store, StoreError, Swept,
};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Answer, Command, Committed, Epoch, Marks, Member, Message, MessageKind, Outcome, Position,
    Profile, ReadCount, ReadMark, Room, RoomAction, RoomDetail, RoomHead, RoomId, RoomKind,
    SenderKind, Seq, Standing, Timestamp, UnreadSummary, User, UserChange, UserId,
};
use parking_lot::Mutex;
use tokio::time::{Duration, sleep};

#[derive(Default)]
pub(crate) struct FakeStore {
    /// Fails every call while set.
    pub(crate) fails: AtomicBool,
    pub(crate) room: Mutex<Option<FakeRoom>>,
    /// Since when rooms wait that were not noted yet, longest first.
    pub(crate) waiting: Mutex<Vec<Timestamp>>,
    /// How many rooms each command noted.
    pub(crate) noted: Mutex<Vec<usize>>,
    /// Notes none, whatever waits, while set.
    pub(crate) notes_nothing: AtomicBool,
    /// How often it was asked for the room that waits longest.
    pub(crate) questions: AtomicUsize,
    pub(crate) revoked: Mutex<Vec<(UserId, Timestamp)>>,
    pub(crate) commands: Mutex<Vec<Command>>,
    /// When rounds of the sweeper began.
    pub(crate) sweeps: Mutex<Vec<Timestamp>>,
    pub(crate) sweep_takes: Mutex<Duration>,
    /// Nobody knows anybody any more, while set.
    pub(crate) parted: AtomicBool,
    /// What each call kept.
    pub(crate) kept: Mutex<Vec<Vec<UserChange>>>,
}

pub(crate) struct FakeRoom {
    pub(crate) id: RoomId,
    pub(crate) head: RoomHead,
    pub(crate) messages: Vec<Arc<Message>>,
    pub(crate) standings: BTreeMap<UserId, Standing>,
}

impl FakeRoom {
    /// Of nobody, and empty.
    pub(crate) fn group(id: RoomId) -> Self {
        Self {
            id,
            head: RoomHead {
                epoch: Epoch::new(7),
                last: Seq::ZERO,
                oldest: Seq::new(1),
                access_version: 1,
            },
            messages: Vec::new(),
            standings: BTreeMap::new(),
        }
    }

    fn room(&self) -> Room {
        Room {
            id: self.id.clone(),
            number: 1,
            head: self.head,
            created_at: Timestamp::from_micros(0),
            detail: RoomDetail::Group,
            profile: Profile::default(),
            owner: None,
            member_count: 1,
        }
    }
}

/// More calls than any test makes on purpose.
const CALLS_MAX: usize = 1_000;

type Answered<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl FakeStore {
    fn answer<'a, T: Send + 'a>(
        &'a self,
        answer: impl FnOnce() -> T + Send + 'a,
    ) -> Answered<'a, T> {
        Box::pin(async move {
            if self.fails.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable("told to".into()));
            }
            Ok(answer())
        })
    }

    fn carry_out(&self, command: &Command) -> Outcome {
        self.commands.lock().push(command.clone());
        match command {
            Command::AlertOverdue { since, limit, .. } => {
                let mut waiting = self.waiting.lock();
                let due = waiting.iter().filter(|at| *at <= since).count();
                let due = if self.notes_nothing.load(Ordering::Relaxed) {
                    0
                } else {
                    due
                };
                let noted = due.min(*limit);
                waiting.drain(..noted);
                self.noted.lock().push(noted);
                assert!(self.noted.lock().len() < CALLS_MAX, "asked without a pause");
                Ok(Committed::only(Answer::Done(noted)))
            }
            Command::OpenSupport(open) => Ok(self.opened(open)),
            Command::Create(new) => {
                let room = FakeRoom::group(new.id.clone()).room();
                Ok(Committed::only(Answer::Room(Box::new(room), true)))
            }
            Command::Room(command) => match &command.action {
                RoomAction::Add(people, _) => Ok(Committed::only(Answer::Done(people.len()))),
                other => unreachable!("no test of these has {other:?} done"),
            },
            other => unreachable!("no test of these has {other:?} carried out"),
        }
    }
}

impl FakeStore {
    /// The room begins to wait.
    fn opened(&self, open: &OpenSupport) -> Committed {
        self.waiting.lock().push(open.at);
        let id = RoomId::new(open.customer.user.as_str()).unwrap();
        let room = FakeRoom::group(id).room();
        let entry = Message {
            room: room.id.clone(),
            position: Position {
                epoch: room.head.epoch,
                seq: Seq::new(1),
            },
            kind: MessageKind::Waiting,
            sender: open.customer.user.clone(),
            sender_name: None,
            sender_kind: SenderKind::Customer,
            client_id: None,
            text: Arc::from(""),
            sent_at: open.at,
            extra: None,
        };
        Committed {
            entries: vec![Arc::new(entry)],
            ..Committed::only(Answer::Room(Box::new(room), true))
        }
    }
}

impl Commit for FakeStore {
    fn commit(&self, commands: Vec<Command>) -> Answered<'_, Vec<Outcome>> {
        self.answer(move || commands.iter().map(|c| self.carry_out(c)).collect())
    }
}

impl Store for FakeStore {
    fn room<'a>(&'a self, _: &'a RoomId) -> Answered<'a, Option<Room>> {
        self.answer(|| self.room.lock().as_ref().map(FakeRoom::room))
    }

    fn room_by_number(&self, _: u64) -> Answered<'_, Option<Room>> {
        unreachable!("no test asks by number")
    }

    fn view_room<'a>(&'a self, _: &'a RoomId, user: &'a UserId) -> Answered<'a, Option<RoomView>> {
        self.answer(|| {
            let room = self.room.lock();
            let room = room.as_ref()?;
            Some(RoomView {
                room: room.room(),
                standing: *room.standings.get(user).unwrap_or(&Standing::Stranger),
            })
        })
    }

    fn heads<'a>(&'a self, rooms: &'a [RoomId]) -> Answered<'a, Vec<Option<RoomHead>>> {
        self.answer(|| {
            let head = self.room.lock().as_ref().map(|room| room.head);
            rooms.iter().map(|_| head).collect()
        })
    }

    fn read_log<'a>(
        &'a self,
        _: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Answered<'a, Option<LogPage>> {
        self.answer(move || {
            let LogQuery::After(after) = query else {
                unreachable!("no test reads backwards")
            };
            let room = self.room.lock();
            let room = room.as_ref()?;
            let behind = room.messages.iter().filter(|m| m.position.seq > after);
            Some(LogPage {
                head: room.head,
                messages: behind.take(limit).cloned().collect(),
            })
        })
    }

    fn read_messages<'a>(
        &'a self,
        _: &'a RoomId,
        _: u64,
        _: usize,
    ) -> Answered<'a, Option<MessagePage>> {
        self.answer(|| {
            let room = self.room.lock();
            let room = room.as_ref()?;
            Some(MessagePage {
                messages: room.messages.clone(),
                total: room.messages.len() as u64,
            })
        })
    }

    fn message<'a>(&'a self, _: &'a RoomId, seq: Seq) -> Answered<'a, Option<Arc<Message>>> {
        self.answer(move || {
            let room = self.room.lock();
            let mut messages = room.as_ref()?.messages.iter();
            messages
                .find(|message| message.position.seq == seq)
                .cloned()
        })
    }

    fn waiting_rooms(&self, _: usize) -> Answered<'_, Vec<Room>> {
        unreachable!("no test lists waiting rooms")
    }

    fn rooms_of_agent<'a>(&'a self, _: &'a UserId, _: usize) -> Answered<'a, Vec<Room>> {
        unreachable!("no test lists assigned rooms")
    }

    fn queue_position<'a>(&'a self, _: &'a RoomId) -> Answered<'a, Option<u64>> {
        unreachable!("no test asks for a place in the queue")
    }

    fn longest_waiting(&self) -> Answered<'_, Option<Timestamp>> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        self.answer(|| self.waiting.lock().first().copied())
    }

    fn rooms_of<'a>(&'a self, _: &'a UserId, _: &'a RoomsQuery) -> Answered<'a, Vec<RoomSummary>> {
        unreachable!("no test lists rooms")
    }

    fn open_rooms(&self, _: Option<u64>, _: usize) -> Answered<'_, Vec<Room>> {
        unreachable!("no test lists open rooms")
    }

    fn members<'a>(
        &'a self,
        _: &'a RoomId,
        _: Option<&'a UserId>,
        _: usize,
    ) -> Answered<'a, Option<Vec<Member>>> {
        unreachable!("no test lists members")
    }

    /// Everybody knows everybody but `stranger`.
    fn acquainted<'a>(&'a self, _: &'a UserId, others: &'a [UserId]) -> Answered<'a, Vec<bool>> {
        let parted = self.parted.load(Ordering::Relaxed);
        let knows = move |other: &UserId| !parted && other.as_str() != "stranger";
        self.answer(move || others.iter().map(knows).collect())
    }

    fn advance_delivered<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a UserId,
        _: Position,
    ) -> Answered<'a, ()> {
        unreachable!("no test acknowledges")
    }

    fn delivered<'a>(&'a self, _: &'a RoomId, _: &'a UserId) -> Answered<'a, Seq> {
        unreachable!("no test resumes from a mark")
    }

    fn advance_read<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a UserId,
        _: Position,
    ) -> Answered<'a, Option<ReadMark>> {
        unreachable!("no test marks as read")
    }

    fn unread<'a>(&'a self, _: &'a UserId, _: usize) -> Answered<'a, UnreadSummary> {
        unreachable!("no test counts unread messages")
    }

    fn read_counts<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a [Seq],
    ) -> Answered<'a, Option<Vec<ReadCount>>> {
        unreachable!("no test counts readers")
    }

    fn marks<'a>(&'a self, _: &'a RoomId, _: usize) -> Answered<'a, Option<Vec<Marks>>> {
        unreachable!("no test lists marks")
    }

    fn notification_count<'a>(&'a self, _: &'a UserId) -> Answered<'a, u64> {
        unreachable!("no test counts notifications")
    }

    fn unread_notifications<'a>(&'a self, _: &'a UserId) -> Answered<'a, u64> {
        unreachable!("no test counts notifications")
    }

    fn search<'a>(
        &'a self,
        _: &'a UserId,
        _: Option<&'a RoomId>,
        _: &'a SearchQuery,
        _: Option<Timestamp>,
        _: usize,
    ) -> Answered<'a, Vec<Arc<Message>>> {
        unreachable!("no test searches")
    }

    fn upsert_users(&self, changes: Vec<UserChange>) -> Answered<'_, ()> {
        self.answer(|| self.kept.lock().push(changes))
    }

    fn users<'a>(&'a self, ids: &'a [UserId]) -> Answered<'a, Vec<Option<User>>> {
        self.answer(|| ids.iter().map(|_| None).collect())
    }

    fn revoke_tokens<'a>(&'a self, user: &'a UserId, at: Timestamp) -> Answered<'a, ()> {
        self.answer(move || self.revoked.lock().push((user.clone(), at)))
    }

    fn revocations(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Answered<'_, Vec<(UserId, Timestamp)>> {
        self.answer(move || {
            let mut revoked = self.revoked.lock().clone();
            revoked.retain(|(_, at)| *at >= since);
            revoked.sort_by_key(|(_, at)| *at);
            revoked.truncate(limit);
            revoked
        })
    }

    fn sweep<'a>(
        &'a self,
        _: &'a [RetentionRule; RoomKind::ALL.len()],
        _: Option<u64>,
        now: Timestamp,
    ) -> Answered<'a, Swept> {
        self.sweeps.lock().push(now);
        let takes = *self.sweep_takes.lock();
        Box::pin(async move {
            sleep(takes).await;
            Ok(Swept::default())
        })
    }

    fn retire_uploads<'a>(&'a self, _: &'a [Arc<str>], _: Timestamp) -> Answered<'a, Vec<bool>> {
        unreachable!("no test sweeps pictures")
    }

    fn check(&self) -> Answered<'_, ()> {
        self.answer(|| ())
    }
}
