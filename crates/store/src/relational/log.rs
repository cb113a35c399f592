//! Where the entries of logs are kept: the one thing in which the adapters differ by more than words.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::{ClientId, Command, Epoch, Message, RoomId, Seq, Timestamp, UserId};

use super::database::Database;
use super::memory::Memory;
use super::remove::Traces;

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) seq: Seq,
    /// How many countable entries it had, ever, up to there.
    pub(crate) n: u64,
    /// When the newest entry was appended; when the room was made, if none was.
    pub(crate) at: Timestamp,
}

/// An entry and its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) room_no: i64,
    /// As of [`End::n`].
    pub(crate) n: u64,
    pub(crate) message: Arc<Message>,
}

/// A room whose entries are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRoom<'a> {
    pub(crate) room_no: i64,
    pub(crate) id: &'a RoomId,
    pub(crate) epoch: Epoch,
}

/// How far an open transaction had come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) appended: usize,
    pub(crate) revised: usize,
}

/// How an adapter removes what a deleted room leaves behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purges {
    /// A room of `purges`: number, next and last entry.
    pub(crate) next: &'static str,
    /// Rows of the other tables, of a room (`?1`), at most so many (`?2`).
    pub(crate) rest: &'static [&'static str],
}

/// The entries of an open transaction and those that are kept, in its own view. "The table" is
/// `messages`; `logs` says up to where it goes.
pub(crate) trait Log {
    /// Finds out at once what these commands will ask for one by one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn prepare(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        commands: &[Command],
    ) -> Result<(), StoreError> {
        let _ = (database, memory, commands);
        Ok(())
    }

    /// Where a log ends that the table has up to `kept`.
    fn end(&self, room_no: i64, kept: End) -> End;

    /// Adds an entry behind all others of its room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append(&mut self, database: &dyn Database, entry: Placed) -> Result<(), StoreError>;

    /// An entry that the table does not have yet, and [`End::n`] of it.
    fn newest(&self, room_no: i64, seq: Seq) -> Option<(Arc<Message>, u64)>;

    /// Gives an entry that the table does not have yet another text; gives back one that it has.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rewrite(
        &mut self,
        database: &dyn Database,
        room_no: i64,
        message: Message,
    ) -> Result<Option<Message>, StoreError>;

    /// The entry that its sender has named so.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find_named(
        &self,
        database: &dyn Database,
        of: OfRoom<'_>,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Message>>, StoreError>;

    /// How many messages of a user in a room are kept behind a place, of those that the table has.
    /// `user_and_room` are the numbers of both.
    ///
    /// # Errors
    /// [`StoreError`].
    fn own_behind(
        &self,
        database: &dyn Database,
        user: &UserId,
        user_and_room: [i64; 2],
        place: Seq,
    ) -> Result<i64, StoreError>;

    /// Brings into the table a room's oldest entries that it does not have, as long as they are due,
    /// at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn settle_due(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        is_due: &dyn Fn(&Message) -> bool,
        limit: usize,
    ) -> Result<(), StoreError> {
        let _ = (database, memory, room_no, is_due, limit);
        Ok(())
    }

    /// Removes what there is of entries beside the table and the filters. They are a room's oldest.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove_traces(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        entries: &[Traces],
    ) -> Result<(), StoreError>;

    /// Something that was said is there no longer.
    fn note_less(&mut self) {}

    /// The room is gone.
    fn note_deleted(&mut self, room_no: i64);

    /// How it removes what is left of deleted rooms.
    fn purges(&self) -> Purges;

    /// How far the transaction has come.
    fn step(&self) -> Step;

    /// Forgets what came after `step`: the database has, too.
    fn undo_to(&mut self, step: Step);
}

/// The tail was made anew after the snapshot was taken.
#[derive(Debug)]
pub(crate) struct Outdated;

/// The entries that the table does not have, as a snapshot sees them. `kept` is up to where it goes.
pub(crate) trait Newest {
    /// Where the log ends.
    fn end(&self, room_no: i64, kept: End) -> Result<End, Outdated>;

    /// The entries that answer `query`, at most `limit` and in rising order.
    fn log(
        &self,
        room_no: i64,
        kept: Seq,
        query: LogQuery,
        limit: usize,
    ) -> Result<Vec<Arc<Message>>, Outdated>;

    /// The entry with this number.
    fn one(&self, room_no: i64, kept: Seq, seq: Seq) -> Result<Option<Arc<Message>>, Outdated>;

    /// The countable entries whose [`End::n`] is above the first number and at most the second.
    fn counted(
        &self,
        room_no: i64,
        kept: Seq,
        between: (u64, u64),
    ) -> Result<Vec<Arc<Message>>, Outdated>;

    /// How many of the user's own messages there are above both numbers.
    fn own_after(
        &self,
        room_no: i64,
        kept: Seq,
        user: &UserId,
        after: Seq,
    ) -> Result<u64, Outdated>;
}
