//! What callers' tokens say of them, kept when it changed: names are shown to others, and who has come
//! as an agent can be handed rooms.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::{Caller, Error, Role, User, UserChange, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::engine::{Engine, store_failed};

/// Users of whom it is remembered what was kept last. A full table is emptied: each then costs one
/// write more.
const REMEMBERED_MAX: usize = 65_536;

/// Changes that wait to be kept; more are passed over and tried again when the caller comes next.
const WAITING_MAX: usize = 8_192;

/// Changes kept by one transaction.
const KEPT_AT_ONCE: usize = 256;

/// How long the store is left alone after it failed.
const RETRY: Duration = Duration::from_secs(1);

/// Who came, as what.
#[derive(Default)]
pub(crate) struct KnownUsers {
    state: Mutex<State>,
    hasher: RandomState,
    changed: Notify,
}

#[derive(Default)]
struct State {
    remembered: HashMap<UserId, u64>,
    waiting: Vec<UserChange>,
}

impl KnownUsers {
    fn see(&self, caller: &Caller) {
        let said = self.hasher.hash_one((&caller.name, caller.role));
        let mut state = self.state.lock();
        let is_known = state.remembered.get(&caller.user) == Some(&said);
        if is_known || state.waiting.len() >= WAITING_MAX {
            return;
        }
        if state.remembered.len() >= REMEMBERED_MAX {
            state.remembered.clear();
        }
        state.remembered.insert(caller.user.clone(), said);
        state.waiting.push(UserChange::seen(caller));
        self.changed.notify_one();
    }

    fn forget(&self, changes: &[UserChange]) {
        let mut state = self.state.lock();
        for change in changes {
            state.remembered.remove(&change.id);
        }
    }

    fn take(&self) -> Vec<UserChange> {
        let waiting = &mut self.state.lock().waiting;
        let kept = waiting.len().min(KEPT_AT_ONCE);
        waiting.drain(..kept).collect()
    }
}

/// Keeps what callers' tokens say, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, users: Arc<KnownUsers>) {
    loop {
        let changes = users.take();
        if changes.is_empty() {
            users.changed.notified().await;
            continue;
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        if let Err(error) = engine.store.upsert_users(changes.clone()).await {
            drop(store_failed(&error));
            users.forget(&changes);
            drop(engine);
            tokio::time::sleep(RETRY).await;
        }
    }
}

impl Engine {
    /// Takes note of who a person is, as their token says. To be called whenever one comes; costs a
    /// look-up when nothing changed. Kept soon, not at once.
    pub fn see(&self, caller: &Caller) {
        if caller.role != Role::Service {
            self.known_users.see(caller);
        }
    }

    /// Keeps what the host says of users.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable; nothing was kept.
    pub async fn upsert_users(&self, changes: Vec<UserChange>) -> Result<(), Error> {
        self.known_users.forget(&changes);
        let kept = self.store.upsert_users(changes).await;
        kept.map_err(|e| store_failed(&e))
    }

    /// What is known of users, in the order asked.
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, Error> {
        self.store.users(ids).await.map_err(|e| store_failed(&e))
    }
}
