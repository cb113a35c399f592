//! Where everything accepted is kept.
//!
//! Methods are business transactions, not table verbs. Each is atomic, durable once it has
//! answered, and linearizable with all others on the same room, on every node of a cluster. All
//! that changes a log goes through [`Commit::commit`], so that one transaction carries many.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::BoxFuture;
use super::log::{LogPage, LogQuery};
use crate::command::{Command, Outcome};
use crate::ids::{RoomId, UserId};
use crate::membership::{Member, Standing};
use crate::message::Message;
use crate::position::{Position, Seq};
use crate::receipt::{Marks, ReadCount, ReadMark, UnreadSummary};
use crate::room::{Room, RoomHead, RoomKind};
use crate::search::{SearchPlace, SearchQuery};
use crate::time::Timestamp;
use crate::user::{User, UserChange};

/// Why the store did not do what it was asked. Never the client's fault: that is a
/// [`crate::Error`] inside the answer.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing was done and the same call may succeed later (store locked, full, unreachable).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost while committing: it may or may not have been done. Only a retry
    /// with a client id is safe.
    #[error("the outcome is unknown: {0}")]
    OutcomeUnknown(String),
    /// What is stored cannot be understood (a newer schema, a damaged file). A retry cannot help.
    #[error("the stored data is not usable: {0}")]
    Corrupt(String),
}

/// A page of a room's countable messages, without the events between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePage {
    /// In rising order of `seq`.
    pub messages: Vec<Arc<Message>>,
    /// How many such messages are kept in all.
    pub total: u64,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first. May be fewer than were asked for, or none, although there are more.
    pub messages: Vec<Arc<Message>>,
    /// Everything before this place was not looked at, or not given; `None` when that is nothing.
    pub next: Option<SearchPlace>,
}

/// A room, and what a user is to it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// What the user is to it. Rooms without members tell by themselves who may do what.
    pub standing: Standing,
}

/// One of a user's rooms, as a list shows it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// The room and what the user is to it.
    pub view: RoomView,
    /// When something was last appended to its log; when it was made, if nothing was.
    pub active_at: Timestamp,
    /// Their read mark.
    pub read: Seq,
    /// Exact; see [`UnreadSummary`].
    pub unread: u64,
    /// The newest kept message of a person.
    pub last_message: Option<Arc<Message>>,
}

/// Which of a user's rooms to list: newest activity first, those of the same moment by number,
/// greatest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomsQuery {
    /// Only rooms of this kind; `None` for all kinds that people take part in.
    pub kind: Option<RoomKind>,
    /// Behind this place: activity and number of the last room of the page before.
    pub after: Option<(Timestamp, u64)>,
    /// At most; at least 1.
    pub limit: usize,
}

/// What of a room kind's logs is kept, at most. `None` is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionRule {
    /// Entries older than this go; and a support room that has waited so long without any message.
    pub age: Option<Duration>,
    /// Older entries than the newest so many go.
    pub count: Option<u64>,
    /// Entries of the last so long stay whatever their number: a repeat is found by the first
    /// message, as long as that is there. Zero spares none.
    pub count_spares: Duration,
    /// A support room goes whole, so long after it was completed.
    pub completed: Option<Duration>,
}

/// Where a sweep through all rooms stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// The number of the last room looked at: continue behind it. `None`: the round is done.
    pub next: Option<u64>,
    /// Entries that were removed.
    pub entries: u64,
    /// Rooms that were removed whole.
    pub rooms: u64,
}

/// The half of the store that the commit pipeline works with.
pub trait Commit: Send + Sync {
    /// How many calls of [`Commit::commit`] run side by side, at least one: a call goes to the lane of
    /// its first command ([`Command::lane`]).
    fn lanes(&self) -> usize {
        1
    }

