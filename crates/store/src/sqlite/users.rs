//! What is known of users.

use madang_domain::ports::StoreError;
use madang_domain::{Role, Timestamp, User, UserChange, UserId};
use rusqlite::{Connection, Row, params};

use super::reader::Reader;
use super::sql::{all, execute, first, one_of, sql_limit, text, timestamp, user_id};
use super::writer::Writer;
use crate::numbers;

pub(super) const FIND: &str = "SELECT id, name, picture, role, revoked_at FROM users WHERE id = ?1";
pub(super) const REVOKED: &str = "SELECT id, revoked_at FROM users INDEXED BY users_revoked
     WHERE revoked_at >= ?1 ORDER BY revoked_at LIMIT ?2";
pub(super) const LAST_SEEN: &str = "SELECT seen FROM users INDEXED BY users_agents
     WHERE role IN (1, 2) ORDER BY seen DESC LIMIT 1";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role = match row.get_ref(3)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(one_of(row, 3, numbers::role)?),
    };
    let revoked_at = row.get::<_, Option<i64>>(4)?;
    Ok(User {
        id: user_id(row, 0)?,
        name: text(row, 1)?,
        picture: text(row, 2)?,
        role,
        revoked_at: revoked_at.map(Timestamp::from_micros),
    })
}

fn find(connection: &Connection, id: &UserId) -> Result<Option<User>, StoreError> {
    first(connection, FIND, [id.as_str()], user)
}

/// The user as it is to be; `None` when nothing changes.
fn after(change: &UserChange, known: Option<&User>) -> Option<User> {
    let mut user = known.cloned().unwrap_or_else(|| User {
        id: change.id.clone(),
        name: None,
        picture: None,
        role: None,
        revoked_at: None,
    });
    if let Some(name) = &change.name {
        user.name.clone_from(name);
    }
    if let Some(picture) = &change.picture {
        user.picture.clone_from(picture);
    }
    user.role = change.role.or(user.role);
    (known != Some(&user)).then_some(user)
}

impl Writer {
    pub(super) fn keep_user(&mut self, change: &UserChange) -> Result<(), StoreError> {
        let known = find(&self.connection, &change.id)?;
        if let Some(user) = after(change, known.as_ref()) {
            execute(
                &self.connection,
                "INSERT INTO users (id, name, picture, role) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE
                 SET name = excluded.name, picture = excluded.picture, role = excluded.role",
                params![
                    user.id.as_str(),
                    user.name.as_deref(),
                    user.picture.as_deref(),
                    user.role.map(numbers::of_role),
                ],
            )?;
        }
        if change.role.is_some_and(Role::serves_customers) {
            let last = first(&self.connection, LAST_SEEN, [], |row| row.get::<_, i64>(0))?;
            execute(
                &self.connection,
                // Nothing, of the one who came last already.
                "UPDATE users SET seen = ?2 WHERE id = ?1 AND (seen = 0 OR seen < ?2 - 1)",
                params![change.id.as_str(), last.unwrap_or(0) + 1],
            )?;
        }
        Ok(())
    }

    pub(super) fn revoke_tokens(&mut self, id: &UserId, at: Timestamp) -> Result<(), StoreError> {
        self.transaction(|writer| {
            execute(
                &writer.connection,
                "INSERT INTO users (id, revoked_at) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at
                 WHERE revoked_at IS NULL OR revoked_at < excluded.revoked_at",
                params![id.as_str(), at.as_micros()],
            )
            .map(drop)
        })
    }
}

impl Reader {
    pub(super) fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        self.snapshot(|read| {
            let found = ids.iter().map(|id| find(read.connection, id));
            Ok(found.collect::<Result<_, _>>()?)
        })
    }

    /// Whether nothing would be kept. Agents are, each time: they are told by when they came.
    pub(super) fn are_known(&self, changes: &[UserChange]) -> Result<bool, StoreError> {
        for change in changes {
            let known = find(&self.connection, &change.id)?;
            let serves = change.role.is_some_and(Role::serves_customers);
            if serves || after(change, known.as_ref()).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn revocations(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
        let values = [since.as_micros(), sql_limit(limit)];
        all(&self.connection, REVOKED, values, |row| {
            Ok((user_id(row, 0)?, timestamp(row, 1)?))
        })
    }
}
