//! The heads of rooms, asked for by many at once: one query at a time has all that were asked for
//! while the one before it ran.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::ports::{Store, StoreError};
use madang_domain::{RoomHead, RoomId};

use super::round::Rounds;
use crate::telemetry::Telemetry;

/// Rooms in one query.
const ROOMS_PER_QUERY: usize = 1_000;

/// Asks for heads. What waits is bounded by those who do.
#[derive(Default)]
pub(super) struct Heads(Rounds<(), RoomId, Answer>);

type Answer = Result<Arc<HashMap<RoomId, RoomHead>>, StoreError>;

impl Heads {
    /// The room's head at some moment from now on; `None` when there is no such room.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn of(
        &self,
        store: &dyn Store,
        room: &RoomId,
        telemetry: &dyn Telemetry,
    ) -> Result<Option<RoomHead>, StoreError> {
        let ask = |wanted| ask(store, wanted, telemetry);
        let (answer, _) = self.0.answer((), room.clone(), ask).await;
        Ok(answer?.get(room).copied())
    }
}

async fn ask(store: &dyn Store, mut wanted: Vec<RoomId>, telemetry: &dyn Telemetry) -> Answer {
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = HashMap::with_capacity(wanted.len());
    for rooms in wanted.chunks(ROOMS_PER_QUERY) {
        telemetry.history_checked();
        let heads = store.heads(rooms).await?;
        let there = rooms.iter().zip(heads);
        found.extend(there.filter_map(|(room, head)| Some((room.clone(), head?))));
    }
    Ok(Arc::new(found))
}
