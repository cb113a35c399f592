//! Claiming a waiting room: exactly one of any number of agents gets it.

use std::sync::Arc;

use madang_domain::{Agent, Caller, ClaimOutcome, Error, RoomId, policy};

use crate::attend::{may_be_stored, to_the_end};
use crate::engine::{Engine, store_failed};

impl Engine {
    /// Assigns the room to `caller` if it waits; the customer's and the agent's sessions are then
    /// told. Runs to its end although the caller stops waiting.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentsOnly`]: the caller is no agent.
    /// [`madang_domain::Code::Unavailable`]: retryable; claiming again is safe.
    pub async fn claim_room(
        self: &Arc<Self>,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<ClaimOutcome, Error> {
        policy::may_serve(caller)?;
        let agent = Agent {
            user: caller.user.clone(),
            name: Arc::from(caller.display_name()),
        };
        let (engine, room) = (Arc::clone(self), room.clone());
        to_the_end(async move {
            // Before the claim: the agent's sessions show every message after it, at worst one more.
            let before = engine.store.room(&room).await;
            let before = before.map_err(|e| store_failed(&e))?;
            let since = before.map(|room| room.head.position());
            let outcome = engine.store.claim_room(&room, &agent).await;
            if matches!(outcome, Ok(ClaimOutcome::Won)) || may_be_stored(&outcome) {
                engine.access_changed(&room).await;
                engine.hands_changed(&room, &agent.user, since);
            }
            outcome.map_err(|e| store_failed(&e))
        })
        .await
    }
}
