//! Claiming a waiting room: exactly one of any number of agents gets it.

use std::sync::Arc;

use madang_domain::{Agent, Caller, ClaimOutcome, Error, RoomId, policy};

use crate::engine::{Engine, store_failed};

impl Engine {
    /// Assigns the room to `caller` if it waits.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentsOnly`]: the caller is no agent.
    /// [`madang_domain::Code::Unavailable`]: retryable; claiming again is safe.
    pub async fn claim_room(&self, caller: &Caller, room: &RoomId) -> Result<ClaimOutcome, Error> {
        policy::may_serve(caller)?;
        let agent = Agent {
            user: caller.user.clone(),
            name: Arc::from(caller.display_name()),
        };
        let outcome = self
            .store
            .claim_room(room, &agent)
            .await
            .map_err(|e| store_failed(&e))?;
        if outcome == ClaimOutcome::Won {
            self.access_changed(room).await;
        }
        Ok(outcome)
    }
}
