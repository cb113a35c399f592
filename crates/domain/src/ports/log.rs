//! Which part of a room's log is read, and what comes of it.

use std::sync::Arc;

use crate::message::Message;
use crate::position::Seq;
use crate::room::RoomHead;

/// Which part of a room's log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogQuery {
    /// The oldest entries with a greater `seq` than this.
    After(Seq),
    /// As [`LogQuery::After`], until their texts and data have so many bytes together; the first one
    /// however large it is.
    Within(Seq, usize),
    /// The newest entries with a smaller `seq` than this; [`Seq::MAX`] for the newest page.
    Before(Seq),
}

/// What is left of a page's bound in bytes ([`LogQuery::Within`]).
#[derive(Debug)]
pub struct PageSpace(Option<usize>);

impl PageSpace {
    /// Of a page that is empty.
    #[must_use]
    pub const fn of(query: LogQuery) -> Self {
        match query {
            LogQuery::Within(_, bytes) => Self(Some(bytes)),
            LogQuery::After(_) | LogQuery::Before(_) => Self(None),
        }
    }

    /// Takes the next entry's space; whether more may follow.
    pub fn take(&mut self, message: &Message) -> bool {
        let Some(left) = &mut self.0 else {
            return true;
        };
        *left = left.saturating_sub(message.bytes());
        *left > 0
    }
}

/// A part of a room's log and the log's bounds, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The bounds at that moment.
    pub head: RoomHead,
    /// In rising order of `seq`, consecutive. Empty when nothing kept answers the query.
    pub messages: Vec<Arc<Message>>,
}
