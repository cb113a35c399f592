//! Delivered marks.

use madang_domain::ports::StoreError;
use madang_domain::{Position, RoomId, Seq, UserId};
use rusqlite::{OptionalExtension, params};

use super::connection::unavailable;
use super::reader::Reader;
use super::rooms;
use super::writer::Writer;

impl Writer {
    pub(super) fn advance_delivered(
        &mut self,
        room: &RoomId,
        user: &UserId,
        position: Position,
    ) -> Result<(), StoreError> {
        self.transaction(|writer| {
            writer
                .connection
                .prepare_cached(
                    "INSERT INTO delivered (room_no, user, seq)
                     SELECT room_no, ?2, ?4 FROM rooms WHERE id = ?1 AND epoch = ?3
                     ON CONFLICT (room_no, user) DO UPDATE SET seq = excluded.seq
                     WHERE excluded.seq > seq",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        room.as_str(),
                        user.as_str(),
                        position.epoch.get().cast_signed(),
                        position.seq.get().cast_signed(),
                    ])
                })
                .map(drop)
                .map_err(unavailable)
        })
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
