//! Delivered and read marks.

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Marks, RoomId, Seq, UserId};
use rusqlite::params;

use super::gathered::Mark;
use super::memory::CachedRoom;
use super::reader::Reader;
use super::rooms::find_log;
use super::sent;
use super::sql::{all, execute, first, number, seq, signed, sql_limit, user_id};
use super::writer::Writer;

pub(super) const DELIVERED: &str = "SELECT d.seq FROM rooms AS r
     CROSS JOIN delivered AS d ON d.room_no = r.room_no
     WHERE r.id = ?1 AND d.user = ?2";
pub(super) const OF_ROOM: &str = "SELECT m.id, m.read_seq, max(m.read_seq, coalesce(d.seq, 0))
     FROM members AS m INDEXED BY members_by_mark
         LEFT JOIN delivered AS d ON d.room_no = m.room_no AND d.user = m.id
     WHERE m.room_no = ?1 ORDER BY m.read_seq DESC LIMIT ?2";
pub(super) const READ: &str = "SELECT read_seq FROM members WHERE user_no = ?1 AND room_no = ?2";
pub(super) const COUNTED_TO: &str = "SELECT n FROM messages WHERE room_no = ?1 AND seq = ?2";

impl Writer {
    pub(super) fn keep_delivered(&self, mark: &Mark) -> Result<(), StoreError> {
        execute(
            &self.connection,
            "INSERT INTO delivered (room_no, user, seq)
             SELECT room_no, ?2, ?4 FROM rooms WHERE id = ?1 AND epoch = ?3
             ON CONFLICT (room_no, user) DO UPDATE SET seq = excluded.seq
             WHERE excluded.seq > seq",
            params![
                mark.room.as_str(),
                mark.user.as_str(),
                mark.position.epoch.get().cast_signed(),
                signed(mark.position.seq),
            ],
        )
        .map(drop)
    }

    pub(super) fn keep_read(&mut self, mark: &Mark) -> Result<Option<ReadMark>, StoreError> {
        self.load_room(&mark.room)?;
        let user_no = self.user_no(&mark.user)?;
        let (Some(room), Some(user_no)) = (self.memory.room(&mark.room), user_no) else {
            return Ok(None);
        };
        let epoch = room.head.epoch;
        if mark.position.epoch != epoch {
            return Ok(None);
        }
        let member = [user_no, room.room_no];
        let Some(before) = first(&self.connection, READ, member, |row| seq(row, 0))? else {
            return Ok(None);
        };
        let now = mark.position.seq.min(room.head.last).max(before);
        if now > before {
            self.raise(room, mark, user_no, now)?;
        }
        Ok(Some(ReadMark { epoch, before, now }))
    }

    fn raise(
        &self,
        room: &CachedRoom,
        mark: &Mark,
        user_no: i64,
        now: Seq,
    ) -> Result<(), StoreError> {
        let n = self.counted_to(room, now)?.cast_signed();
        let (room_no, seq) = (room.room_no, signed(now));
        execute(
            &self.connection,
            "UPDATE members SET read_seq = ?3, read_n = ?4, own = ?5
             WHERE user_no = ?1 AND room_no = ?2",
            [
                user_no,
                room_no,
                seq,
                n,
                sent::behind(&self.connection, [user_no, room_no], now)?,
            ],
        )?;
        execute(
            &self.connection,
            "INSERT INTO delivered (room_no, user, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (room_no, user) DO UPDATE SET seq = excluded.seq
             WHERE excluded.seq > seq",
            params![room_no, mark.user.as_str(), seq],
        )?;
        let support = room.detail.support();
        if support.is_some_and(|support| support.is_assigned_to(&mark.user)) {
            execute(
                &self.connection,
                "UPDATE rooms SET desk_read = ?2, desk_read_n = ?3
                 WHERE room_no = ?1 AND desk_read < ?2",
                [room_no, seq, n],
            )?;
        }
        Ok(())
    }

    /// How many countable entries the log had up to an entry.
    fn counted_to(&self, room: &CachedRoom, to: Seq) -> Result<u64, StoreError> {
        if to == room.head.last {
            return Ok(room.n);
        }
        if to < room.head.oldest {
            return Ok(room.oldest_n);
        }
        if let Some((_, n, _)) = self.tail.one_of_writer(room.room_no, to) {
            return Ok(n);
        }
        let values = [room.room_no, signed(to)];
        let n = first(&self.connection, COUNTED_TO, values, |row| number(row, 0))?;
        n.ok_or_else(|| StoreError::Corrupt("a log has a hole".to_owned()))
    }
}

impl Reader {
    pub(super) fn delivered(&self, room: &RoomId, user: &UserId) -> Result<Seq, StoreError> {
        let key = [room.as_str(), user.as_str()];
        let mark = first(&self.connection, DELIVERED, key, |row| seq(row, 0))?;
        Ok(mark.unwrap_or(Seq::ZERO))
    }

    pub(super) fn marks(
        &self,
        room: &RoomId,
        limit: usize,
    ) -> Result<Option<Vec<Marks>>, StoreError> {
        self.snapshot(|read| {
            let Some((room, _)) = find_log(read.connection, room)? else {
                return Ok(None);
            };
            let values = [room.room_no, sql_limit(limit)];
            let marks = all(read.connection, OF_ROOM, values, |row| {
                Ok(Marks {
                    user: user_id(row, 0)?,
                    read: seq(row, 1)?,
                    delivered: seq(row, 2)?,
                })
            })?;
            Ok(Some(marks))
        })
    }
}
