//! Who belongs to rooms: rows, and what is read of them.

use madang_domain::ports::StoreError;
use madang_domain::{
    Member, MemberRole, Person, RoomId, RoomKind, Seq, Standing, Timestamp, UserId,
};

use super::change::Change;
use super::database::{
    Database, all, execute, first, one_of, seq, sql_limit, text, timestamp, user_id, values,
};
use super::read::{Halt, Read};
use super::rooms::find_log;
use crate::numbers;

pub(crate) const ROLE: &str = "SELECT m.role FROM users AS u
     CROSS JOIN members AS m ON m.user_no = u.user_no AND m.room_no = ?2 WHERE u.id = ?1";
pub(crate) const IS_REMOVED: &str = "SELECT 1 FROM users AS u
     CROSS JOIN removed AS x ON x.room_no = ?2 AND x.user_no = u.user_no WHERE u.id = ?1";
pub(crate) const LIST: &str = "SELECT m.id, u.name, u.picture, m.role, m.joined_at, m.read_seq,
            CASE WHEN d.seq > m.read_seq THEN d.seq ELSE m.read_seq END
     FROM members AS m INDEXED BY members_by_id
         CROSS JOIN users AS u ON u.user_no = m.user_no
         LEFT JOIN delivered AS d ON d.room_no = m.room_no AND d.\"user\" = m.id
     WHERE m.room_no = ?1 AND m.id > ?2 ORDER BY m.id LIMIT ?3";
/// Rooms of one who has few, looked up among those of the other.
pub(crate) const SHARED: &str = "SELECT 1 FROM members AS a
     CROSS JOIN members AS b ON b.user_no = ?2 AND b.room_no = a.room_no
     CROSS JOIN logs AS l ON l.room_no = a.room_no
     WHERE a.user_no = ?1 LIMIT 1";
pub(crate) const ELDEST_MODERATOR: &str = "SELECT id FROM members INDEXED BY members_by_age
     WHERE room_no = ?1 AND role = 1 ORDER BY since, joined_at, id LIMIT 1";
pub(crate) const ELDEST: &str = "SELECT id FROM members INDEXED BY members_by_age
     WHERE room_no = ?1 ORDER BY since, joined_at, id LIMIT 1";

pub(crate) fn standing(
    database: &dyn Database,
    room_no: i64,
    user: &UserId,
) -> Result<Standing, StoreError> {
    let key = values![user.as_str(), room_no];
    let role = first(database, ROLE, key, |row| {
        one_of(row, 0, numbers::member_role)
    })?;
    if let Some(role) = role {
        return Ok(Standing::Member(role));
    }
    let removed = first(database, IS_REMOVED, key, |_| Ok(()))?;
    Ok(removed.map_or(Standing::Stranger, |()| Standing::Removed))
}

/// A room as its members see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) room_no: i64,
    pub(crate) kind: RoomKind,
    /// Where a mark begins, and how many countable entries that is.
    pub(crate) since: (Seq, u64),
}

