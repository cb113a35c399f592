//! `send`: answered once the message is durable.

use std::sync::Arc;

use madang_domain::{Caller, ClientId, Code, Draft, DraftGroup, Error, RoomId};
use madang_engine::Start;
use madang_engine::commit::{Reply, Submission};

use super::super::dialect::{Done, Voice};
use super::super::driver::Core;
use super::super::rooms::{Joined, Joiner};
use super::Json;
use super::commands::room_id;

impl Core<Json> {
    /// # Errors
    /// The message cannot be sent as it is; nothing was done.
    pub(super) fn handle_send(
        &mut self,
        id: Option<&str>,
        room: &str,
        text: &str,
        client_id: Option<&str>,
    ) -> Result<(), Error> {
        let room = room_id(room)?;
        let client_id = client_id.map(ClientId::new).transpose();
        let client_id = client_id.map_err(|reason| {
            Error::with_detail(Code::ParameterInvalid, format!("clientId {reason}"))
        })?;
        let engine = Arc::clone(&self.dialect.chat.engine);
        let followed = self.followed()?;
        let draft = engine.draft(&followed.caller, room.clone(), text, client_id)?;
        let is_own = room.as_str() == followed.caller.user.as_str();
        if is_own && !followed.has(&room) {
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
        let reply: Reply = Box::new(move |outcome| session.committed(ticket, outcome));
        let engine = Arc::clone(&self.dialect.chat.engine);
        let group = DraftGroup::single(draft);
        self.submit(&engine, Submission { group, reply });
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
                        core.joined(joined)?;
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
        let room = engine.open_support_room(&self.caller, room).await?;
        let start = Start::After(room.head.position());
        self.join(room, start).await
    }
}
