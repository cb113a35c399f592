//! What the writer remembers of the tables, as of now within an open transaction.

use std::collections::HashMap;

use madang_domain::ports::StoreError;
use madang_domain::{Person, RoomDetail, RoomHead, RoomId, Standing, UserId};

use super::members;
use super::rooms::{self, RoomRow};
use super::sql::{execute, first};
use super::tail::End;
use super::writer::Writer;

/// Entries of each map. A full one is emptied: refilling costs one look-up each, less than keeping
/// an order of use.
const ENTRIES: usize = 16_384;

/// Emptied when a transaction fails.
#[derive(Debug, Default)]
pub(super) struct Memory {
    rooms: HashMap<RoomId, CachedRoom>,
    users: HashMap<UserId, i64>,
    /// By number of the room.
    standings: HashMap<(i64, UserId), Standing>,
}

/// A room as the writer sees it, its unmerged entries included.
#[derive(Debug, Clone)]
pub(super) struct CachedRoom {
    pub(super) room_no: i64,
    pub(super) head: RoomHead,
    /// How many countable entries the log had, ever.
    pub(super) n: u64,
    /// [`CachedRoom::n`] before the oldest entry.
    pub(super) oldest_n: u64,
    pub(super) detail: RoomDetail,
}

impl Memory {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keeps the memory bounded; between transactions only.
    pub(super) fn trim(&mut self) {
        if self.rooms.len() > ENTRIES {
            self.rooms.clear();
        }
        if self.users.len() > ENTRIES {
            self.users.clear();
        }
        if self.standings.len() > ENTRIES {
            self.standings.clear();
        }
    }

    /// The room, if it is remembered.
    pub(super) fn room(&self, id: &RoomId) -> Option<&CachedRoom> {
        self.rooms.get(id)
    }

    pub(super) fn room_mut(&mut self, id: &RoomId) -> Option<&mut CachedRoom> {
        self.rooms.get_mut(id)
    }

    pub(super) fn forget_room(&mut self, id: &RoomId) {
        self.rooms.remove(id);
    }

    pub(super) fn set_standing(&mut self, room_no: i64, user: &UserId, standing: Standing) {
        self.standings.insert((room_no, user.clone()), standing);
    }
}

impl Writer {
    /// The room as it is now; remembered.
    pub(super) fn load_room(&mut self, id: &RoomId) -> Result<Option<&CachedRoom>, StoreError> {
        if !self.memory.rooms.contains_key(id) {
            let Some(row) = rooms::find(&self.connection, id)? else {
                return Ok(None);
            };
            let end = self.tail.end_of_writer(row.room_no, row.log.end);
            self.memory.rooms.insert(id.clone(), cached(row, end));
        }
        Ok(self.memory.rooms.get(id))
    }

    /// What a user is to a room; remembered.
    pub(super) fn standing(&mut self, room_no: i64, user: &UserId) -> Result<Standing, StoreError> {
        let key = (room_no, user.clone());
        if let Some(standing) = self.memory.standings.get(&key) {
            return Ok(*standing);
        }
        let standing = members::standing(&self.connection, room_no, user)?;
        self.memory.standings.insert(key, standing);
        Ok(standing)
    }

    /// The user's number; `None` for one who is not known.
    pub(super) fn user_no(&mut self, user: &UserId) -> Result<Option<i64>, StoreError> {
        if let Some(user_no) = self.memory.users.get(user) {
            return Ok(Some(*user_no));
        }
        let find = "SELECT user_no FROM users WHERE id = ?1";
        let found = first(&self.connection, find, [user.as_str()], |row| row.get(0))?;
        if let Some(user_no) = found {
            self.memory.users.insert(user.clone(), user_no);
        }
        Ok(found)
    }

    /// Makes a person known; by that name, where there was none.
    pub(super) fn know(&mut self, person: &Person) -> Result<i64, StoreError> {
        let name = person.name.as_deref();
        let Some(user_no) = self.user_no(&person.user)? else {
            let insert = "INSERT INTO users (id, name) VALUES (?1, ?2)";
            execute(&self.connection, insert, (person.user.as_str(), name))?;
            let user_no = self.connection.last_insert_rowid();
            self.memory.users.insert(person.user.clone(), user_no);
            return Ok(user_no);
        };
        if name.is_some() {
            let name_it = "UPDATE users SET name = ?2 WHERE user_no = ?1 AND name IS NULL";
            execute(&self.connection, name_it, (user_no, name))?;
        }
        Ok(user_no)
    }
}

fn cached(row: RoomRow, end: End) -> CachedRoom {
    let head = RoomHead {
        last: end.seq,
        ..row.room.head
    };
    CachedRoom {
        room_no: row.room_no,
        head,
        n: end.n,
        oldest_n: row.log.oldest_n,
        detail: row.room.detail,
    }
}