impl Change<'_> {
    /// Makes a row; also for one who was removed. The room's count is the caller's.
    pub(crate) fn insert_member(
        &mut self,
        place: Place,
        person: &Person,
        role: MemberRole,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let user_no = self.know(person)?;
        let Place {
            room_no,
            kind,
            since: (since, since_n),
        } = place;
        execute(
            self.database,
            "DELETE FROM removed WHERE room_no = ?1 AND user_no = ?2",
            values![room_no, user_no],
        )?;
        execute(
            self.database,
            "INSERT INTO members (user_no, room_no, id, kind, role, joined_at, since, read_seq,
                                  read_n, own)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)",
            values![
                user_no,
                room_no,
                person.user.as_str(),
                numbers::of_room_kind(kind),
                numbers::of_member_role(role),
                at.as_micros(),
                since,
                since_n.cast_signed(),
                // Of an agent who comes back to where nobody has read since.
                (self.log).own_behind(self.database, &person.user, [user_no, room_no], since,)?,
            ],
        )?;
        let standing = Standing::Member(role);
        self.memory.set_standing(room_no, &person.user, standing);
        Ok(())
    }

    /// Takes a row away, if it is there. The room's count is the caller's.
    pub(crate) fn delete_member(&mut self, room_no: i64, user: &UserId) -> Result<(), StoreError> {
        if let Some(user_no) = self.user_no(user)? {
            execute(
                self.database,
                "DELETE FROM members WHERE user_no = ?1 AND room_no = ?2",
                values![user_no, room_no],
            )?;
        }
        self.memory.set_standing(room_no, user, Standing::Stranger);
        Ok(())
    }

    /// Remembers that a former member was removed.
    pub(crate) fn shut_out(&mut self, room_no: i64, user: &UserId) -> Result<(), StoreError> {
        if let Some(user_no) = self.user_no(user)? {
            execute(
                self.database,
                "INSERT INTO removed (room_no, user_no) VALUES (?1, ?2)",
                values![room_no, user_no],
            )?;
        }
        self.memory.set_standing(room_no, user, Standing::Removed);
        Ok(())
    }

    pub(crate) fn set_member_role(
        &mut self,
        room_no: i64,
        user: &UserId,
        role: MemberRole,
    ) -> Result<(), StoreError> {
        if let Some(user_no) = self.user_no(user)? {
            execute(
                self.database,
                "UPDATE members SET role = ?3 WHERE user_no = ?1 AND room_no = ?2",
                values![user_no, room_no, numbers::of_member_role(role)],
            )?;
        }
        let standing = Standing::Member(role);
        self.memory.set_standing(room_no, user, standing);
        Ok(())
    }

    /// Adds to a room's count; answers what it is now.
    pub(crate) fn count_members(&self, room_no: i64, more: i64) -> Result<u64, StoreError> {
        execute(
            self.database,
            "UPDATE rooms SET member_count = member_count + ?2 WHERE room_no = ?1",
            values![room_no, more],
        )?;
        let count = first(
            self.database,
            "SELECT member_count FROM rooms WHERE room_no = ?1",
            values![room_no],
            |row| super::database::number(row, 0),
        )?;
        Ok(count.unwrap_or(0))
    }

    /// Who follows an owner that is gone.
    pub(crate) fn successor(&self, room_no: i64) -> Result<Option<UserId>, StoreError> {
        let find = |sql| first(self.database, sql, values![room_no], |row| user_id(row, 0));
        match find(ELDEST_MODERATOR)? {
            Some(user) => Ok(Some(user)),
            None => find(ELDEST),
        }
    }

    /// A user by the name that is known.
    pub(crate) fn person(&self, user: &UserId) -> Result<Person, StoreError> {
        let find = "SELECT name FROM users WHERE id = ?1";
        let name = first(self.database, find, values![user.as_str()], |row| {
            text(row, 0)
        })?;
        Ok(Person {
            user: user.clone(),
            name: name.flatten(),
        })
    }
}

impl Read<'_> {
    pub(crate) fn members(
        &self,
        id: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Option<Vec<Member>>, Halt> {
        let Some((room, _)) = find_log(self.database, id)? else {
            return Ok(None);
        };
        // No id is empty.
        let after = after.map_or("", UserId::as_str);
        let values = values![room.room_no, after, sql_limit(limit)];
        let members = all(self.database, LIST, values, |row| {
            Ok(Member {
                person: Person {
                    user: user_id(row, 0)?,
                    name: text(row, 1)?,
                },
                picture: text(row, 2)?,
                role: one_of(row, 3, numbers::member_role)?,
                joined_at: timestamp(row, 4)?,
                read: seq(row, 5)?,
                delivered: seq(row, 6)?,
            })
        })?;
        Ok(Some(members))
    }

    pub(crate) fn acquainted(&self, user: &UserId, others: &[UserId]) -> Result<Vec<bool>, Halt> {
        // With whom nobody is acquainted has no number, or no room.
        let rooms = |id: &UserId| {
            first(
                self.database,
                "SELECT u.user_no, (SELECT count(*) FROM members WHERE user_no = u.user_no)
                 FROM users AS u WHERE u.id = ?1",
                values![id.as_str()],
                |row| Ok((row.int(0)?, row.int(1)?)),
            )
        };
        let own = rooms(user)?;
        let shares = |other: &UserId| {
            if other == user {
                return Ok(true);
            }
            let (Some((user_no, own)), Some((other_no, theirs))) = (own, rooms(other)?) else {
                return Ok(false);
            };
            let pair = if own <= theirs {
                [user_no, other_no]
            } else {
                [other_no, user_no]
            };
            Ok(first(self.database, SHARED, values![pair[0], pair[1]], |_| Ok(()))?.is_some())
        };
        others.iter().map(shares).collect()
    }
}
