//! What the tables of presence hold, within a transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use madang_domain::ports::{PresenceEdge, StoreError};
use madang_domain::{Timestamp, UserId};

use super::super::link::{Brand, Session, padded};
use super::statements;
use crate::relational::database::{
    Database, Row, Value, all, first, number, sql_limit, timestamp, user_id, values,
};

/// Rows of one statement; more are several statements.
const ROWS_MAX: usize = 256;

/// Epochs that are taken at once. Of a user's edges, those of a later block are later.
const BLOCK: u32 = 1 << 16;

/// How a node stands with its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) ends_at: Timestamp,
    /// It was found to be over, or was given up: whoever comes first takes its users.
    pub(super) ended: bool,
}

/// That a node says a user to be online.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) user: UserId,
    pub(super) node: i64,
    pub(super) lease: Lease,
}

/// Users whose edges nobody else changes meanwhile, and the edges that are found.
#[derive(Debug)]
pub(super) struct Locked {
    last: HashMap<UserId, PresenceEdge>,
    found: Vec<PresenceEdge>,
}

impl Lease {
    pub(super) fn is_valid(self, now: Timestamp) -> bool {
        !self.ended && now < self.ends_at
    }

    fn of(row: &dyn Row, column: usize) -> Result<Self, StoreError> {
        Ok(Self {
            ends_at: timestamp(row, column)?,
            ended: row.int(column + 1)? != 0,
        })
    }
}

impl Locked {
    /// Waits for whoever else changes something of `users`.
    pub(super) fn lock<B: Brand>(
        session: &Session<B>,
        users: &BTreeSet<&UserId>,
    ) -> Result<Self, StoreError> {
        let keys: Vec<Value<'_>> = users.iter().map(|user| user.as_str().into()).collect();
        let mut last = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(ROWS_MAX) {
            let keys = padded(keys);
            session.query_rows(statements::lock_edges, keys.len(), &keys, &mut |row| {
                let edge = edge(row)?;
                last.insert(edge.user.clone(), edge);
                Ok(true)
            })?;
        }
        let found = Vec::new();
        Ok(Self { last, found })
    }

    /// As [`Locked::lock`]; each of `new` has a row afterwards.
    pub(super) fn lock_with<B: Brand>(
        session: &Session<B>,
        users: &BTreeSet<&UserId>,
        new: &BTreeSet<&UserId>,
    ) -> Result<Self, StoreError> {
        let mut missing = new.clone();
        let mut locked = Self {
            last: HashMap::with_capacity(users.len()),
            found: Vec::new(),
        };
        let mut wanted = users.clone();
        loop {
            let keys: Vec<Value<'_>> = missing.iter().map(|user| user.as_str().into()).collect();
            for keys in keys.chunks(ROWS_MAX) {
                let keys = padded(keys);
                session.execute_rows(statements::add_edges, keys.len(), &keys)?;
            }
            locked.last.extend(Self::lock(session, &wanted)?.last);
            missing.retain(|user| !locked.last.contains_key(*user));
            if missing.is_empty() {
                return Ok(locked);
            }
            // Forgotten between the two statements.
            wanted.clone_from(&missing);
        }
    }

    pub(super) fn last(&self, user: &UserId) -> Option<&PresenceEdge> {
        self.last.get(user)
    }

    pub(super) fn is_online(&self, user: &UserId) -> bool {
        self.last(user).is_some_and(|edge| edge.online)
    }

    /// Notes an edge, without its epoch.
    pub(super) fn find(&mut self, user: &UserId, online: bool, at: Timestamp) {
        let edge = PresenceEdge {
            user: user.clone(),
            online,
            epoch: 0,
            at,
        };
        self.last.insert(user.clone(), edge.clone());
        self.found.push(edge);
    }

