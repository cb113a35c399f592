//! Read and delivered marks, and what follows from them.

use crate::ids::{RoomId, UserId};
use crate::position::{Epoch, Seq};

/// A member's read mark that rose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// In which life of the room.
    pub epoch: Epoch,
    /// Where it stood before.
    pub before: Seq,
    /// Where it stands now; equal to `before` when nothing rose.
    pub now: Seq,
}

/// How many messages a user has not read: messages of others that are kept and numbered above their
/// read mark. Notices, events and the user's own messages do not count; a deleted message counts
/// until it is passed, since its place is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadSummary {
    /// In all of the user's rooms, exact.
    pub total: u64,
    /// Rooms with unread messages, at most as many as were asked for, in no particular order.
    pub rooms: Vec<(RoomId, u64)>,
}

/// Who has read one message. Its sender is in neither number, and neither is whose mark began behind
/// it, as of those who joined later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadCount {
    /// Members whose mark has passed it.
    pub read_by: u64,
    /// Members whose mark has not.
    pub not_read_by: u64,
}

/// One member's marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// Whose.
    pub user: UserId,
    /// Read up to here.
    pub read: Seq,
    /// Delivered up to here.
    pub delivered: Seq,
}
