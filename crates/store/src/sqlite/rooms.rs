//! Rooms and the support desk's view of them.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{
    Agent, Caller, ClaimOutcome, Epoch, Room, RoomHead, RoomId, Seq, Support, SupportState,
    Timestamp, UserId,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::unavailable;
use super::merge::Work;
use super::reader::Reader;
use super::writer::Writer;

/// A room as the tables have it: `head.last` counts merged messages only.
pub(super) struct RoomRow {
    pub(super) room_no: i64,
    pub(super) room: Room,
}

macro_rules! select_room {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT r.room_no, r.id, r.epoch, r.created_at, r.customer, r.member_id, r.nickname,
                    r.state, r.agent, r.agent_name, r.inquired_at, r.access_version,
                    l.last_seq, l.oldest_seq
             FROM ",
            $from,
            " CROSS JOIN logs AS l ON l.room_no = r.room_no ",
            $rest
        )
    };
}

pub(super) const FIND: &str = select_room!("rooms AS r", "WHERE r.id = ?1");
pub(super) const WAITING: &str = select_room!(
    "rooms AS r INDEXED BY rooms_waiting",
    "WHERE r.state = 0 ORDER BY r.inquired_at, r.room_no LIMIT ?1"
);
pub(super) const OF_AGENT: &str = select_room!(
    "rooms AS r INDEXED BY rooms_assigned",
    "WHERE r.state = 1 AND r.agent = ?1 ORDER BY r.inquired_at, r.room_no LIMIT ?2"
);
pub(super) const HEAD: &str =
    "SELECT r.room_no, r.epoch, r.access_version, l.last_seq, l.oldest_seq
     FROM rooms AS r CROSS JOIN logs AS l ON l.room_no = r.room_no
     WHERE r.id = ?1";

pub(super) fn find(connection: &Connection, id: &RoomId) -> Result<Option<RoomRow>, StoreError> {
    connection
        .prepare_cached(FIND)
        .and_then(|mut statement| statement.query_row([id.as_str()], room_row).optional())
        .map_err(unavailable)
}

/// A stored text that breaks the rules of ids, or a number out of range: not written by us.
pub(super) fn damaged(column: usize, what: impl std::fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.to_string().into())
}

pub(super) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    number(row, column).map(Seq::new)
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let n = row.get::<_, i64>(column)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, n))
}

fn user_id(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let text = row.get_ref(column)?.as_str()?;
    UserId::new(text).map_err(|error| damaged(column, error))
}

fn support(row: &Row<'_>) -> rusqlite::Result<Support> {
    let state = match row.get::<_, u8>(7)? {
        0 => SupportState::Waiting,
        1 => SupportState::Assigned(Agent {
            user: user_id(row, 8)?,
            name: row.get(9)?,
        }),
        2 => SupportState::Completed,
        other => return Err(damaged(7, format_args!("no such state: {other}"))),
    };
    Ok(Support {
        customer: user_id(row, 4)?,
        member_id: row.get(5)?,
        nickname: row.get(6)?,
        state,
        inquired_at: Timestamp::from_micros(row.get(10)?),
    })
}

fn room_row(row: &Row<'_>) -> rusqlite::Result<RoomRow> {
    let id = RoomId::new(row.get_ref(1)?.as_str()?).map_err(|error| damaged(1, error))?;
    let room = Room {
        id,
        head: RoomHead {
            epoch: Epoch::new(number(row, 2)?),
            last: seq(row, 12)?,
            oldest: seq(row, 13)?,
            access_version: number(row, 11)?,
        },
        created_at: Timestamp::from_micros(row.get(3)?),
        support: support(row)?,
    };
    Ok(RoomRow {
        room_no: row.get(0)?,
        room,
    })
}

/// A room's number and its head in the tables.
pub(super) fn find_head(
    connection: &Connection,
    id: &RoomId,
) -> Result<Option<(i64, RoomHead)>, StoreError> {
    let read = |row: &Row<'_>| {
        let head = RoomHead {
            epoch: Epoch::new(number(row, 1)?),
            access_version: number(row, 2)?,
            last: seq(row, 3)?,
            oldest: seq(row, 4)?,
        };
        Ok((row.get(0)?, head))
    };
    connection
        .prepare_cached(HEAD)
        .and_then(|mut statement| statement.query_row([id.as_str()], read).optional())
        .map_err(unavailable)
}

