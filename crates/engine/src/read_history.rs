//! Reading a room's log back, by position or by page.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, MessagePage};
use madang_domain::{Caller, Code, Error, Message, Room, RoomId, Seq};

use crate::engine::{Engine, store_failed};

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
