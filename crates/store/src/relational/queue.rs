//! What is read of the rooms that wait.

use madang_domain::ports::StoreError;
use madang_domain::{RoomId, Timestamp};

use super::database::{Database, first, number, timestamp, values};

pub(crate) const PLACE: &str = "SELECT (SELECT count(*) FROM rooms AS o INDEXED BY rooms_waiting
         WHERE o.state = 0 AND (o.inquired_at, o.room_no) < (r.inquired_at, r.room_no))
     FROM rooms AS r WHERE r.id = ?1 AND r.state = 0";
pub(crate) const LONGEST: &str = "SELECT inquired_at FROM rooms INDEXED BY rooms_not_noted
     WHERE state = 0 AND overdue = 0 ORDER BY inquired_at, room_no LIMIT 1";

pub(crate) fn queue_position(
    database: &dyn Database,
    id: &RoomId,
) -> Result<Option<u64>, StoreError> {
    first(database, PLACE, values![id.as_str()], |row| number(row, 0))
}

pub(crate) fn longest_waiting(database: &dyn Database) -> Result<Option<Timestamp>, StoreError> {
    first(database, LONGEST, values![], |row| timestamp(row, 0))
}
