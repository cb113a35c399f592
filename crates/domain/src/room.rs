//! Rooms and their logs' bounds.

use crate::assignment::Support;
use crate::ids::RoomId;
use crate::position::{Epoch, Position, Seq};
use crate::time::Timestamp;

/// A room as the store knows it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// As clients name it.
    pub id: RoomId,
    /// The log's bounds and version.
    pub head: RoomHead,
    /// When this life of the room began.
    pub created_at: Timestamp,
    /// The desk's view of it. Every room is a support room until the other kinds arrive.
    pub support: Support,
}

/// The bounds of a room's log, cheap enough to read for many rooms at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomHead {
    /// Which life of the room.
    pub epoch: Epoch,
    /// The newest message; 0 while there is none.
    pub last: Seq,
    /// The oldest message still kept; `last + 1` when none is.
    pub oldest: Seq,
    /// Rises with every change of who may read the room.
    pub access_version: u64,
}

impl RoomHead {
    /// The position after the newest message.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            seq: self.last,
        }
    }

    /// How many messages are kept.
    #[must_use]
    pub const fn message_count(&self) -> u64 {
        (self.last.get() + 1).saturating_sub(self.oldest.get())
    }

    /// Whether a cursor at `since` can be served without a hole.
    #[must_use]
    pub fn can_resume(&self, since: Position) -> bool {
        since.epoch == self.epoch && since.seq <= self.last && since.seq.next() >= self.oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_resumes_only_inside_what_is_kept_of_the_same_life() {
        let head = RoomHead {
            epoch: Epoch::new(7),
            last: Seq::new(10),
            oldest: Seq::new(4),
            access_version: 0,
        };
        let at = |epoch, seq| Position {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
        };
        assert!(
            head.can_resume(at(7, 3)),
            "the next wanted is the oldest kept"
        );
        assert!(head.can_resume(at(7, 10)), "nothing missed");
        assert!(!head.can_resume(at(7, 2)), "message 3 is gone");
        assert!(!head.can_resume(at(7, 11)), "never given out");
        assert!(!head.can_resume(at(8, 5)), "another life");
        assert_eq!(head.message_count(), 7);
    }
}
