//! Reading a room's log back, by position or by page.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery};
use madang_domain::{Caller, Code, Error, Message, RoomId, Seq};

use crate::engine::{Engine, store_failed};

/// A numbered page of a room's log, newest page first.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// Oldest first within the page; empty past the end.
    pub messages: Vec<Arc<Message>>,
    /// Messages kept in the room.
    pub total: u64,
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
        let page = self
            .store
            .read_log(room, query, limit)
            .await
            .map_err(|e| store_failed(&e))?;
        // Deleted, or deleted and made again, between the two reads: the right was to the old one.
        page.filter(|page| page.head.epoch == found.head.epoch)
            .ok_or_else(|| Code::RoomNotFound.into())
    }

    /// Page `number` (from 1) of `size` messages (at least 1); page 1 holds the newest. Numbers
    /// count from the newest message of the moment, so pages shift as messages arrive.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: `number` is 0. Otherwise as [`Engine::read_history`].
    pub async fn read_page(
        &self,
        caller: &Caller,
        room: &RoomId,
        number: u64,
        size: usize,
    ) -> Result<HistoryPage, Error> {
        let skipped_pages = number.checked_sub(1);
        let skipped_pages = skipped_pages
            .ok_or_else(|| Error::with_detail(Code::ParameterInvalid, "pages count from 1"))?;
        let head = self.room(caller, room).await?.head;
        let skipped = skipped_pages.saturating_mul(size as u64);
        let total = head.message_count();
        if skipped >= total {
            return Ok(HistoryPage {
                messages: Vec::new(),
                total,
            });
        }
        let before = Seq::new(head.last.get() - skipped + 1);
        let page = self
            .read_history(caller, room, LogQuery::Before(before), size)
            .await?;
        Ok(HistoryPage {
            messages: page.messages,
            total,
        })
    }
}
