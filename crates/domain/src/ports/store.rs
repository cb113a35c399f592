//! Where everything accepted is kept.
//!
//! Methods are business transactions, not table verbs. Each is atomic, durable once it has
//! answered, and linearizable with all others on the same room, on every node of a cluster.

use std::sync::Arc;

use thiserror::Error;

use super::BoxFuture;
use crate::assignment::{Agent, ClaimOutcome};
use crate::caller::Caller;
use crate::error::Error as ClientError;
use crate::ids::{RoomId, UserId};
use crate::message::{Appended, DraftGroup, Message};
use crate::position::Seq;
use crate::room::{Room, RoomHead};
use crate::time::Timestamp;

/// Why the store did not do what it was asked. Never the client's fault: that is a
/// [`ClientError`] inside the answer.
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

/// What became of one group: one [`Appended`] per draft, or why the whole group was refused.
pub type GroupOutcome = Result<Vec<Appended>, ClientError>;

/// Which part of a room's log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogQuery {
    /// The oldest messages with a greater `seq` than this.
    After(Seq),
    /// The newest messages with a smaller `seq` than this; [`Seq::MAX`] for the newest page.
    Before(Seq),
}

/// A part of a room's log and the log's bounds, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The bounds at that moment.
    pub head: RoomHead,
    /// In rising order of `seq`, consecutive. Empty when nothing kept answers the query.
    pub messages: Vec<Arc<Message>>,
}

/// The store.
pub trait Store: Send + Sync {
    /// Accepts each group's drafts, all or none, in order: in one transaction locks each room,
    /// drops repeats by (room, sender, client id), asks [`crate::policy::may_send`] of the others,
    /// takes consecutive numbers, makes a completed room wait again, from the draft's `sent_at`,
    /// where the policy says so.
    ///
    /// A repeat is answered with the first message and changes nothing else. That holds although
    /// its sender may write no more: the first attempt was accepted, whatever became of its answer.
    /// Nothing is remembered of a refused group.
    ///
    /// Answers one outcome per group in the order given; a group's outcome has one [`Appended`]
    /// per draft. A refused group (unknown room, no right) leaves the others untouched. Queued at
    /// the call, not at the first poll: calls take effect in the order in which they are made.
    ///
    /// # Errors
    /// [`StoreError`]: no group was accepted ([`StoreError::Unavailable`]), or that is unknown.
    fn append(
        &self,
        groups: Vec<DraftGroup>,
    ) -> BoxFuture<'_, Result<Vec<GroupOutcome>, StoreError>>;

    /// Makes `customer`'s support room, waiting, if it is missing; its id is the customer's id.
    /// Refreshes the customer's name and member number where the caller has them. Idempotent. A
    /// room that it made has `now` as its [`Room::created_at`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_support_room<'a>(
        &'a self,
        customer: &'a Caller,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Room, StoreError>>;

    /// Assigns a waiting room to `agent`: one conditional update, so that exactly one of any
    /// number of claims wins.
    ///
    /// # Errors
    /// [`StoreError`].
    fn claim_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a Agent,
    ) -> BoxFuture<'a, Result<ClaimOutcome, StoreError>>;

    /// Completes a room that is assigned to `agent`: it leaves the agent's list, history stays.
    /// Answers whether it was; `false` changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn complete_room<'a>(
        &'a self,
        room: &'a RoomId,
        agent: &'a UserId,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Deletes a room and its whole history. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete_room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The room; `None` when there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn room<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<Room>, StoreError>>;

    /// The heads of many rooms in one query, in the order asked; `None` where there is no room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn heads<'a>(
        &'a self,
        rooms: &'a [RoomId],
    ) -> BoxFuture<'a, Result<Vec<Option<RoomHead>>, StoreError>>;

    /// At most `limit` messages of the room's log; `None` when there is no such room. `limit` is
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

    /// Rooms that wait for an agent, longest first (those of the same moment in the order in which
    /// they were made); at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn waiting_rooms(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Room>, StoreError>>;

    /// Rooms assigned to `agent`, longest asking first; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rooms_of_agent<'a>(
        &'a self,
        agent: &'a UserId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Room>, StoreError>>;

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
        position: crate::position::Position,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The delivered mark of `user`; [`Seq::ZERO`] when nothing was ever acknowledged or there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delivered<'a>(
        &'a self,
        room: &'a RoomId,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Seq, StoreError>>;

    /// Whether the store can commit now: asked by readiness.
    ///
    /// # Errors
    /// [`StoreError`] says why not.
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
