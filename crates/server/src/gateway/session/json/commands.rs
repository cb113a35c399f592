//! What each command does.

use std::collections::BTreeMap;
use std::sync::Arc;

use madang_domain::{Code, Error, Position, RoomId};

use super::super::dialect::Done;
use super::super::driver::Core;
use super::super::rooms::{Followed, Follower, Joined};
use super::Json;
use crate::contracts::realtime::{Ack, ClientCommand, ServerEvent, echo};

impl Core<Json> {
    /// # Errors
    /// Nothing was done; the session goes on.
    pub(super) fn handle_command(
        &mut self,
        id: Option<&str>,
        command: ClientCommand,
    ) -> Result<(), Error> {
        match command {
            ClientCommand::Auth { .. } => {
                let detail = "the connection knows who you are";
                Err(Error::with_detail(Code::BodyInvalid, detail))
            }
            ClientCommand::Send {
                room,
                text,
                client_id,
            } => self.handle_send(id, &room, &text, client_id.as_deref()),
            ClientCommand::Read { room, position } => self.handle_read(id, &room, &position),
            ClientCommand::Typing { room, active } => self.handle_typing(id, &room, active),
            ClientCommand::Resume { positions } => self.handle_resume(id, positions),
            ClientCommand::Ping {} => {
                let id = echo(id);
                Json::tell(self, &ServerEvent::Pong { id: id.as_deref() });
                Ok(())
            }
        }
    }

    /// What the session shows.
    ///
    /// # Errors
    /// Never after `hello`; an internal error says that a defect was found.
    pub(super) fn followed(&mut self) -> Result<&mut Followed, Error> {
        self.dialect.followed().ok_or_else(|| Code::Internal.into())
    }

    fn handle_read(&mut self, id: Option<&str>, room: &str, position: &str) -> Result<(), Error> {
        let (room, position) = (room_id(room)?, position_of(position)?);
        let caller = self.followed()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.wait_for(id, async move {
            engine.mark_read(&caller, &room, position).await.map(drop)
        });
        Ok(())
    }

    fn handle_typing(&mut self, id: Option<&str>, room: &str, active: bool) -> Result<(), Error> {
        let room = room_id(room)?;
        let caller = self.followed()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.wait_for(id, async move {
            engine.set_typing(&caller, &room, active).await
        });
        Ok(())
    }

    /// A command that asks the store, and says no more than that it was done.
    fn wait_for(
        &mut self,
        id: Option<&str>,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let id: Option<Box<str>> = id.map(Box::from);
        self.command = Some(Box::pin(async move {
            let outcome = work.await;
            let done: Done<Json> = Box::new(move |core| {
                match outcome {
                    Ok(()) => core.answer_done(id.as_deref()),
                    Err(error) => core.answer_error(id.as_deref(), &error),
                }
                Ok(())
            });
            done
        }));
    }

    fn handle_resume(
        &mut self,
        id: Option<&str>,
        positions: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let followed = self.followed()?;
        let caller = followed.caller.clone();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (name, position) in positions {
            let position = position_of(&position)?;
            match RoomId::new(&name).ok().filter(|room| followed.has(room)) {
                Some(room) => known.push((room, position)),
                None => unknown.push(name),
            }
        }
        let id: Option<Box<str>> = id.map(Box::from);
        let joiner = self.joiner(caller);
        self.command = Some(Box::pin(async move {
            let outcome = joiner.resume(known).await;
            let done: Done<Json> = Box::new(move |core| {
                match outcome {
                    Ok((joined, lost)) => {
                        unknown.extend(lost.iter().map(ToString::to_string));
                        core.rooms_resumed(id.as_deref(), joined, unknown);
                    }
                    Err(error) => core.answer_error(id.as_deref(), &error),
                }
                Ok(())
            });
            done
        }));
        Ok(())
    }

    /// What was queued of these rooms is dropped, the client is answered, and the rooms go on
    /// behind that.
    fn rooms_resumed(&mut self, id: Option<&str>, joined: Vec<Joined>, mut unknown: Vec<String>) {
        let mut resumed = Vec::new();
        for one in joined {
            let name = one.name();
            match self.resume(one) {
                Some(subscription) => resumed.push(subscription),
                None => unknown.push(name),
            }
        }
        let (id, unknown) = (
            echo(id),
            unknown.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        if id.is_some() || !unknown.is_empty() {
            let ack = Ack {
                id: id.as_deref(),
                unknown: Some(&unknown),
                ..Ack::default()
            };
            Json::tell(self, &ServerEvent::Ack(ack));
        }
        self.resumed(resumed);
    }
}

/// # Errors
/// [`Code::RoomNotFound`]: no room can have this id.
pub(super) fn room_id(text: &str) -> Result<RoomId, Error> {
    RoomId::new(text).map_err(|_| Code::RoomNotFound.into())
}

fn position_of(text: &str) -> Result<Position, Error> {
    text.parse().map_err(|_| Code::PositionInvalid.into())
}