/// A limit as SQLite takes it; more rows than it can count do not exist.
pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Writer {
    /// Also answers the room as it is when nothing has to change.
    pub(super) fn open_support_room(
        &mut self,
        id: &RoomId,
        customer: &Caller,
        now: Timestamp,
    ) -> Result<Room, StoreError> {
        self.rooms.remove(id);
        let result = self.transaction(|writer| {
            let name = customer.name.as_deref();
            let member = customer.member_id.as_deref();
            let updated = writer
                .connection
                .prepare_cached(
                    "UPDATE rooms SET member_id = coalesce(?2, member_id),
                                      nickname = coalesce(?3, nickname)
                     WHERE id = ?1 AND (member_id IS NOT coalesce(?2, member_id)
                                        OR nickname IS NOT coalesce(?3, nickname))",
                )
                .and_then(|mut statement| statement.execute(params![id.as_str(), member, name]))
                .map_err(unavailable)?;
            if updated == 0 && writer.load_room(id)?.is_none() {
                writer.insert_room(id, customer, now)?;
            }
            match writer.load_room(id)? {
                Some(cached) => Ok(cached.room.clone()),
                None => Err(StoreError::Corrupt("a room was not stored".to_owned())),
            }
        });
        if matches!(&result, Ok(room) if room.head.last == Seq::ZERO) {
            // Most rooms are opened long before they are written to, if ever: the cache is for
            // those that are.
            self.rooms.remove(id);
        }
        self.trim_cache();
        result
    }

    fn insert_room(
        &self,
        id: &RoomId,
        customer: &Caller,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let epoch = Epoch::new(rand::random()).get().cast_signed();
        let insert = || {
            self.connection
                .prepare_cached(
                    "INSERT INTO rooms (id, epoch, created_at, customer, member_id, nickname,
                                        state, inquired_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?3)",
                )?
                .execute(params![
                    id.as_str(),
                    epoch,
                    now.as_micros(),
                    customer.user.as_str(),
                    customer.member_id.as_deref(),
                    customer.name.as_deref(),
                ])?;
            self.connection
                .prepare_cached("INSERT INTO logs (room_no) VALUES (last_insert_rowid())")?
                .execute([])
        };
        insert().map(drop).map_err(unavailable)
    }

    pub(super) fn claim_room(
        &mut self,
        id: &RoomId,
        agent: &Agent,
    ) -> Result<ClaimOutcome, StoreError> {
        self.rooms.remove(id);
        self.transaction(|writer| {
            let won = writer
                .connection
                .prepare_cached(
                    "UPDATE rooms SET state = 1, agent = ?2, agent_name = ?3,
                                      access_version = access_version + 1
                     WHERE id = ?1 AND state = 0",
                )
                .and_then(|mut statement| {
                    statement.execute(params![id.as_str(), agent.user.as_str(), &*agent.name])
                })
                .map_err(unavailable)?;
            if won == 1 {
                return Ok(ClaimOutcome::Won);
            }
            let Some(row) = find(&writer.connection, id)? else {
                return Ok(ClaimOutcome::NoSuchRoom);
            };
            Ok(match row.room.support.state {
                SupportState::Assigned(holder) if holder.user == agent.user => {
                    ClaimOutcome::AlreadyYours
                }
                SupportState::Assigned(holder) => ClaimOutcome::TakenBy(holder),
                SupportState::Waiting | SupportState::Completed => ClaimOutcome::NotWaiting,
            })
        })
    }

    pub(super) fn complete_room(
        &mut self,
        id: &RoomId,
        agent: &UserId,
    ) -> Result<bool, StoreError> {
        self.rooms.remove(id);
        self.transaction(|writer| {
            writer
                .connection
                .prepare_cached(
                    "UPDATE rooms SET state = 2, agent = NULL, agent_name = NULL,
                                      access_version = access_version + 1
                     WHERE id = ?1 AND state = 1 AND agent = ?2",
                )
                .and_then(|mut statement| statement.execute([id.as_str(), agent.as_str()]))
                .map(|changed| changed == 1)
                .map_err(unavailable)
        })
    }

    /// Takes the room away at once; its rows go later, see [`Writer::merge_some`].
    pub(super) fn delete_room(&mut self, id: &RoomId) -> Result<bool, StoreError> {
        self.rooms.remove(id);
        let deleted = self.transaction(|writer| {
            let Some((room_no, head)) = find_head(&writer.connection, id)? else {
                return Ok(None);
            };
            let oldest = head.oldest.get().cast_signed();
            let last = head.last.get().cast_signed();
            let delete = || {
                let connection = &writer.connection;
                connection
                    .prepare_cached("INSERT INTO purges VALUES (?1, ?2, ?3)")?
                    .execute(params![room_no, oldest, last])?;
                connection
                    .prepare_cached("DELETE FROM logs WHERE room_no = ?1")?
                    .execute([room_no])?;
                connection
                    .prepare_cached("DELETE FROM rooms WHERE room_no = ?1")?
                    .execute([room_no])
            };
            delete().map_err(unavailable)?;
            Ok(Some(room_no))
        })?;
        let Some(room_no) = deleted else {
            return Ok(false);
        };
        for message in self.tail.oldest(room_no, usize::MAX) {
            self.forget_id(room_no, &message);
        }
        self.tail.remove_to(room_no, Seq::MAX);
        if matches!(self.work, Work::Idle) {
            self.work = Work::Purging;
        }
        Ok(true)
    }
}