    /// Carries out commands in the order given, in one transaction, each whole or not at all.
    ///
    /// Of a [`Command::Send`]: locks each room, drops repeats by (room, sender, client id), asks
    /// [`crate::policy`] of the others, takes consecutive numbers, makes a completed room wait
    /// again, from the draft's `sent_at`, where the policy says so. A repeat is answered with the
    /// first message and changes nothing else; that holds although its sender may write no more:
    /// the first attempt was accepted, whatever became of its answer. A client id that its sender
    /// used for something else is refused ([`crate::Draft::check_repeat`]). Nothing is remembered of
    /// a refused group. An edit or deletion changes its target in the same transaction.
    ///
    /// Each change of who belongs to a room, of its profile or of its assignment appends an entry
    /// to the room's log, and each of an assignment one to the desk's feed
    /// ([`RoomId::desk`]) and one to the customer's inbox where the customer should hear of it; see
    /// [`crate::RoomAction`]. An entry by which somebody loses the right to read says so
    /// ([`crate::Extra::revokes`]); only such entries raise [`RoomHead::access_version`].
    ///
    /// Answers one outcome per command in the order given. A refused one (unknown room, no right)
    /// leaves the others untouched. Queued at the call, not at the first poll: calls of one lane take
    /// effect in the order in which they are made.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was done ([`StoreError::Unavailable`]), or that is unknown.
    fn commit(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Outcome>, StoreError>>;
}

/// The store.
pub trait Store: Commit {
    /// The room; `None` when there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<Room>, StoreError>>;

    /// The room with this [`Room::number`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn room_by_number(&self, number: u64) -> BoxFuture<'_, Result<Option<Room>, StoreError>>;

    /// The room and what `user` is to it; `None` when there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn view_room<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Option<RoomView>, StoreError>>;

    /// The heads of many rooms in one query, in the order asked; `None` where there is no room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn heads<'a>(
        &'a self,
        rooms: &'a [RoomId],
    ) -> BoxFuture<'a, Result<Vec<Option<RoomHead>>, StoreError>>;

    /// At most `limit` entries of the room's log; `None` when there is no such room. `limit` is
    /// at least 1. Everything that was accepted before the call is in the answer.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_log<'a>(
        &'a self,
        room: &'a RoomId,
        query: LogQuery,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<LogPage>, StoreError>>;

    /// At most `limit` of the kept entries that count ([`crate::MessageKind::counts`]), the newest
    /// `skip` of them passed over. Costs the same however many are passed over. `None` when there
    /// is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_messages<'a>(
        &'a self,
        room: &'a RoomId,
        skip: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<MessagePage>, StoreError>>;

