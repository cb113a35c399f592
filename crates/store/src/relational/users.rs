//! What is known of users.

use std::collections::HashMap;

use madang_domain::ports::StoreError;
use madang_domain::{Role, Timestamp, User, UserChange, UserId};

use super::change::Change;
use super::database::{
    Database, Row, Value, all, execute, first, first_locked, one_of, sql_limit, text, timestamp,
    user_id, values,
};
use super::read::{Halt, Read};
use crate::numbers;

pub(crate) const FIND: &str = "SELECT id, name, picture, role, revoked_at FROM users WHERE id = ?1";
pub(crate) const REVOKED: &str = "SELECT id, revoked_at FROM users INDEXED BY users_revoked
     WHERE revoked_at >= ?1 ORDER BY revoked_at LIMIT ?2";
pub(crate) const LAST_SEEN: &str = "SELECT seen FROM users INDEXED BY users_agents
     WHERE role IN (1, 2) ORDER BY seen DESC LIMIT 1";

fn user(row: &dyn Row) -> Result<User, StoreError> {
    let role = match row.opt_int(3)? {
        None => None,
        Some(_) => Some(one_of(row, 3, numbers::role)?),
    };
    let revoked_at = row.opt_int(4)?;
    Ok(User {
        id: user_id(row, 0)?,
        name: text(row, 1)?,
        picture: text(row, 2)?,
        role,
        revoked_at: revoked_at.map(Timestamp::from_micros),
    })
}

fn find(database: &dyn Database, id: &UserId) -> Result<Option<User>, StoreError> {
    first(database, FIND, values![id.as_str()], user)
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

impl Change<'_> {
    pub(crate) fn keep_user(&mut self, change: &UserChange) -> Result<(), StoreError> {
        let id = values![change.id.as_str()];
        let known = first_locked(self.database, FIND, id, user)?;
        if let Some(user) = after(change, known.as_ref()) {
            execute(
                self.database,
                "INSERT INTO users (id, name, picture, role) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE
                 SET name = excluded.name, picture = excluded.picture, role = excluded.role",
                values![
                    user.id.as_str(),
                    user.name.as_deref(),
                    user.picture.as_deref(),
                    user.role.map(numbers::of_role),
                ],
            )?;
        }
        if change.role.is_some_and(Role::serves_customers) {
            let last = first(self.database, LAST_SEEN, values![], |row| row.int(0))?;
            execute(
                self.database,
                // Nothing, of the one who came last already.
                "UPDATE users SET seen = ?2 WHERE id = ?1 AND (seen = 0 OR seen < ?2 - 1)",
                values![change.id.as_str(), last.unwrap_or(0) + 1],
            )?;
        }
        Ok(())
    }

    pub(crate) fn revoke_tokens(&mut self, id: &UserId, at: Timestamp) -> Result<(), StoreError> {
        execute(
            self.database,
            "INSERT INTO users (id, revoked_at) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET revoked_at = CASE
                 WHEN users.revoked_at > excluded.revoked_at THEN users.revoked_at
                 ELSE excluded.revoked_at END",
            values![id.as_str(), at],
        )
        .map(drop)
    }
}

impl Read<'_> {
    pub(crate) fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, Halt> {
        let mut found = HashMap::with_capacity(ids.len());
        let keys: Vec<Value<'_>> = ids.iter().map(|id| id.as_str().into()).collect();
        self.database.query_each(FIND, &keys, &mut |row| {
            let user = user(row)?;
            found.insert(user.id.clone(), user);
            Ok(())
        })?;
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }
}

/// Whether nothing would be kept. Agents are, each time: they are told by when they came.
pub(crate) fn are_known(
    database: &dyn Database,
    changes: &[UserChange],
) -> Result<bool, StoreError> {
    for change in changes {
        let known = find(database, &change.id)?;
        let serves = change.role.is_some_and(Role::serves_customers);
        if serves || after(change, known.as_ref()).is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn revocations(
    database: &dyn Database,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
    let values = values![since, sql_limit(limit)];
    all(database, REVOKED, values, |row| {
        Ok((user_id(row, 0)?, timestamp(row, 1)?))
    })
}