impl Reader {
    pub(super) fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self
            .with_last(|connection| Ok(find(connection, id)?.into_iter().collect()))?
            .pop())
    }

    pub(super) fn waiting_rooms(&self, limit: usize) -> Result<Vec<Room>, StoreError> {
        self.with_last(|connection| list(connection, WAITING, params![sql_limit(limit)]))
    }

    pub(super) fn rooms_of_agent(
        &self,
        agent: &UserId,
        limit: usize,
    ) -> Result<Vec<Room>, StoreError> {
        let values = (agent.as_str(), sql_limit(limit));
        self.with_last(|connection| list(connection, OF_AGENT, values))
    }

    pub(super) fn heads(&self, ids: &[RoomId]) -> Result<Vec<Option<RoomHead>>, StoreError> {
        self.snapshot(|connection, snapshot, tail| {
            let mut heads = ids
                .iter()
                .map(|id| find_head(connection, id))
                .collect::<Result<Vec<_>, _>>()?;
            let merged = heads.iter().flatten().map(|(no, head)| (*no, head.last));
            let last = match tail.last_of_each(snapshot, merged) {
                Ok(last) => last,
                Err(outdated) => return Ok(Err(outdated)),
            };
            for ((_, head), last) in heads.iter_mut().flatten().zip(last) {
                head.last = last;
            }
            Ok(Ok(heads.into_iter().map(|head| Some(head?.1)).collect()))
        })
    }

    /// Rooms with the newest message counted in.
    fn with_last(
        &self,
        find: impl Fn(&Connection) -> Result<Vec<RoomRow>, StoreError>,
    ) -> Result<Vec<Room>, StoreError> {
        self.snapshot(|connection, snapshot, tail| {
            let rows = find(connection)?;
            let merged = rows.iter().map(|row| (row.room_no, row.room.head.last));
            let last = match tail.last_of_each(snapshot, merged) {
                Ok(last) => last,
                Err(outdated) => return Ok(Err(outdated)),
            };
            let mut rooms: Vec<Room> = rows.into_iter().map(|row| row.room).collect();
            for (room, last) in rooms.iter_mut().zip(last) {
                room.head.last = last;
            }
            Ok(Ok(rooms))
        })
    }
}

fn list(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<RoomRow>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(values, room_row)?.collect())
        .map_err(unavailable)
}

/// What opening a room needs of the customer, whether or not the room is there.
pub(super) fn is_fresh(room: &Room, customer: &Caller) -> bool {
    let same = |seen: &Option<Arc<str>>, now: &Option<Arc<str>>| now.is_none() || seen == now;
    same(&room.support.nickname, &customer.name)
        && same(&room.support.member_id, &customer.member_id)
}
