//! Delivered and read marks.

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Marks, RoomId, Seq, UserId};

use super::change::Change;
use super::database::{
    Database, all, execute, first, first_locked, number, seq, sql_limit, user_id, values,
};
use super::gathered::Mark;
use super::memory::CachedRoom;
use super::read::{Halt, Read};
use super::rooms::find_log;

pub(crate) const DELIVERED: &str = "SELECT d.seq FROM rooms AS r
     CROSS JOIN delivered AS d ON d.room_no = r.room_no
     WHERE r.id = ?1 AND d.\"user\" = ?2";
pub(crate) const OF_ROOM: &str =
    "SELECT m.id, m.read_seq, CASE WHEN d.seq > m.read_seq THEN d.seq ELSE m.read_seq END
     FROM members AS m INDEXED BY members_by_mark
         LEFT JOIN delivered AS d ON d.room_no = m.room_no AND d.\"user\" = m.id
     WHERE m.room_no = ?1 ORDER BY m.read_seq DESC LIMIT ?2";
const KEEP_DELIVERED: &str = "INSERT INTO delivered (room_no, \"user\", seq)
     SELECT room_no, ?2, ?4 FROM rooms WHERE id = ?1 AND epoch = ?3
     ON CONFLICT (room_no, \"user\") DO UPDATE
     SET seq = CASE WHEN excluded.seq > delivered.seq THEN excluded.seq ELSE delivered.seq END";
const RAISE_DELIVERED: &str = "INSERT INTO delivered (room_no, \"user\", seq) VALUES (?1, ?2, ?3)
     ON CONFLICT (room_no, \"user\") DO UPDATE
     SET seq = CASE WHEN excluded.seq > delivered.seq THEN excluded.seq ELSE delivered.seq END";
pub(crate) const READ: &str = "SELECT read_seq FROM members WHERE user_no = ?1 AND room_no = ?2";
pub(crate) const COUNTED_TO: &str = "SELECT n FROM messages WHERE room_no = ?1 AND seq = ?2";

impl Change<'_> {
    pub(crate) fn keep_delivered(&self, mark: &Mark) -> Result<(), StoreError> {
        execute(
            self.database,
            KEEP_DELIVERED,
            values![
                mark.room.as_str(),
                mark.user.as_str(),
                mark.position.epoch.get().cast_signed(),
                mark.position.seq,
            ],
        )
        .map(drop)
    }

    pub(crate) fn keep_read(&mut self, mark: &Mark) -> Result<Option<ReadMark>, StoreError> {
        self.load_room(&mark.room)?;
        let user_no = self.user_no(&mark.user)?;
        let (Some(room), Some(user_no)) = (self.memory.room(&mark.room), user_no) else {
            return Ok(None);
        };
        let epoch = room.head.epoch;
        if mark.position.epoch != epoch {
            return Ok(None);
        }
        let member = values![user_no, room.room_no];
        let Some(before) = first_locked(self.database, READ, member, |row| seq(row, 0))? else {
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
        let room_no = room.room_no;
        let own = match now == room.head.last {
            true => 0,
            false => {
                let of = [user_no, room_no];
                (self.log).own_behind(self.database, &mark.user, of, now)?
            }
        };
        execute(
            self.database,
            "UPDATE members SET read_seq = ?3, read_n = ?4, own = ?5
             WHERE user_no = ?1 AND room_no = ?2",
            values![user_no, room_no, now, n, own],
        )?;
        execute(
            self.database,
            RAISE_DELIVERED,
            values![room_no, mark.user.as_str(), now],
        )?;
        let support = room.detail.support();
        if support.is_some_and(|support| support.is_assigned_to(&mark.user)) {
            execute(
                self.database,
                "UPDATE rooms SET desk_read = ?2, desk_read_n = ?3
                 WHERE room_no = ?1 AND desk_read < ?2",
                values![room_no, now, n],
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
        if let Some((_, n)) = self.log.newest(room.room_no, to) {
            return Ok(n);
        }
        let values = values![room.room_no, to];
        let n = first(self.database, COUNTED_TO, values, |row| number(row, 0))?;
        n.ok_or_else(|| StoreError::Corrupt("a log has a hole".to_owned()))
    }
}

impl Read<'_> {
    pub(crate) fn marks(&self, room: &RoomId, limit: usize) -> Result<Option<Vec<Marks>>, Halt> {
        let Some((room, _)) = find_log(self.database, room)? else {
            return Ok(None);
        };
        let values = values![room.room_no, sql_limit(limit)];
        let marks = all(self.database, OF_ROOM, values, |row| {
            Ok(Marks {
                user: user_id(row, 0)?,
                read: seq(row, 1)?,
                delivered: seq(row, 2)?,
            })
        })?;
        Ok(Some(marks))
    }
}

pub(crate) fn delivered(
    database: &dyn Database,
    room: &RoomId,
    user: &UserId,
) -> Result<Seq, StoreError> {
    let key = values![room.as_str(), user.as_str()];
    let mark = first(database, DELIVERED, key, |row| seq(row, 0))?;
    Ok(mark.unwrap_or(Seq::ZERO))
}
