//! Attending a user: being told whenever the rooms that are theirs change.

use std::sync::Arc;

use madang_domain::Caller;

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
}
