//! Sending: a draft becomes a durable, numbered message.

use madang_domain::{Appended, Caller, ClientId, Code, Draft, DraftGroup, Error, RoomId};
use tokio::sync::oneshot;

use crate::commit::{Reply, Submission};
use crate::engine::Engine;

impl Engine {
    /// Makes a draft of `caller`'s text, stamped now.
    ///
    /// # Errors
    /// [`Code::MessageInvalid`]: see [`Draft::new`].
    pub fn draft(
        &self,
        caller: &Caller,
        room: RoomId,
        text: &str,
        client_id: Option<ClientId>,
    ) -> Result<Draft, Error> {
        Draft::new(caller, room, text, client_id, self.now())
    }

    /// Queues a group for the next transaction and answers through `reply` after its commit. The
    /// rights are decided inside the transaction. Calls are committed in the order made.
    ///
    /// # Errors
    /// Gives everything back when the commit queue is full: call [`Engine::submit`] to wait.
    pub fn try_submit(&self, group: DraftGroup, reply: Reply) -> Result<(), Submission> {
        self.pipeline.try_submit(Submission { group, reply })
    }

    /// Queues a group as [`Engine::try_submit`] does, waiting for a place. Cancel safe.
    pub async fn submit(&self, submission: Submission) {
        self.pipeline.submit(submission).await;
    }

    /// Sends one message and waits until it is durable.
    ///
    /// # Errors
    /// [`Code::MessageInvalid`], [`Code::RoomNotFound`], [`Code::NotYourRoom`]: the caller's
    /// fault. [`Code::Unavailable`], [`Code::Draining`]: not accepted; retryable (safe with a
    /// client id).
    pub async fn send_message(
        &self,
        caller: &Caller,
        room: RoomId,
        text: &str,
        client_id: Option<ClientId>,
    ) -> Result<Appended, Error> {
        let group = DraftGroup::single(self.draft(caller, room, text, client_id)?);
        let (sender, outcome) = oneshot::channel();
        let reply: Reply = Box::new(move |outcome| {
            // A caller that stopped waiting needs no answer.
            drop(sender.send(outcome));
        });
        self.submit(Submission { group, reply }).await;
        let appended = outcome
            .await
            .map_err(|_| Error::from(Code::Unavailable))??;
        appended
            .into_iter()
            .next()
            .ok_or_else(|| Code::Internal.into())
    }
}
