//! SEND in contract 2: entering an open room, and messages to open and trade rooms.

use std::sync::Arc;

use madang_domain::{Body, Caller, Content, DraftGroup, Error, RoomId};
use madang_engine::Engine;
use madang_wire::stomp::Frame;

use super::super::dialect::{Done, Failure, Voice};
use super::super::driver::Core;
use super::Stomp;
use super::send::client_id;
use super::subscribe::Subscription;
use crate::contracts::community::chat::{self, Target};
use crate::contracts::community::{open, trade};

impl Core<Stomp> {
    /// The store is asked which room is meant, and whether the sender belongs to it: a command that
    /// waits.
    ///
    /// # Errors
    /// The frame is not what is expected here: ERROR, close.
    pub(super) fn send_to_community(
        &mut self,
        target: Target,
        frame: &Frame,
        voice: Voice,
    ) -> Result<(), Error> {
        if frame.get("transaction").is_some() {
            return Err(chat::no_transaction());
        }
        let message = match target {
            Target::Enter(_) => {
                chat::check_enter(&frame.body)?;
                None
            }
            Target::Chat(_) | Target::Trade(_) => {
                let body = Body::new(&chat::parse_message(&frame.body)?, None)?;
                Some((Content::Message(body), client_id(frame)?))
            }
        };
        let receipt = frame.get("receipt").map(Box::<str>::from);
        let session = self.open_session()?;
        let caller = session.caller.clone();
        let here = target.delivered_on();
        let mut subscriptions = session.subscriptions.iter();
        let known = subscriptions.find(|one| one.is_to(&here));
        let known = known.and_then(Subscription::room).cloned();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.command = Some(Box::pin(async move {
            let reached = reach(&engine, &caller, target, known).await;
            let done: Done<Stomp> = Box::new(move |core| {
                let blame = |error| Failure::new(error, receipt.as_deref()).in_voice(voice);
                let room = reached.map_err(blame)?;
                let Some((content, client_id)) = message else {
                    core.answer_receipt(receipt.as_deref());
                    return Ok(());
                };
                let group = DraftGroup::single(engine.draft(&caller, room, content, client_id));
                let submission = core.submission(group, receipt.as_deref(), voice, Vec::new());
                core.submit(&engine, submission);
                Ok(())
            });
            done
        }));
        Ok(())
    }
}

/// The room that is meant; an open one has the caller for a member from now on. `known` is the room
/// of the session's own subscription under the same name.
async fn reach(
    engine: &Engine,
    caller: &Caller,
    target: Target,
    known: Option<RoomId>,
) -> Result<RoomId, Error> {
    match target {
        Target::Enter(number) => {
            let room = open::find(engine, caller, number).await?.room.id;
            engine.enter_room(caller, &room).await?;
            Ok(room)
        }
        Target::Chat(number) => {
            let view = match known {
                Some(room) => engine.view_room(caller, &room).await?,
                None => open::find(engine, caller, number).await?,
            };
            if !view.standing.is_member() {
                engine.join_room(caller, &view.room.id).await?;
            }
            Ok(view.room.id)
        }
        Target::Trade(named) => match known {
            Some(room) => Ok(room),
            None => {
                let found = trade::find(engine, caller, &named).await?;
                Ok(trade::only(found)?.room.id)
            }
        },
    }
}
