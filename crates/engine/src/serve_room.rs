//! What an agent does with a room that they have: complete it, give it back, hand it over.

use std::sync::Arc;

use madang_domain::{Agent, Caller, Error, RoomAction, RoomId, UserId};

use crate::engine::Engine;

impl Engine {
    /// Completes a room that is assigned to `caller`: it leaves the agent's list, history stays; the
    /// agent's subscriptions to it end.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentsOnly`]; [`madang_domain::Code::RoomNotFound`];
    /// [`madang_domain::Code::NotYourRoom`]: not assigned to the caller.
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn complete_room(&self, caller: &Caller, room: &RoomId) -> Result<(), Error> {
        self.serve(caller, room, RoomAction::Complete)
            .await
            .map(drop)
    }

    /// Gives a room that is assigned to `caller` back to the desk: it waits in its old place.
    ///
    /// # Errors
    /// As [`Engine::complete_room`].
    pub async fn release_room(&self, caller: &Caller, room: &RoomId) -> Result<(), Error> {
        self.serve(caller, room, RoomAction::Release)
            .await
            .map(drop)
    }

    /// Gives a room that is assigned to `caller` to another agent, who must have come as one.
    ///
    /// # Errors
    /// [`madang_domain::Code::AgentNotFound`]: nobody of that id has come as an agent. Otherwise as
    /// [`Engine::complete_room`].
    pub async fn hand_over_room(
        &self,
        caller: &Caller,
        room: &RoomId,
        to: UserId,
    ) -> Result<(), Error> {
        let mut people = self.people(vec![to]).await?;
        let Some(person) = people.pop() else {
            return Err(madang_domain::Code::Internal.into());
        };
        let agent = Agent {
            name: Arc::from(person.display_name()),
            user: person.user,
        };
        let handed = self.serve(caller, room, RoomAction::HandOver(agent)).await;
        handed.map(drop)
    }
}
