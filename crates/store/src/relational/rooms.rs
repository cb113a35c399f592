//! Rooms as the tables have them, and their lists.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::ports::{RoomView, StoreError};
use madang_domain::{
    Agent, Epoch, Person, Profile, Room, RoomDetail, RoomHead, RoomId, RoomKind, Seq, Support,
    SupportState, UserId,
};

use super::database::{
    Database, Row, Value, all, damaged, first, number, one_of, seq, sql_limit, text, timestamp,
    user_id, values,
};
use super::log::End;
use super::read::{Halt, Read};
use crate::numbers;

/// What is merged of a log, and what is still kept of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    pub(crate) end: End,
    pub(crate) oldest: Seq,
    /// [`End::n`] of the entry before the oldest.
    pub(crate) oldest_n: u64,
}

/// A room as the tables have it: `room.head.last` counts merged entries only.
pub(crate) struct RoomRow {
    pub(crate) room_no: i64,
    pub(crate) room: Room,
    pub(crate) log: Log,
}

/// A room's number and what does not belong to its log.
pub(crate) struct Head {
    pub(crate) room_no: i64,
    pub(crate) epoch: Epoch,
    access_version: u64,
}

impl Head {
    pub(crate) const fn head(&self, last: Seq, oldest: Seq) -> RoomHead {
        RoomHead {
            epoch: self.epoch,
            last,
            oldest,
            access_version: self.access_version,
        }
    }
}

macro_rules! select_room {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT r.room_no, r.id, r.kind, r.epoch, r.created_at, r.owner, u.name, r.title,
                    r.description, r.picture, r.context, r.member_count, r.access_version,
                    r.member_id, r.nickname, r.state, r.agent, r.agent_name, r.inquired_at,
                    l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
             FROM ",
            $from,
            " CROSS JOIN logs AS l ON l.room_no = r.room_no LEFT JOIN users AS u ON u.id = r.owner ",
            $rest
        )
    };
}

pub(crate) const FIND: &str = select_room!("rooms AS r", "WHERE r.id = ?1");
pub(crate) const BY_NUMBER: &str = select_room!("rooms AS r", "WHERE r.room_no = ?1");
pub(crate) const WAITING: &str = select_room!(
    "rooms AS r INDEXED BY rooms_waiting",
    "WHERE r.state = 0 ORDER BY r.inquired_at, r.room_no LIMIT ?1"
);
pub(crate) const OF_AGENT: &str = select_room!(
    "rooms AS r INDEXED BY rooms_assigned",
    "WHERE r.state = 1 AND r.agent = ?1 ORDER BY r.inquired_at, r.room_no LIMIT ?2"
);
pub(crate) const OPEN: &str = select_room!(
    "rooms AS r INDEXED BY rooms_open",
    "WHERE r.kind = 3 AND r.room_no < ?1 ORDER BY r.room_no DESC LIMIT ?2"
);
pub(crate) const HEAD: &str =
    "SELECT r.room_no, r.epoch, r.access_version, l.last_seq, l.last_n, l.active_at,
            l.oldest_seq, l.oldest_n, r.id
     FROM rooms AS r CROSS JOIN logs AS l ON l.room_no = r.room_no
     WHERE r.id = ?1";

pub(crate) fn find(database: &dyn Database, id: &RoomId) -> Result<Option<RoomRow>, StoreError> {
    first(database, FIND, values![id.as_str()], room_row)
}

pub(crate) fn by_number(
    database: &dyn Database,
    room_no: i64,
) -> Result<Option<RoomRow>, StoreError> {
    first(database, BY_NUMBER, values![room_no], room_row)
}

/// Rooms by their numbers.
pub(crate) fn by_numbers(
    database: &dyn Database,
    numbers: &[i64],
) -> Result<HashMap<i64, RoomRow>, StoreError> {
    let keys: Vec<Value<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    let mut found = HashMap::with_capacity(keys.len());
    database.query_each(BY_NUMBER, &keys, &mut |row| {
        let row = room_row(row)?;
        found.insert(row.room_no, row);
        Ok(())
    })?;
    Ok(found)
}

/// A room's number, life and log.
pub(crate) fn find_log(
    database: &dyn Database,
    id: &RoomId,
) -> Result<Option<(Head, Log)>, StoreError> {
    first(database, HEAD, values![id.as_str()], head_and_log)
}

fn head_and_log(row: &dyn Row) -> Result<(Head, Log), StoreError> {
    let head = Head {
        room_no: row.int(0)?,
        epoch: Epoch::new(number(row, 1)?),
        access_version: number(row, 2)?,
    };
    Ok((head, log(row, 3)?))
}

pub(crate) fn log(row: &dyn Row, column: usize) -> Result<Log, StoreError> {
    Ok(Log {
        end: End {
            seq: seq(row, column)?,
            n: number(row, column + 1)?,
            at: timestamp(row, column + 2)?,
        },
        oldest: seq(row, column + 3)?,
        oldest_n: number(row, column + 4)?,
    })
}

pub(crate) fn room_id(row: &dyn Row, column: usize) -> Result<RoomId, StoreError> {
    let text = row.str(column)?;
    RoomId::kept(text).map_err(|error| damaged(column, error))
}

