//! Attending a user: being told whenever the rooms that are theirs change.

use std::sync::Arc;

use madang_domain::ports::{StoreError, Topic};
use madang_domain::{Caller, Code, Error, Position, RoomId, UserId};

use crate::bus_message::BusMessage;
use crate::engine::Engine;
use crate::hub::{Outlet, SubscriptionKey, UserSubscription};

impl Engine {
    /// Has `outlet` told of every change of `caller`'s rooms from now on, until the answer is
    /// dropped. First attend, then ask [`Engine::rooms_of`]: no change falls between the two.
    #[must_use]
    pub fn attend(
        &self,
        caller: &Caller,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> UserSubscription {
        self.hub.users().attend(&caller.user, outlet, key)
    }

    /// Tells the sessions of `users`, on every node, that `room` may have become, ceased to be, or
    /// changed as one of theirs. After the change is stored. `since` is where the room's log stood
    /// before it, where that matters to who gained the room.
    pub(crate) fn rooms_changed<'a>(
        &self,
        users: impl IntoIterator<Item = &'a UserId>,
        room: &RoomId,
        since: Option<Position>,
    ) {
        for user in users {
            let topic = Topic::User(user.clone());
            if self.bus.reaches_others(&topic) {
                self.bus
                    .publish(&topic, BusMessage::rooms_changed(room, since).encode());
            }
            self.hub.users().rooms_changed(user, room, since);
        }
    }
}

/// Whether a change that failed may have been stored after all: who is concerned is then told, since
/// the same call again would find nothing to do.
pub(crate) fn may_be_stored<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::OutcomeUnknown(_)))
}

/// Runs `work` although its caller may stop waiting: what is stored must also be told.
///
/// # Errors
/// What `work` answers; [`Code::Internal`]: it panicked, a defect.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%error, "a use case ended badly");
            Err(Code::Internal.into())
        }
    }
}