    /// One entry as it reads now; `None` when there is none of that number, or no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn message<'a>(
        &'a self,
        room: &'a RoomId,
        seq: Seq,
    ) -> BoxFuture<'a, Result<Option<Arc<Message>>, StoreError>>;

    /// Support rooms that wait for an agent, longest first (those of the same moment in the order
    /// in which they were made); at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn waiting_rooms(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Room>, StoreError>>;

    /// Support rooms assigned to `agent`, longest asking first; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rooms_of_agent<'a>(
        &'a self,
        agent: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Room>, StoreError>>;

    /// How many waiting rooms are before this one: 0 for the next. `None` when it does not wait.
    /// Costs by the number before it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn queue_position<'a>(
        &'a self,
        room: &'a RoomId,
    ) -> BoxFuture<'a, Result<Option<u64>, StoreError>>;

    /// Since when the support room has been waiting that waits longest and has not been noted by a
    /// [`Command::AlertOverdue`]; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn longest_waiting(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// `user`'s rooms: where they are a member, their own support room, and those assigned to
    /// them. The desk's feed and the inbox are none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rooms_of<'a>(
        &'a self,
        user: &'a UserId,
        query: &'a RoomsQuery,
    ) -> BoxFuture<'a, Result<Vec<RoomSummary>, StoreError>>;

    /// Open rooms, the newest made first, behind the one with this number; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_rooms(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Room>, StoreError>>;

    /// The room's members in the order of their ids, behind `after`; at most `limit`. `None` when
    /// there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn members<'a>(
        &'a self,
        room: &'a RoomId,
        after: Option<&'a UserId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<Vec<Member>>, StoreError>>;

    /// Which of `others` share a room of people with `user`, in the order asked; a user does with
    /// themselves. Bounded by the rooms of each.
    ///
    /// # Errors
    /// [`StoreError`].
    fn acquainted<'a>(
        &'a self,
        user: &'a UserId,
        others: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<bool>, StoreError>>;

    /// The delivered mark: `user` has acknowledged everything up to `seq` in this life of the
    /// room. Merged by maximum: a lower value changes nothing. A room or epoch that is gone is
    /// ignored. Not compared with the log's bounds: the caller answers for `seq`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn advance_delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The delivered mark of `user`; [`Seq::ZERO`] when nothing was ever acknowledged or there is
    /// no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Seq, StoreError>>;

    /// The read mark of a member, merged by maximum, at most the log's newest entry; raises the
    /// delivered mark too. `None` when `user` is no member, or the room or this life of it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    fn advance_read<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
        position: Position,
    ) -> BoxFuture<'a, Result<Option<ReadMark>, StoreError>>;

    /// Unread messages of `user`; names at most `limit` rooms. Each room costs a few look-ups,
    /// however many messages it has.
    ///
    /// # Errors
    /// [`StoreError`].
    fn unread<'a>(
        &'a self,
        user: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<UnreadSummary, StoreError>>;

    /// Who has read each of these entries, in the order asked; nobody, of one that is not there.
    /// `None` when there is no such room. Costs by the members whose marks lie among them, and at
    /// worst by the fewer of those who have read all of them and those who have read none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_counts<'a>(
        &'a self,
        room: &'a RoomId,
        seqs: &'a [Seq],
    ) -> BoxFuture<'a, Result<Option<Vec<ReadCount>>, StoreError>>;

    /// The marks of the room's members, those who have read furthest first; at most `limit`. `None`
    /// when there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn marks<'a>(
        &'a self,
        room: &'a RoomId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Option<Vec<Marks>>, StoreError>>;

    /// How many notifications are in the user's inbox, read or not; deleted ones are not.
    ///
    /// # Errors
    /// [`StoreError`].
    fn notification_count<'a>(&'a self, user: &'a UserId)
    -> BoxFuture<'a, Result<u64, StoreError>>;

    /// How many notifications in the user's inbox are unread.
    ///
    /// # Errors
    /// [`StoreError`].
    fn unread_notifications<'a>(
        &'a self,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Messages and notices in which `query` is found: in `room`, or in the rooms that are `user`'s,
    /// the most recently active [`crate::search::ROOMS_MAX`] of them. Newest first; those before
    /// `before` only; at most `limit`, which is at least 1. Deleted ones are not found. Whether the
    /// user may read `room` is asked before.
    ///
    /// One call does a bounded piece of work, of some tens of milliseconds, however much there is to look
    /// through: it answers what it found until then and where to go on. Whoever goes on until
    /// [`Found::next`] is `None` gets everything, each message once. Few searches run at a time;
    /// the others wait, and too many are refused.
    ///
    /// # Errors
    /// [`StoreError`].
    fn search<'a>(
        &'a self,
        user: &'a UserId,
        room: Option<&'a RoomId>,
        query: &'a SearchQuery,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Found, StoreError>>;

    /// Keeps what is said of users, each change whole; makes users that are not known. Whoever
    /// came to belong to a room is known too, by the name that they came with if there was none.
    ///
    /// # Errors
    /// [`StoreError`]: none was kept.
    fn upsert_users(&self, changes: Vec<UserChange>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What is known of users, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`].
    fn users<'a>(
        &'a self,
        ids: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<User>>, StoreError>>;

    /// Refuses the user's tokens that were issued up to `at`. A lower moment changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn revoke_tokens<'a>(
        &'a self,
        user: &'a UserId,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Users whose tokens were revoked at `since` or later, and when; at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn revocations(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(UserId, Timestamp)>, StoreError>>;

    /// Removes what a rule does not keep, of some rooms behind the one numbered `after`: a piece of
    /// work that no sender notices. `rules` has one for each kind, in the order of
    /// [`RoomKind::ALL`]. What is removed is gone from every table and index; cursors before it are
    /// reset.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sweep<'a>(
        &'a self,
        rules: &'a [RetentionRule; RoomKind::ALL.len()],
        after: Option<u64>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Swept, StoreError>>;

    /// Which of these links to uploads ([`crate::room::UPLOADS_PATH`]) rooms have, in the order
    /// asked. The others are retired: until [`crate::room::RETIRED_FOR`] after `at` no room can
    /// take them, so that the answer stays true. The transaction by which a room lets go of an
    /// upload retires it too.
    ///
    /// # Errors
    /// [`StoreError`]: some may be retired.
    fn retire_uploads<'a>(
        &'a self,
        links: &'a [Arc<str>],
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<bool>, StoreError>>;

    /// Whether the store can commit now: asked by readiness.
    ///
    /// # Errors
    /// [`StoreError`] says why not.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