fn support(row: &dyn Row, customer: UserId) -> Result<Support, StoreError> {
    let state = match row.int(15)? {
        0 => SupportState::Waiting,
        1 => SupportState::Assigned(Agent {
            user: user_id(row, 16)?,
            name: Arc::from(row.str(17)?),
        }),
        2 => SupportState::Completed,
        other => return Err(damaged(15, format_args!("no such state: {other}"))),
    };
    Ok(Support {
        customer,
        member_id: text(row, 13)?,
        nickname: text(row, 14)?,
        state,
        inquired_at: timestamp(row, 18)?,
    })
}

pub(crate) fn room_row(row: &dyn Row) -> Result<RoomRow, StoreError> {
    let room_no = row.int(0)?;
    let log = log(row, 19)?;
    let kind = one_of(row, 2, numbers::room_kind)?;
    let (detail, name) = match kind {
        RoomKind::Support => {
            let support = support(row, user_id(row, 5)?)?;
            let name = support.nickname.clone();
            (RoomDetail::Support(support), name)
        }
        RoomKind::Direct => (RoomDetail::Direct, text(row, 6)?),
        RoomKind::Group => (RoomDetail::Group, text(row, 6)?),
        RoomKind::Open => (RoomDetail::Open, text(row, 6)?),
        RoomKind::Desk => (RoomDetail::Desk, None),
        RoomKind::Inbox => (RoomDetail::Inbox(user_id(row, 5)?), text(row, 6)?),
    };
    let owner = match row.opt_str(5)? {
        Some(_) => Some(Person {
            user: user_id(row, 5)?,
            name,
        }),
        None => None,
    };
    let room = Room {
        id: room_id(row, 1)?,
        number: number(row, 0)?,
        head: RoomHead {
            epoch: Epoch::new(number(row, 3)?),
            last: log.end.seq,
            oldest: log.oldest,
            access_version: number(row, 12)?,
        },
        created_at: timestamp(row, 4)?,
        detail,
        profile: Profile {
            title: text(row, 7)?,
            description: text(row, 8)?,
            picture: text(row, 9)?,
            context: text(row, 10)?,
        },
        owner,
        member_count: number(row, 11)?,
    };
    Ok(RoomRow { room_no, room, log })
}

impl Read<'_> {
    pub(crate) fn room(&self, id: &RoomId) -> Result<Option<Room>, Halt> {
        self.with_newest(find(self.database, id)?)
    }

    pub(crate) fn room_by_number(&self, number: u64) -> Result<Option<Room>, Halt> {
        self.with_newest(by_number(self.database, number.cast_signed())?)
    }

    pub(crate) fn view_room(&self, id: &RoomId, user: &UserId) -> Result<Option<RoomView>, Halt> {
        let Some(row) = find(self.database, id)? else {
            return Ok(None);
        };
        let standing = super::members::standing(self.database, row.room_no, user)?;
        let room = self.with_newest(Some(row))?;
        Ok(room.map(|room| RoomView { room, standing }))
    }

    pub(crate) fn waiting_rooms(&self, limit: usize) -> Result<Vec<Room>, Halt> {
        self.rooms(WAITING, values![sql_limit(limit)])
    }

    pub(crate) fn rooms_of_agent(&self, agent: &UserId, limit: usize) -> Result<Vec<Room>, Halt> {
        self.rooms(OF_AGENT, values![agent.as_str(), sql_limit(limit)])
    }

    pub(crate) fn open_rooms(&self, after: Option<u64>, limit: usize) -> Result<Vec<Room>, Halt> {
        let before = after.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        self.rooms(OPEN, values![before, sql_limit(limit)])
    }

    pub(crate) fn heads(&self, ids: &[RoomId]) -> Result<Vec<Option<RoomHead>>, Halt> {
        let mut found = HashMap::with_capacity(ids.len());
        let keys: Vec<Value<'_>> = ids.iter().map(|id| id.as_str().into()).collect();
        self.database.query_each(HEAD, &keys, &mut |row| {
            found.insert(room_id(row, 8)?, head_and_log(row)?);
            Ok(())
        })?;
        let head = |id: &RoomId| {
            let Some((head, log)) = found.get(id) else {
                return Ok(None);
            };
            let end = self.newest.end(head.room_no, log.end)?;
            Ok(Some(head.head(end.seq, log.oldest)))
        };
        ids.iter().map(head).collect()
    }

    /// The room with its newest entry counted in.
    fn with_newest(&self, row: Option<RoomRow>) -> Result<Option<Room>, Halt> {
        Ok(self.with_last(row.into_iter().collect())?.pop())
    }

    fn rooms(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Room>, Halt> {
        self.with_last(all(self.database, sql, values, room_row)?)
    }

    fn with_last(&self, rows: Vec<RoomRow>) -> Result<Vec<Room>, Halt> {
        let with_last = |mut row: RoomRow| {
            row.room.head.last = self.newest.end(row.room_no, row.log.end)?.seq;
            Ok(row.room)
        };
        rows.into_iter().map(with_last).collect()
    }
}