    /// Writes what was found; answers it with its epochs, which are taken behind the locks: so
    /// those of a user rise, whoever finds them.
    pub(super) fn keep<B: Brand>(
        self,
        session: &Session<B>,
        node: i64,
    ) -> Result<Vec<PresenceEdge>, StoreError> {
        let mut found = self.found;
        for edges in found.chunks_mut(BLOCK as usize) {
            let first = take_block(session, node)?;
            for (epoch, edge) in (first..).zip(edges) {
                edge.epoch = epoch;
            }
        }
        let last: BTreeMap<&UserId, &PresenceEdge> =
            found.iter().map(|edge| (&edge.user, edge)).collect();
        let rows: Vec<[Value<'_>; 4]> = last
            .into_iter()
            .map(|(user, edge)| {
                let epoch = edge.epoch.cast_signed();
                [
                    user.as_str().into(),
                    u8::from(edge.online).into(),
                    epoch.into(),
                    edge.at.into(),
                ]
            })
            .collect();
        for rows in rows.chunks(ROWS_MAX) {
            let rows = padded(rows);
            session.execute_rows(statements::update_edges, rows.len(), rows.as_flattened())?;
        }
        Ok(found)
    }
}

fn take_block<B: Brand>(session: &Session<B>, node: i64) -> Result<u64, StoreError> {
    let block = session.insert(statements::TAKE_BLOCK, "block_no", values![node])?;
    session.execute(statements::REMOVE_BLOCK, values![block])?;
    Ok(block.cast_unsigned() * u64::from(BLOCK))
}

pub(super) fn edge(row: &dyn Row) -> Result<PresenceEdge, StoreError> {
    Ok(PresenceEdge {
        user: user_id(row, 0)?,
        online: row.int(1)? != 0,
        epoch: number(row, 2)?,
        at: timestamp(row, 3)?,
    })
}

/// Those that there are.
pub(super) fn lock_leases<B: Brand>(
    session: &Session<B>,
    nodes: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Lease>, StoreError> {
    let keys: Vec<Value<'_>> = nodes.iter().copied().map(Value::from).collect();
    let mut leases = BTreeMap::new();
    for keys in keys.chunks(ROWS_MAX) {
        let keys = padded(keys);
        session.query_rows(statements::lock_leases, keys.len(), &keys, &mut |row| {
            leases.insert(row.int(0)?, Lease::of(row, 1)?);
            Ok(true)
        })?;
    }
    Ok(leases)
}

pub(super) fn end_leases<B: Brand>(session: &Session<B>, nodes: &[i64]) -> Result<(), StoreError> {
    let keys: Vec<Value<'_>> = nodes.iter().copied().map(Value::from).collect();
    for keys in keys.chunks(ROWS_MAX) {
        let keys = padded(keys);
        session.execute_rows(statements::end_leases, keys.len(), &keys)?;
    }
    Ok(())
}

/// Some users whom a node says to be online.
pub(super) fn said_by<B: Brand>(
    session: &Session<B>,
    node: i64,
    limit: usize,
) -> Result<Vec<UserId>, StoreError> {
    let values = values![node, sql_limit(limit)];
    all(session, statements::SAID_BY, values, |row| user_id(row, 0))
}

pub(super) fn says_somebody<B: Brand>(session: &Session<B>, node: i64) -> Result<bool, StoreError> {
    Ok(!said_by(session, node, 1)?.is_empty())
}

/// Which nodes say `users` to be online.
pub(super) fn said<B: Brand>(
    session: &Session<B>,
    users: &BTreeSet<&UserId>,
) -> Result<Vec<Said>, StoreError> {
    let keys: Vec<Value<'_>> = users.iter().map(|user| user.as_str().into()).collect();
    let mut said = Vec::with_capacity(keys.len());
    for keys in keys.chunks(ROWS_MAX) {
        let keys = padded(keys);
        session.query_rows(statements::find_said, keys.len(), &keys, &mut |row| {
            said.push(Said {
                user: user_id(row, 0)?,
                node: row.int(1)?,
                lease: Lease::of(row, 2)?,
            });
            Ok(true)
        })?;
    }
    Ok(said)
}

pub(super) fn add_users<'u, B: Brand>(
    session: &Session<B>,
    node: i64,
    users: impl Iterator<Item = &'u UserId>,
) -> Result<(), StoreError> {
    let rows: Vec<[Value<'_>; 2]> = users
        .map(|user| [user.as_str().into(), node.into()])
        .collect();
    for rows in rows.chunks(ROWS_MAX) {
        let rows = padded(rows);
        session.execute_rows(statements::add_users, rows.len(), rows.as_flattened())?;
    }
    Ok(())
}

pub(super) fn remove_users<'u, B: Brand>(
    session: &Session<B>,
    node: i64,
    users: impl Iterator<Item = &'u UserId>,
) -> Result<(), StoreError> {
    let keys: Vec<Value<'_>> = users.map(|user| user.as_str().into()).collect();
    for keys in keys.chunks(ROWS_MAX) {
        let keys = padded(keys);
        let mut values = vec![Value::from(node)];
        values.extend(&keys);
        session.execute_rows(statements::remove_users, keys.len(), &values)?;
    }
    Ok(())
}

/// Removes a lease that has ended and has nobody left, if it is still so.
pub(super) fn remove_lease<B: Brand>(session: &Session<B>, node: i64) -> Result<(), StoreError> {
    let leases = lock_leases(session, &BTreeSet::from([node]))?;
    let has_ended = leases.get(&node).is_some_and(|lease| lease.ended);
    if has_ended && !says_somebody(session, node)? {
        session.execute(statements::REMOVE_LEASE, values![node])?;
    }
    Ok(())
}

/// Forgets some of those who are offline and left before the newest `remembered`; whether that
/// was all.
pub(super) fn forget<B: Brand>(
    session: &Session<B>,
    remembered: usize,
    limit: usize,
) -> Result<bool, StoreError> {
    let beyond = values![sql_limit(remembered)];
    let newest = first(session, statements::BEYOND, beyond, |row| number(row, 0))?;
    let Some(newest) = newest else {
        return Ok(true);
    };
    let values = values![newest.cast_signed(), sql_limit(limit)];
    let users = all(session, statements::OFFLINE_UP_TO, values, |row| {
        user_id(row, 0)
    })?;
    let locked = Locked::lock(session, &users.iter().collect())?;
    let is_old = |user: &&UserId| {
        let last = locked.last(user);
        last.is_some_and(|edge| !edge.online && edge.epoch <= newest)
    };
    let old = users.iter().filter(is_old);
    let keys: Vec<Value<'_>> = old.map(|user| user.as_str().into()).collect();
    for keys in keys.chunks(ROWS_MAX) {
        let keys = padded(keys);
        session.execute_rows(statements::remove_edges, keys.len(), &keys)?;
    }
    Ok(users.len() < limit)
}
