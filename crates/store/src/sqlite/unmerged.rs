//! Rows of the journal.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::Epoch;
use madang_domain::ports::StoreError;

use super::tail::Unmerged;
use crate::relational::database::{Database, all, number, values};
use crate::relational::messages::Decoder;
use crate::relational::rooms;

/// What of the journal counts: rows of rooms that exist, not merged yet.
pub(super) fn unmerged(database: &dyn Database) -> Result<Vec<Unmerged>, StoreError> {
    // How far each log is counted, by its number.
    let mut counted = HashMap::new();
    let find = "SELECT j.seq, j.kind, j.sent_at, j.sender_kind, j.sender, j.sender_name,
                       j.client_id, j.extra, j.text, j.arrival, j.room_no, r.id, r.epoch, l.last_n
                FROM journal AS j CROSS JOIN rooms AS r ON r.room_no = j.room_no
                    CROSS JOIN logs AS l ON l.room_no = j.room_no
                WHERE j.seq > l.last_seq ORDER BY j.arrival";
    all(database, find, values![], |row| {
        let id = rooms::room_id(row, 11)?;
        let message = Decoder::new(&id, Epoch::new(number(row, 12)?)).message(row, 0)?;
        let room_no = row.int(10)?;
        let merged = number(row, 13)?;
        let n = counted.entry(room_no).or_insert(merged);
        *n += u64::from(message.kind.counts());
        Ok(Unmerged {
            room_no,
            arrival: row.int(9)?,
            n: *n,
            message: Arc::new(message),
        })
    })
}
