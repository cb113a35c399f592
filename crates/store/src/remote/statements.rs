//! Statements of many rows.

use super::dialect::{Words, places};

/// A deleted room that no other node is busy with.
pub(super) const NEXT_PURGE: &str = "SELECT room_no, next_seq, last_seq FROM purges
     ORDER BY room_no LIMIT 1 FOR UPDATE SKIP LOCKED";

/// Columns of a row of [`insert_messages`].
pub(super) const MESSAGE_COLUMNS: usize = 12;

/// Room ids. Locks in one order, so that two who want the same rooms wait for each other at the first.
pub(super) fn lock_rooms(words: Words, rows: usize) -> String {
    let places = places(words, 1..=rows);
    format!("SELECT room_no FROM rooms WHERE id IN ({places}) ORDER BY id FOR UPDATE")
}

/// Room number, seq, n, time, digest, kind, sender's kind, sender, name, client id, extra, text.
pub(super) fn insert_messages(words: Words, rows: usize) -> String {
    let rows = tuples(words, rows, MESSAGE_COLUMNS);
    format!(
        "INSERT INTO messages (room_no, seq, n, sent_at, digest, kind, sender_kind, sender,
                               sender_name, client_id, extra, text) VALUES {rows}"
    )
}

/// Room number, last seq, n and time.
pub(super) fn update_logs(words: Words, rows: usize) -> String {
    let set = "last_seq = v.a, last_n = v.b, active_at = v.c";
    match words {
        Words::Postgres => format!(
            "UPDATE logs AS l SET {set} FROM (VALUES {}) AS v(room_no, a, b, c)
             WHERE l.room_no = v.room_no",
            tuples(words, rows, 4)
        ),
        Words::MySql => format!(
            "UPDATE logs AS l JOIN ({}) AS v ON l.room_no = v.room_no SET {set}",
            selects(&["room_no", "a", "b", "c"], rows)
        ),
    }
}

/// Room number, user id and how many more messages of their own they have.
pub(super) fn count_own(words: Words, rows: usize) -> String {
    match words {
        Words::Postgres => format!(
            "UPDATE members AS m SET own = m.own + v.n FROM (VALUES {}) AS v(room_no, id, n)
             WHERE m.room_no = v.room_no AND m.id = v.id",
            tuples(words, rows, 3)
        ),
        Words::MySql => format!(
            "UPDATE members AS m JOIN ({}) AS v ON m.room_no = v.room_no AND m.id = v.id
             SET m.own = m.own + v.n",
            selects(&["room_no", "id", "n"], rows)
        ),
    }
}

/// Of a room, behind a place, of a sender.
pub(super) const OWN_BEHIND: &str = "SELECT count(*) FROM messages
     WHERE room_no = ?1 AND seq > ?2 AND kind = 0 AND sender = ?3";

/// Room number and user id. Locks in one order.
pub(super) fn lock_seats(words: Words, rows: usize) -> String {
    let pairs = tuples(words, rows, 2);
    format!(
        "SELECT room_no, id, user_no, read_seq FROM members WHERE (room_no, id) IN ({pairs})
         ORDER BY room_no, id FOR UPDATE"
    )
}

/// User number, room number, seq, n and how many of their own are behind it.
pub(super) fn raise_read(words: Words, rows: usize) -> String {
    let set = "read_seq = v.seq, read_n = v.n, own = v.own";
    match words {
        Words::Postgres => format!(
            "UPDATE members AS m SET {set} FROM (VALUES {}) AS v(user_no, room_no, seq, n, own)
             WHERE m.user_no = v.user_no AND m.room_no = v.room_no",
            tuples(words, rows, 5)
        ),
        Words::MySql => format!(
            "UPDATE members AS m JOIN ({}) AS v ON m.user_no = v.user_no AND m.room_no = v.room_no
             SET m.read_seq = v.seq, m.read_n = v.n, m.own = v.own",
            selects(&["user_no", "room_no", "seq", "n", "own"], rows)
        ),
    }
}

/// Room number, user id and seq.
pub(super) fn raise_delivered(words: Words, rows: usize) -> String {
    let rows = tuples(words, rows, 3);
    let (conflict, new) = match words {
        Words::Postgres => (
            "ON CONFLICT (room_no, \"user\") DO UPDATE SET",
            "excluded.seq",
        ),
        Words::MySql => ("ON DUPLICATE KEY UPDATE", "VALUES(seq)"),
    };
    format!(
        "INSERT INTO delivered (room_no, \"user\", seq) VALUES {rows}
         {conflict} seq = CASE WHEN {new} > delivered.seq THEN {new} ELSE delivered.seq END"
    )
}

/// Room number and user id.
pub(super) fn find_roles(words: Words, rows: usize) -> String {
    let pairs = tuples(words, rows, 2);
    format!("SELECT room_no, id, role FROM members WHERE (room_no, id) IN ({pairs})")
}

/// Room number and digest. The columns are those of [`crate::relational::messages::Decoder`], then the
/// room's number.
pub(super) fn find_named(words: Words, rows: usize) -> String {
    let pairs = tuples(words, rows, 2);
    format!(
        "SELECT seq, kind, sent_at, sender_kind, sender, sender_name, client_id, extra, text, room_no
         FROM messages WHERE (room_no, digest) IN ({pairs})"
    )
}

/// Without values. Epochs are above zero and of 48 bits.
pub(super) fn renew_epochs(words: Words, _: usize) -> String {
    let random = match words {
        Words::Postgres => "floor(random() * 281474976710654)::BIGINT",
        Words::MySql => "floor(rand() * 281474976710654)",
    };
    format!("UPDATE rooms SET epoch = 1 + {random}")
}

pub(super) fn tuples(words: Words, rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let first = row * columns + 1;
        format!("({})", places(words, first..first + columns))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn selects(columns: &[&str], rows: usize) -> String {
    let named: Vec<String> = columns.iter().map(|name| format!("? AS {name}")).collect();
    let bare = vec!["?"; columns.len()].join(", ");
    let row = |row: usize| match row {
        0 => format!("SELECT {}", named.join(", ")),
        _ => format!("SELECT {bare}"),
    };
    (0..rows).map(row).collect::<Vec<_>>().join(" UNION ALL ")
}
