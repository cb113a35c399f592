//! `send`: answered once the message is durable.

use std::sync::Arc;

use madang_domain::{Caller, ClientId, Code, Content, Draft, DraftGroup, Error, RoomId};
use madang_engine::Start;
use madang_engine::commit::Submission;

use super::super::dialect::{Done, Voice};
use super::super::driver::Core;
use super::super::rooms::{Joined, Joiner, Theirs};
use super::Json;
use super::commands::room_id;

/// What a client calls a message, and where it goes.
pub(super) struct Address<'a> {
    pub(super) room: &'a str,
    pub(super) client_id: Option<&'a str>,
}

impl Core<Json> {
    /// Sends, edits or deletes.
    ///
    /// # Errors
    /// It cannot be done as it is; nothing was done.
    pub(super) fn handle_send(
        &mut self,
        id: Option<&str>,
        address: Address<'_>,
        content: Content,
    ) -> Result<(), Error> {
        let room = room_id(address.room)?;
        let client_id = address.client_id.map(ClientId::new).transpose();
        let client_id = client_id.map_err(|reason| {
            Error::with_detail(Code::ParameterInvalid, format!("clientId {reason}"))
        })?;
        let engine = Arc::clone(&self.dialect.chat.engine);
        let followed = self.followed()?;
        let is_new = matches!(content, Content::Message(_));
        let draft = engine.draft(&followed.caller, room.clone(), content, client_id);
        let is_own = room.is_support_of(&followed.caller.user);
        if is_own && is_new && !followed.has(&room) {
            let caller = followed.caller.clone();
            self.open_and_send(id, caller, room, draft);
            return Ok(());
        }
        self.send(id, draft);
        Ok(())
    }

    /// Its answer takes its place among the session's answers now.
    fn send(&mut self, id: Option<&str>, draft: Draft) {
        let ticket = self.session.outbox().replies.wait(id, Voice::Native);
        let session = Arc::clone(&self.session);
        let engine = Arc::clone(&self.dialect.chat.engine);
        let group = DraftGroup::single(draft);
        let submission = Submission::send(group, move |outcome| session.committed(ticket, outcome));
        self.submit(&engine, submission);
    }

    /// The sender's own support room is made first, and shown from its beginning on.
    fn open_and_send(&mut self, id: Option<&str>, caller: Caller, room: RoomId, draft: Draft) {
        let id: Option<Box<str>> = id.map(Box::from);
        let engine = Arc::clone(&self.dialect.chat.engine);
        let joiner = self.joiner(caller);
        self.command = Some(Box::pin(async move {
            let opened = joiner.open(&engine, &room).await;
            let done: Done<Json> = Box::new(move |core| {
                match opened {
                    Ok(joined) => {
                        core.joined(joined);
                        core.send(id.as_deref(), draft);
                    }
                    Err(error) => core.answer_error(id.as_deref(), &error),
                }
                Ok(())
            });
            done
        }));
    }
}

impl Joiner {
    async fn open(
        &self,
        engine: &Arc<madang_engine::Engine>,
        room: &RoomId,
    ) -> Result<Joined, Error> {
        let (room, _) = engine.open_support_room(&self.caller, room).await?;
        let start = Start::After(room.head.position());
        self.join(Theirs::from(room), start).await
    }
}
