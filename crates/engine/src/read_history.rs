//! Reading a room's log back, by position or by page.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, MessagePage};
use madang_domain::{Caller, Code, Error, Message, MessageKind, Room, RoomHead, RoomId, Seq};

use crate::engine::{Engine, store_failed};

/// Entries of the log read at once while messages are picked out of it.
const PICKED_FROM: usize = 200;

/// Reads of the log that one page of messages is picked out of at most.
const PICKS_MAX: usize = 10;

/// Messages of a log without the events between them.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The log's bounds when its newest part was read.
    pub head: RoomHead,
    /// In rising order of `seq`: messages and notices.
    pub messages: Vec<Arc<Message>>,
    /// Where to go on in the same direction; `None` when nothing is left there.
    pub next: Option<LogQuery>,
}

impl Engine {
    /// At most `limit` messages before or after a place in the log. `limit` is at least 1.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`]; [`Code::NotYourRoom`]; [`Code::Unavailable`]: retryable.
    pub async fn read_history(
        &self,
        caller: &Caller,
        room: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<LogPage, Error> {
        let found = self.room(caller, room).await?;
        self.log_of(&found, query, limit).await
    }

    /// At most `limit` messages and notices before or after a place in the log, the events between
    /// them passed over. A page has fewer although more are left where so many events are between
    /// them that reading on would take too long. `limit` is at least 1.
    ///
    /// # Errors
    /// As [`Engine::read_history`].
    pub async fn read_conversation(
        &self,
        caller: &Caller,
        room: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<Conversation, Error> {
        let found = self.room(caller, room).await?;
        let mut picked = Picked::new(query, limit);
        let mut head = found.head;
        for _ in 0..PICKS_MAX {
            let Some(next) = picked.next else { break };
            let page = self.log_of(&found, next, PICKED_FROM).await?;
            head = page.head;
            picked.take(page);
            if picked.messages.len() == limit {
                break;
            }
        }
        Ok(picked.conversation(head))
    }

    pub(crate) async fn log_of(
        &self,
        found: &Room,
        query: LogQuery,
        limit: usize,
    ) -> Result<LogPage, Error> {
        let (recent, store) = (self.hub.rooms().recent(), &*self.store);
        let page = recent.read_log_since(store, &found.id, &found.head, query, limit);
        let page = page.await.map_err(|e| store_failed(&e))?;
        // Deleted, or deleted and made again, between the two reads: the right was to the old one.
        page.filter(|page| page.head.epoch == found.head.epoch)
            .ok_or_else(|| Code::RoomNotFound.into())
    }

    /// Page `number` (from 1) of `size` messages (at least 1) of people, without the events between
    /// them; page 1 holds the newest. Pages shift as messages arrive; one past the end is empty.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: `number` is 0. Otherwise as [`Engine::read_history`].
    pub async fn read_page(
        &self,
        caller: &Caller,
        room: &RoomId,
        number: u64,
        size: usize,
    ) -> Result<MessagePage, Error> {
        let skipped_pages = number.checked_sub(1);
        let skipped_pages = skipped_pages
            .ok_or_else(|| Error::with_detail(Code::ParameterInvalid, "pages count from 1"))?;
        let found = self.room(caller, room).await?;
        let skip = skipped_pages.saturating_mul(size as u64);
        let page = self.store.read_messages(room, skip, size).await;
        let page = page.map_err(|e| store_failed(&e))?;
        let of_that_life = |page: &MessagePage| page.messages.iter().all(|m| is_of_life(m, &found));
        page.filter(of_that_life)
            .ok_or_else(|| Code::RoomNotFound.into())
    }

    /// One entry as it reads now.
    ///
    /// # Errors
    /// [`Code::MessageNotFound`]: there is none, or it is no longer kept. Otherwise as
    /// [`Engine::room`].
    pub async fn message(
        &self,
        caller: &Caller,
        room: &RoomId,
        seq: Seq,
    ) -> Result<Arc<Message>, Error> {
        let found = self.room(caller, room).await?;
        let message = self.store.message(room, seq).await;
        let message = message.map_err(|e| store_failed(&e))?;
        message
            .filter(|message| is_of_life(message, &found))
            .ok_or_else(|| Code::MessageNotFound.into())
    }
}

/// Whether the caller was let into the life of the room that the entry is from.
fn is_of_life(message: &Message, found: &Room) -> bool {
    message.position.epoch == found.head.epoch
}

/// Messages picked out of pages of a log, in the direction of reading.
struct Picked {
    messages: Vec<Arc<Message>>,
    limit: usize,
    next: Option<LogQuery>,
}

impl Picked {
    const fn new(query: LogQuery, limit: usize) -> Self {
        Self {
            messages: Vec::new(),
            limit,
            next: Some(query),
        }
    }

    fn take(&mut self, page: LogPage) {
        let LogPage { head, mut messages } = page;
        let is_backward = matches!(self.next, Some(LogQuery::Before(_)));
        if is_backward {
            messages.reverse();
        }
        let mut last = None;
        for message in messages {
            last = Some(message.position.seq);
            if matches!(message.kind, MessageKind::Message | MessageKind::Notice) {
                self.messages.push(message);
            }
            if self.messages.len() == self.limit {
                break;
            }
        }
        self.next = match last {
            Some(last) if is_backward => (last > head.oldest).then_some(LogQuery::Before(last)),
            Some(last) => (last < head.last).then_some(LogQuery::After(last)),
            None => None,
        };
    }

    fn conversation(mut self, head: RoomHead) -> Conversation {
        self.messages
            .sort_unstable_by_key(|message| message.position.seq);
        Conversation {
            head,
            messages: self.messages,
            next: self.next,
        }
    }
}
