//! What is remembered of the tables, as of now within an open transaction.

use std::collections::{BTreeSet, HashMap};

use madang_domain::ports::StoreError;
use madang_domain::{Person, RoomDetail, RoomHead, RoomId, Standing, UserId};

use super::change::Change;
use super::database::{Database, Value, execute, first, values};
use super::log::End;
use super::members;
use super::rooms::{self, RoomRow};

/// Entries of each map. A full one is emptied: refilling costs one look-up each, less than keeping
/// an order of use.
const ENTRIES: usize = 16_384;

/// Emptied when a transaction fails.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    rooms: HashMap<RoomId, CachedRoom>,
    users: HashMap<UserId, i64>,
    /// By number of the room.
    standings: HashMap<(i64, UserId), Standing>,
}

/// A room as the writer sees it, its unmerged entries included.
#[derive(Debug, Clone)]
pub(crate) struct CachedRoom {
    pub(crate) room_no: i64,
    pub(crate) head: RoomHead,
    /// How many countable entries the log had, ever.
    pub(crate) n: u64,
    /// [`CachedRoom::n`] before the oldest entry.
    pub(crate) oldest_n: u64,
    pub(crate) detail: RoomDetail,
}

impl Memory {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets what others may change meanwhile: all but the numbers of users, which stay.
    pub(crate) fn forget_what_changes(&mut self) {
        self.rooms.clear();
        self.standings.clear();
    }

    /// Keeps the memory bounded; between transactions only.
    pub(crate) fn trim(&mut self) {
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
    pub(crate) fn room(&self, id: &RoomId) -> Option<&CachedRoom> {
        self.rooms.get(id)
    }

    pub(crate) fn room_mut(&mut self, id: &RoomId) -> Option<&mut CachedRoom> {
        self.rooms.get_mut(id)
    }

    pub(crate) fn forget_room(&mut self, id: &RoomId) {
        self.rooms.remove(id);
    }

    pub(crate) fn set_standing(&mut self, room_no: i64, user: &UserId, standing: Standing) {
        self.standings.insert((room_no, user.clone()), standing);
    }
}

impl Change<'_> {
    /// The room as it is now; remembered.
    pub(crate) fn load_room(&mut self, id: &RoomId) -> Result<Option<&CachedRoom>, StoreError> {
        if !self.memory.rooms.contains_key(id) {
            self.database.lock_rooms(&[id])?;
            let Some(row) = rooms::find(self.database, id)? else {
                return Ok(None);
            };
            let end = self.log.end(row.room_no, row.log.end);
            self.memory.rooms.insert(id.clone(), cached(row, end));
        }
        Ok(self.memory.rooms.get(id))
    }

    /// What a user is to a room; remembered.
    pub(crate) fn standing(&mut self, room_no: i64, user: &UserId) -> Result<Standing, StoreError> {
        let key = (room_no, user.clone());
        if let Some(standing) = self.memory.standings.get(&key) {
            return Ok(*standing);
        }
        let standing = members::standing(self.database, room_no, user)?;
        self.memory.standings.insert(key, standing);
        Ok(standing)
    }

    /// The user's number; `None` for one who is not known.
    pub(crate) fn user_no(&mut self, user: &UserId) -> Result<Option<i64>, StoreError> {
        user_no(self.database, self.memory, user)
    }

    /// Makes a person known; by that name, where there was none.
    pub(crate) fn know(&mut self, person: &Person) -> Result<i64, StoreError> {
        know(self.database, self.memory, person)
    }
}

/// Loads rooms, and keeps others from changing them.
pub(crate) fn load_rooms(
    database: &dyn Database,
    memory: &mut Memory,
    rooms: &BTreeSet<&RoomId>,
) -> Result<(), StoreError> {
    if rooms.is_empty() {
        return Ok(());
    }
    let ids: Vec<&RoomId> = rooms.iter().copied().collect();
    database.lock_rooms(&ids)?;
    let keys: Vec<Value<'_>> = ids.iter().map(|id| id.as_str().into()).collect();
    database.query_each(rooms::FIND, &keys, &mut |row| {
        let row = rooms::room_row(row)?;
        let end = row.log.end;
        memory.rooms.insert(row.room.id.clone(), cached(row, end));
        Ok(())
    })
}

pub(crate) fn user_no(
    database: &dyn Database,
    memory: &mut Memory,
    user: &UserId,
) -> Result<Option<i64>, StoreError> {
    if let Some(user_no) = memory.users.get(user) {
        return Ok(Some(*user_no));
    }
    let find = "SELECT user_no FROM users WHERE id = ?1";
    let found = first(database, find, values![user.as_str()], |row| row.int(0))?;
    if let Some(user_no) = found {
        memory.users.insert(user.clone(), user_no);
    }
    Ok(found)
}

pub(crate) fn know(
    database: &dyn Database,
    memory: &mut Memory,
    person: &Person,
) -> Result<i64, StoreError> {
    let name = person.name.as_deref();
    let Some(user_no) = user_no(database, memory, &person.user)? else {
        let insert = "INSERT INTO users (id, name) VALUES (?1, ?2)";
        let user_no = database.insert(insert, "user_no", values![person.user.as_str(), name])?;
        memory.users.insert(person.user.clone(), user_no);
        return Ok(user_no);
    };
    if name.is_some() {
        let name_it = "UPDATE users SET name = ?2 WHERE user_no = ?1 AND name IS NULL";
        execute(database, name_it, values![user_no, name])?;
    }
    Ok(user_no)
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
