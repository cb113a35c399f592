//! Sending, editing and deleting: a draft becomes a durable, numbered entry.

use madang_domain::{
    Answer, Appended, Body, Caller, ClientId, Code, Command, Content, Draft, DraftGroup, Error,
    RoomId, Seq,
};

use crate::commit::Submission;
use crate::engine::Engine;

impl Engine {
    /// Makes a draft of what `caller` says or does, stamped now.
    #[must_use]
    pub fn draft(
        &self,
        caller: &Caller,
        room: RoomId,
        content: Content,
        client_id: Option<ClientId>,
    ) -> Draft {
        Draft::of(caller, room, content, client_id, self.now())
    }

    /// What gives an earlier message another body.
    #[must_use]
    pub const fn edit(&self, target: Seq, body: Body) -> Content {
        Content::Edit {
            target,
            body,
            within: self.options.revise_within,
        }
    }

    /// What takes an earlier message's body away.
    #[must_use]
    pub const fn deletion(&self, target: Seq) -> Content {
        Content::Delete {
            target,
            within: self.options.revise_within,
        }
    }

    /// Queues a submission for the next transaction, which answers after its commit. The rights are
    /// decided inside the transaction. Calls are committed in the order made.
    ///
    /// # Errors
    /// Gives everything back when the commit queue is full: call [`Engine::submit`] to wait.
    pub fn try_submit(&self, submission: Submission) -> Result<(), Submission> {
        self.pipeline.try_submit(submission)
    }

    /// Queues a submission as [`Engine::try_submit`] does, waiting for a place. Cancel safe.
    pub async fn submit(&self, submission: Submission) {
        self.pipeline.submit(submission).await;
    }

    /// Sends, edits or deletes one message and waits until that is durable.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotYourRoom`], and of edits and deletions
    /// [`Code::MessageNotFound`], [`Code::RoleRequired`], [`Code::TooLate`]: the caller's fault.
    /// [`Code::Unavailable`], [`Code::Draining`]: not accepted; retryable (safe with a client id).
    pub async fn send_message(
        &self,
        caller: &Caller,
        room: RoomId,
        content: Content,
        client_id: Option<ClientId>,
    ) -> Result<Appended, Error> {
        let group = DraftGroup::single(self.draft(caller, room, content, client_id));
        let Answer::Sent(appended) = self.carry_out(Command::Send(group)).await? else {
            return Err(Code::Internal.into());
        };
        appended
            .into_iter()
            .next()
            .ok_or_else(|| Code::Internal.into())
    }

    /// Sends a message as [`Engine::send_message`] does; into the caller's own support room also when
    /// there is none yet: it is made.
    ///
    /// # Errors
    /// As [`Engine::send_message`].
    pub async fn send_or_open(
        &self,
        caller: &Caller,
        room: RoomId,
        body: Body,
        client_id: Option<ClientId>,
    ) -> Result<Appended, Error> {
        let content = Content::Message(body);
        let sent = self.send_message(caller, room.clone(), content.clone(), client_id.clone());
        match sent.await {
            Err(error)
                if error.code() == Code::RoomNotFound && room.is_support_of(&caller.user) =>
            {
                self.open_support_room(caller, &room).await?;
                self.send_message(caller, room, content, client_id).await
            }
            sent => sent,
        }
    }
}
