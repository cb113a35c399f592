//! Read marks and what follows from them: unread counts, who has read what.

use madang_domain::{
    Caller, Code, Error, Marks, Person, Position, ReadCount, ReadMark, RoomId, Seq, UnreadSummary,
};

use crate::engine::{Engine, store_failed};
use crate::signal_gate::Read;

impl Engine {
    /// Raises `caller`'s read mark in the room to `position`, at most to the room's head, and answers
    /// where it stands then. A lower position, or one of another life of the room, changes nothing.
    /// What is read is delivered.
    ///
    /// When it rose the room's subscribers are told, at most once per member and interval. An admin who
    /// looks on has no mark: the answer is `position` and nobody is told.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]; [`Code::Unavailable`]: retryable.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        room: &RoomId,
        position: Position,
    ) -> Result<Position, Error> {
        let found = self.attended_room(caller, room).await?;
        let epoch = found.head.epoch;
        let wanted = if position.epoch == epoch {
            position
        } else {
            Position {
                epoch,
                seq: Seq::ZERO,
            }
        };
        let marked = self.store.advance_read(room, &caller.user, wanted).await;
        let Some(mark) = marked.map_err(|e| store_failed(&e))? else {
            return Ok(position);
        };
        let ReadMark { epoch, before, now } = mark;
        let now = Position { epoch, seq: now };
        if now.seq > before {
            let read = Read {
                person: Person {
                    user: caller.user.clone(),
                    name: caller.name.clone(),
                },
                before,
                now,
            };
            if let Some(read) = self.signals.admit_read(room, read) {
                self.tell_read(room, read);
            }
        }
        Ok(now)
    }

    /// Unread messages of the caller, exact; names at most `limit` rooms.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable.
    pub async fn unread(&self, caller: &Caller, limit: usize) -> Result<UnreadSummary, Error> {
        let unread = self.store.unread(&caller.user, limit).await;
        unread.map_err(|e| store_failed(&e))
    }

    /// Who has read each of these entries, in the order asked.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn read_counts(
        &self,
        caller: &Caller,
        room: &RoomId,
        seqs: &[Seq],
    ) -> Result<Vec<ReadCount>, Error> {
        self.attended_room(caller, room).await?;
        let counts = self.store.read_counts(room, seqs).await;
        let counts = counts.map_err(|e| store_failed(&e))?;
        counts.ok_or_else(|| Code::RoomNotFound.into())
    }

    /// The marks of the room's members, those who have read furthest first; at most `limit`.
    ///
    /// # Errors
    /// As [`Engine::room`].
    pub async fn marks(
        &self,
        caller: &Caller,
        room: &RoomId,
        limit: usize,
    ) -> Result<Vec<Marks>, Error> {
        self.attended_room(caller, room).await?;
        let marks = self.store.marks(room, limit).await;
        let marks = marks.map_err(|e| store_failed(&e))?;
        marks.ok_or_else(|| Code::RoomNotFound.into())
    }
}
