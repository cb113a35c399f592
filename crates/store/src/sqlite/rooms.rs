//! Rooms as the tables have them, and their lists.

use madang_domain::ports::{RoomView, StoreError};
use madang_domain::{
    Agent, Epoch, Person, Profile, Room, RoomDetail, RoomHead, RoomId, RoomKind, Seq, Support,
    SupportState, UserId,
};
use rusqlite::{Connection, Params, Row, params};

use super::reader::{Halt, Read, Reader};
use super::sql::{all, damaged, first, number, one_of, seq, sql_limit, text, timestamp, user_id};
use super::tail::End;
use crate::numbers;

/// What is merged of a log, and what is still kept of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    pub(super) end: End,
    pub(super) oldest: Seq,
    /// [`End::n`] of the entry before the oldest.
    pub(super) oldest_n: u64,
}

/// A room as the tables have it: `room.head.last` counts merged entries only.
pub(super) struct RoomRow {
    pub(super) room_no: i64,
    pub(super) room: Room,
    pub(super) log: Log,
}

/// A room's number and what does not belong to its log.
pub(super) struct Head {
    pub(super) room_no: i64,
    pub(super) epoch: Epoch,
    access_version: u64,
}

impl Head {
    pub(super) const fn head(&self, last: Seq, oldest: Seq) -> RoomHead {
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

pub(super) const FIND: &str = select_room!("rooms AS r", "WHERE r.id = ?1");
pub(super) const BY_NUMBER: &str = select_room!("rooms AS r", "WHERE r.room_no = ?1");
pub(super) const WAITING: &str = select_room!(
    "rooms AS r INDEXED BY rooms_waiting",
    "WHERE r.state = 0 ORDER BY r.inquired_at, r.room_no LIMIT ?1"
);
pub(super) const OF_AGENT: &str = select_room!(
    "rooms AS r INDEXED BY rooms_assigned",
    "WHERE r.state = 1 AND r.agent = ?1 ORDER BY r.inquired_at, r.room_no LIMIT ?2"
);
pub(super) const OPEN: &str = select_room!(
    "rooms AS r INDEXED BY rooms_open",
    "WHERE r.kind = 3 AND r.room_no < ?1 ORDER BY r.room_no DESC LIMIT ?2"
);
pub(super) const HEAD: &str =
    "SELECT r.room_no, r.epoch, r.access_version, l.last_seq, l.last_n, l.active_at,
            l.oldest_seq, l.oldest_n
     FROM rooms AS r CROSS JOIN logs AS l ON l.room_no = r.room_no
     WHERE r.id = ?1";

pub(super) fn find(connection: &Connection, id: &RoomId) -> Result<Option<RoomRow>, StoreError> {
    first(connection, FIND, [id.as_str()], room_row)
}

pub(super) fn by_number(
    connection: &Connection,
    room_no: i64,
) -> Result<Option<RoomRow>, StoreError> {
    first(connection, BY_NUMBER, [room_no], room_row)
}

/// A room's number, life and log.
pub(super) fn find_log(
    connection: &Connection,
    id: &RoomId,
) -> Result<Option<(Head, Log)>, StoreError> {
    first(connection, HEAD, [id.as_str()], |row| {
        let head = Head {
            room_no: row.get(0)?,
            epoch: Epoch::new(number(row, 1)?),
            access_version: number(row, 2)?,
        };
        Ok((head, log(row, 3)?))
    })
}

pub(super) fn log(row: &Row<'_>, column: usize) -> rusqlite::Result<Log> {
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

pub(super) fn room_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RoomId> {
    let text = row.get_ref(column)?.as_str()?;
    RoomId::kept(text).map_err(|error| damaged(column, error))
}

fn support(row: &Row<'_>, customer: UserId) -> rusqlite::Result<Support> {
    let state = match row.get::<_, u8>(15)? {
        0 => SupportState::Waiting,
        1 => SupportState::Assigned(Agent {
            user: user_id(row, 16)?,
            name: row.get(17)?,
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

fn room_row(row: &Row<'_>) -> rusqlite::Result<RoomRow> {
    let room_no = row.get(0)?;
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
    let owner = match row.get_ref(5)?.as_str_or_null()? {
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

impl Reader {
    pub(super) fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        self.snapshot(|read| read.room(find(read.connection, id)?))
    }

    pub(super) fn room_by_number(&self, number: u64) -> Result<Option<Room>, StoreError> {
        self.snapshot(|read| read.room(by_number(read.connection, number.cast_signed())?))
    }

    pub(super) fn view_room(
        &self,
        id: &RoomId,
        user: &UserId,
    ) -> Result<Option<RoomView>, StoreError> {
        self.snapshot(|read| {
            let Some(row) = find(read.connection, id)? else {
                return Ok(None);
            };
            let standing = super::members::standing(read.connection, row.room_no, user)?;
            let room = read.room(Some(row))?;
            Ok(room.map(|room| RoomView { room, standing }))
        })
    }

    pub(super) fn waiting_rooms(&self, limit: usize) -> Result<Vec<Room>, StoreError> {
        self.snapshot(|read| read.rooms(WAITING, params![sql_limit(limit)]))
    }

    pub(super) fn rooms_of_agent(
        &self,
        agent: &UserId,
        limit: usize,
    ) -> Result<Vec<Room>, StoreError> {
        self.snapshot(|read| read.rooms(OF_AGENT, params![agent.as_str(), sql_limit(limit)]))
    }

    pub(super) fn open_rooms(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Room>, StoreError> {
        let before = after.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        self.snapshot(|read| read.rooms(OPEN, params![before, sql_limit(limit)]))
    }

    pub(super) fn heads(&self, ids: &[RoomId]) -> Result<Vec<Option<RoomHead>>, StoreError> {
        self.snapshot(|read| {
            let found = ids
                .iter()
                .map(|id| find_log(read.connection, id))
                .collect::<Result<Vec<_>, _>>()?;
            let tail = read.tail()?;
            let head = |(head, log): (Head, Log)| {
                let end = tail.end(head.room_no, log.end);
                head.head(end.seq, log.oldest)
            };
            Ok(found.into_iter().map(|found| found.map(head)).collect())
        })
    }
}

impl Read<'_> {
    /// The room with its newest entry counted in.
    pub(super) fn room(&self, row: Option<RoomRow>) -> Result<Option<Room>, Halt> {
        Ok(self.with_last(row.into_iter().collect())?.pop())
    }

    fn rooms(&self, sql: &str, values: impl Params) -> Result<Vec<Room>, Halt> {
        self.with_last(all(self.connection, sql, values, room_row)?)
    }

    fn with_last(&self, rows: Vec<RoomRow>) -> Result<Vec<Room>, Halt> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let tail = self.tail()?;
        let with_last = |mut row: RoomRow| {
            row.room.head.last = tail.end(row.room_no, row.log.end).seq;
            row.room
        };
        Ok(rows.into_iter().map(with_last).collect())
    }
}
