//! Delivered marks.

use madang_domain::ports::StoreError;
use madang_domain::{Position, RoomId, Seq, UserId};
use parking_lot::Mutex;
use rusqlite::{OptionalExtension, params};
use tokio::sync::oneshot;

use super::connection::unavailable;
use super::reader::Reader;
use super::rooms;
use super::writer::Writer;

/// A mark that wants to be kept.
#[derive(Debug)]
pub(super) struct Mark {
    room: RoomId,
    user: UserId,
    position: Position,
    answer: oneshot::Sender<Result<(), String>>,
}

/// Marks that wait for the writer. Those that wait together are kept by one commit: readers
/// acknowledge far more often than they write, and a commit is a sync of the disk.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Vec<Mark>>);

impl Marks {
    /// Adds a mark; what became of it is told after the next [`Writer::flush_marks`].
    pub(super) fn push(
        &self,
        room: RoomId,
        user: UserId,
        position: Position,
    ) -> oneshot::Receiver<Result<(), String>> {
        let (answer, receiver) = oneshot::channel();
        self.0.lock().push(Mark {
            room,
            user,
            position,
            answer,
        });
        receiver
    }
}

impl Writer {
    /// Keeps all marks that wait.
    pub(super) fn flush_marks(&mut self) {
        let marks = std::mem::take(&mut *self.marks.0.lock());
        if marks.is_empty() {
            // An earlier call took them.
            return;
        }
        let result = self.transaction(|writer| marks.iter().try_for_each(|mark| writer.keep(mark)));
        let result = result.map_err(|error| error.to_string());
        for mark in marks {
            // A caller that went away does not undo what is done.
            let _ = mark.answer.send(result.clone());
        }
    }

    fn keep(&self, mark: &Mark) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO delivered (room_no, user, seq)
                 SELECT room_no, ?2, ?4 FROM rooms WHERE id = ?1 AND epoch = ?3
                 ON CONFLICT (room_no, user) DO UPDATE SET seq = excluded.seq
                 WHERE excluded.seq > seq",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    mark.room.as_str(),
                    mark.user.as_str(),
                    mark.position.epoch.get().cast_signed(),
                    mark.position.seq.get().cast_signed(),
                ])
            })
            .map(drop)
            .map_err(unavailable)
    }
}

pub(super) const FIND: &str = "SELECT d.seq FROM rooms AS r
     CROSS JOIN delivered AS d ON d.room_no = r.room_no
     WHERE r.id = ?1 AND d.user = ?2";

impl Reader {
    pub(super) fn delivered(&self, room: &RoomId, user: &UserId) -> Result<Seq, StoreError> {
        self.connection
            .prepare_cached(FIND)
            .and_then(|mut statement| {
                let mark = |row: &rusqlite::Row<'_>| rooms::seq(row, 0);
                statement
                    .query_row([room.as_str(), user.as_str()], mark)
                    .optional()
            })
            .map(|mark| mark.unwrap_or(Seq::ZERO))
            .map_err(unavailable)
    }
}
