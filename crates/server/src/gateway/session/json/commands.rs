//! What each command does.

use std::collections::BTreeMap;
use std::sync::Arc;

use madang_domain::ports::PresenceEdge;
use madang_domain::{Code, Content, Error, Position, RoomAction, RoomId, Seq, UserId};
use madang_engine::{SubscriptionKey, UserSubscription};

use super::super::dialect::Done;
use super::super::driver::Core;
use super::super::rooms::{Begin, Followed, Follower, Joined};
use super::Json;
use super::send::Address;
use crate::contracts::native::body_of;
use crate::contracts::realtime::{Ack, ClientCommand, ServerEvent, echo};

/// Names the session's interest in others' presence: never the key of a subscription.
const WATCHING: SubscriptionKey = SubscriptionKey::MAX - 1;

fn address<'a>(room: &'a str, client_id: &'a Option<String>) -> Address<'a> {
    Address {
        room,
        client_id: client_id.as_deref(),
    }
}

impl Core<Json> {
    /// # Errors
    /// Nothing was done; the session goes on.
    pub(super) fn handle_command(
        &mut self,
        id: Option<&str>,
        command: ClientCommand,
    ) -> Result<(), Error> {
        let engine = Arc::clone(&self.dialect.chat.engine);
        match command {
            ClientCommand::Auth { .. } => {
                let detail = "the connection knows who you are";
                Err(Error::with_detail(Code::BodyInvalid, detail))
            }
            ClientCommand::Send {
                room,
                text,
                data,
                client_id,
            } => {
                let body = body_of(text.as_deref(), data.as_deref())?;
                self.handle_send(id, address(&room, &client_id), Content::Message(body))
            }
            ClientCommand::Edit {
                room,
                seq,
                text,
                data,
                client_id,
            } => {
                let body = body_of(text.as_deref(), data.as_deref())?;
                let content = engine.edit(Seq::new(seq), body);
                self.handle_send(id, address(&room, &client_id), content)
            }
            ClientCommand::Delete {
                room,
                seq,
                client_id,
            } => {
                let content = engine.deletion(Seq::new(seq));
                self.handle_send(id, address(&room, &client_id), content)
            }
            ClientCommand::Join { room } => self.handle_join(id, &room),
            ClientCommand::Leave { room } => self.handle_leave(id, &room),
            ClientCommand::Watch { users } => self.handle_watch(id, &users),
            ClientCommand::Read { room, position } => self.handle_read(id, &room, &position),
            ClientCommand::Typing { room, active } => self.handle_typing(id, &room, active),
            ClientCommand::Resume { positions, inbox } => self.handle_resume(id, positions, inbox),
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

    fn handle_join(&mut self, id: Option<&str>, room: &str) -> Result<(), Error> {
        let room = room_id(room)?;
        let caller = self.followed()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.wait_for(id, async move {
            engine.join_room(&caller, &room).await.map(drop)
        });
        Ok(())
    }

    fn handle_leave(&mut self, id: Option<&str>, room: &str) -> Result<(), Error> {
        let room = room_id(room)?;
        let caller = self.followed()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.wait_for(id, async move {
            let left = engine.change_room(&caller, &room, RoomAction::Leave);
            left.await.map(drop)
        });
        Ok(())
    }

    /// Watches first, then asks: no change falls in between. What is watched already stays so until
    /// the new watch stands.
    fn handle_watch(&mut self, id: Option<&str>, users: &[String]) -> Result<(), Error> {
        let users: Vec<_> = users.iter().filter_map(|id| UserId::new(id).ok()).collect();
        let caller = self.followed()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        let outlet = Arc::clone(&self.session);
        let id: Option<Box<str>> = id.map(Box::from);
        self.command = Some(Box::pin(async move {
            let watched = async {
                let held = engine
                    .watch_presence(&caller, &users, outlet, WATCHING)
                    .await?;
                Ok((held, engine.presence_of(&caller, &users).await?))
            };
            let outcome = watched.await;
            let done: Done<Json> = Box::new(move |core| {
                match outcome {
                    Ok((held, edges)) => core.watching(id.as_deref(), held, &edges),
                    Err(error) => core.answer_error(id.as_deref(), &error),
                }
                Ok(())
            });
            done
        }));
        Ok(())
    }

    fn watching(
        &mut self,
        id: Option<&str>,
        held: Vec<UserSubscription>,
        edges: &[Option<PresenceEdge>],
    ) {
        self.dialect.watched = held;
        self.answer_done(id);
        let limit = self.session.shared.limits.queue_bytes_max;
        let mut outbox = self.session.outbox();
        for edge in edges.iter().flatten() {
            outbox.take_presence(edge, limit);
        }
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
        inbox: Option<Option<String>>,
    ) -> Result<(), Error> {
        let followed = self.followed()?;
        let caller = followed.caller.clone();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        if let Some(position) = inbox {
            let position = position.as_deref().map(position_of).transpose()?;
            let start = position.map_or(Begin::Beginning, Begin::After);
            let inbox = Some(RoomId::inbox(&caller.user)).filter(|inbox| followed.has(inbox));
            known.extend(inbox.map(|inbox| (inbox, start)));
        }
        let mut others = Vec::new();
        for (name, position) in positions {
            let start = Begin::After(position_of(&position)?);
            match RoomId::new(&name).ok().filter(|room| !room.is_internal()) {
                Some(room) if followed.has(&room) => known.push((room, start)),
                Some(room) => others.push((room, start)),
                None => unknown.push(name),
            }
        }
        // Behind those that are shown, which then make no space for them.
        known.append(&mut others);
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
    fn rooms_resumed(&mut self, id: Option<&str>, joined: Vec<Joined>, unknown: Vec<String>) {
        let resumed: Vec<_> = joined
            .into_iter()
            .filter_map(|one| self.resume(one))
            .collect();
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
