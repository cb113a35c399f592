//! Full-text search within the caller's rooms.

use madang_domain::ports::Found;
use madang_domain::search::{SearchPlace, SearchQuery};
use madang_domain::{Caller, Error, RoomId};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// Messages in which `text` is found, newest first: in `room`, which the caller must be able to
    /// read, or in all rooms that are theirs; those before `before` only; at most `limit`. A piece of
    /// work at a time: go on with [`Found::next`].
    ///
    /// # Errors
    /// [`madang_domain::Code::ParameterInvalid`]: nothing can be looked for by `text`. Otherwise as
    /// [`Engine::room`].
    pub async fn search_messages(
        &self,
        caller: &Caller,
        room: Option<&RoomId>,
        text: &str,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> Result<Found, Error> {
        let query = SearchQuery::parse(text)?;
        if let Some(room) = room {
            self.room(caller, room).await?;
        }
        let found = self.store.search(&caller.user, room, &query, before, limit);
        found.await.map_err(|e| store_failed(&e))
    }
}
