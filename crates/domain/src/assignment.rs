//! The support desk: waiting → assigned → completed → (the customer writes) waiting.

use std::sync::Arc;

use crate::ids::UserId;
use crate::time::Timestamp;

/// An agent as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Who it is.
    pub user: UserId,
    /// The name shown; the user id when the token names nobody.
    pub name: Arc<str>,
}

/// Where a support room stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SupportState {
    /// Any agent may claim it.
    Waiting,
    /// One agent has it.
    Assigned(Agent),
    /// Served; history stays; the customer's next message makes it wait again.
    Completed,
}

/// What the desk knows of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Whose room it is.
    pub customer: UserId,
    /// The host's number of the customer as last seen in their token.
    pub member_id: Option<Arc<str>>,
    /// The customer's name as last seen in their token.
    pub nickname: Option<Arc<str>>,
    /// Where it stands.
    pub state: SupportState,
    /// Since when the customer has been asking: set when the room begins to wait, kept while assigned.
    pub inquired_at: Timestamp,
}

impl Support {
    /// The agent who has the room now.
    #[must_use]
    pub fn assignee(&self) -> Option<&Agent> {
        match &self.state {
            SupportState::Assigned(agent) => Some(agent),
            SupportState::Waiting | SupportState::Completed => None,
        }
    }

    /// Whether `user` is the agent who has the room now.
    #[must_use]
    pub fn is_assigned_to(&self, user: &UserId) -> bool {
        self.assignee().is_some_and(|agent| agent.user == *user)
    }
}

/// How a claim ended. Of any number of claims of one waiting room exactly one is `Won`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The room was waiting and is the claimant's now.
    Won,
    /// It was the claimant's before: nothing changed.
    AlreadyYours,
    /// Another agent has it.
    TakenBy(Agent),
    /// It is completed: nobody waits there.
    NotWaiting,
    /// There is no such room.
    NoSuchRoom,
}
