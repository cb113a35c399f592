//! Statements about presence. Those of many rows take one of them several times, too.

use super::super::dialect::{Words, places};
use super::super::statements::tuples;

/// Leases that are over by a clock, and that nobody has ended yet.
pub(super) const RAN_OUT: &str =
    "SELECT node FROM presence_leases WHERE ended = 0 AND ends_at <= ?1";
pub(super) const EXTEND: &str = "UPDATE presence_leases SET ends_at = ?2 WHERE node = ?1";
pub(super) const END: &str = "UPDATE presence_leases SET ends_at = ?2, ended = 1 WHERE node = ?1";
pub(super) const TAKE: &str =
    "INSERT INTO presence_leases (node, ends_at, ended) VALUES (?1, ?2, 0)
     ON CONFLICT (node) DO UPDATE SET ends_at = excluded.ends_at, ended = 0";
pub(super) const REMOVE_LEASE: &str = "DELETE FROM presence_leases WHERE node = ?1";

/// A lease from which users are still to be taken.
pub(super) const NEXT_ENDED: &str =
    "SELECT node FROM presence_leases WHERE ended = 1 ORDER BY node LIMIT 1";
pub(super) const SAID_BY: &str =
    "SELECT user_id FROM presence_users WHERE node = ?1 ORDER BY user_id LIMIT ?2";

/// The columns are those of [`super::rows::edge`], here and in [`lock_edges`].
pub(super) const LAST_EDGE: &str =
    "SELECT user_id, is_online, epoch, changed_at FROM presence_edges WHERE user_id = ?1";

pub(super) const TAKE_BLOCK: &str = "INSERT INTO presence_epochs (node) VALUES (?1)";
pub(super) const REMOVE_BLOCK: &str = "DELETE FROM presence_epochs WHERE block_no = ?1";

/// The newest offline edge that is beyond so many.
pub(super) const BEYOND: &str = "SELECT epoch FROM presence_edges WHERE is_online = 0
     ORDER BY epoch DESC LIMIT 1 OFFSET ?1";
pub(super) const OFFLINE_UP_TO: &str = "SELECT user_id FROM presence_edges
     WHERE is_online = 0 AND epoch <= ?1 ORDER BY epoch LIMIT ?2";

/// Nodes. Locks in one order.
pub(super) fn lock_leases(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    format!(
        "SELECT node, ends_at, ended FROM presence_leases WHERE node IN ({places})
         ORDER BY node FOR UPDATE"
    )
}

/// Nodes.
pub(super) fn end_leases(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    format!("UPDATE presence_leases SET ended = 1 WHERE node IN ({places})")
}

/// User ids. Makes rows of those who have none.
pub(super) fn add_edges(words: Words, rows: usize) -> String {
    let row = |row: usize| format!("({}, 0, 0, 0)", places(words, row..=row));
    let rows = (1..=rows).map(row).collect::<Vec<_>>().join(", ");
    let unless_there = match words {
        Words::Postgres => "ON CONFLICT (user_id) DO NOTHING",
        Words::MySql => "ON DUPLICATE KEY UPDATE epoch = presence_edges.epoch",
    };
    format!(
        "INSERT INTO presence_edges (user_id, is_online, epoch, changed_at) VALUES {rows}
         {unless_there}"
    )
}

/// User ids. Locks in one order.
pub(super) fn lock_edges(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    format!(
        "SELECT user_id, is_online, epoch, changed_at FROM presence_edges
         WHERE user_id IN ({places}) ORDER BY user_id FOR UPDATE"
    )
}

/// User id, whether online, epoch and time.
pub(super) fn update_edges(words: Words, rows: usize) -> String {
    let rows = tuples(words, rows, 4);
    match words {
        Words::Postgres => format!(
            "UPDATE presence_edges AS e
             SET is_online = v.is_online, epoch = v.epoch, changed_at = v.changed_at
             FROM (VALUES {rows}) AS v(user_id, is_online, epoch, changed_at)
             WHERE e.user_id = v.user_id"
        ),
        Words::MySql => format!(
            "INSERT INTO presence_edges (user_id, is_online, epoch, changed_at) VALUES {rows}
             ON DUPLICATE KEY UPDATE is_online = VALUES(is_online), epoch = VALUES(epoch),
                                     changed_at = VALUES(changed_at)"
        ),
    }
}

/// User ids.
pub(super) fn remove_edges(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    format!("DELETE FROM presence_edges WHERE user_id IN ({places})")
}

/// User ids. Which nodes say them to be online, and how those stand with their leases. From the
/// users on: a node may have many more.
pub(super) fn find_said(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    let join = match words {
        Words::Postgres => "JOIN",
        Words::MySql => "STRAIGHT_JOIN",
    };
    format!(
        "SELECT u.user_id, u.node, l.ends_at, l.ended
         FROM presence_users AS u {join} presence_leases AS l ON l.node = u.node
         WHERE u.user_id IN ({places})"
    )
}

/// User id and node.
pub(super) fn add_users(words: Words, rows: usize) -> String {
    let rows = tuples(words, rows, 2);
    let unless_there = match words {
        Words::Postgres => "ON CONFLICT (user_id, node) DO NOTHING",
        Words::MySql => "ON DUPLICATE KEY UPDATE node = presence_users.node",
    };
    format!("INSERT INTO presence_users (user_id, node) VALUES {rows} {unless_there}")
}

/// A node, then so many user ids.
pub(super) fn remove_users(words: Words, rows: usize) -> String {
    let node = places(words, 1..=1);
    let users = places(words, 2..=rows + 1);
    let rows = format!("node = {node} AND user_id IN ({users})");
    match words {
        Words::Postgres => format!("DELETE FROM presence_users WHERE {rows}"),
        // Else it looks at all rows of a small table, and waits for those who have locked some.
        Words::MySql => {
            format!("DELETE u FROM presence_users AS u FORCE INDEX (PRIMARY) WHERE {rows}")
        }
    }
}
