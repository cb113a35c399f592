//! What is read of the rooms that wait.

use madang_domain::ports::StoreError;
use madang_domain::{RoomId, Timestamp};

use super::reader::Reader;
use super::sql::{first, number, timestamp};

pub(super) const PLACE: &str = "SELECT (SELECT count(*) FROM rooms AS o INDEXED BY rooms_waiting
         WHERE o.state = 0 AND (o.inquired_at, o.room_no) < (r.inquired_at, r.room_no))
     FROM rooms AS r WHERE r.id = ?1 AND r.state = 0";
pub(super) const LONGEST: &str = "SELECT inquired_at FROM rooms INDEXED BY rooms_not_noted
     WHERE state = 0 AND overdue = 0 ORDER BY inquired_at, room_no LIMIT 1";

impl Reader {
    pub(super) fn queue_position(&self, id: &RoomId) -> Result<Option<u64>, StoreError> {
        first(&self.connection, PLACE, [id.as_str()], |row| number(row, 0))
    }

    pub(super) fn longest_waiting(&self) -> Result<Option<Timestamp>, StoreError> {
        first(&self.connection, LONGEST, [], |row| timestamp(row, 0))
    }
}
