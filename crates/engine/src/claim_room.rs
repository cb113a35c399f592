//! Claiming a waiting room: exactly one of any number of agents gets it.

use madang_domain::{Answer, Caller, ClaimOutcome, Code, Error, RoomAction, RoomId};

use crate::engine::Engine;

impl Engine {
    /// Assigns the room to `caller` if it waits; the customer's and the agent's sessions and the desk
    /// are then told.
    ///
    /// # Errors
    /// [`Code::AgentsOnly`]: the caller is no agent.
    /// [`Code::Unavailable`]: retryable; claiming again is safe.
    pub async fn claim_room(&self, caller: &Caller, room: &RoomId) -> Result<ClaimOutcome, Error> {
        match self.serve(caller, room, RoomAction::Claim).await {
            Ok(Answer::Claim(outcome)) => Ok(outcome),
            Ok(_) => Err(Code::Internal.into()),
            Err(error) if error.code() == Code::RoomNotFound => Ok(ClaimOutcome::NoSuchRoom),
            Err(error) => Err(error),
        }
    }
}
