//! How a caller comes to the room that a SUBSCRIBE names.

use std::sync::Arc;

use madang_domain::{Caller, ClaimOutcome, Code, Error, RoomId};
use madang_engine::Engine;

use super::super::room_format::RoomFormat;
use crate::contracts::community::chat::{Shown, Source, View};
use crate::contracts::community::{open, trade};
use crate::contracts::support_desk::SupportDeskOptions;

/// What a SUBSCRIBE to a room asks for.
pub(super) enum Entry {
    /// A room by its id: a customer's SUBSCRIBE opens their own.
    Native(RoomId),
    /// Contract 1: an agent's claims the room.
    SupportDesk(RoomId, Arc<SupportDeskOptions>),
    /// Contract 2: a room by its number or its item.
    Community(Source),
}

impl Entry {
    /// The room, and how it is told. Whether the caller may read it is asked by whoever reads.
    ///
    /// # Errors
    /// There is no such room, or the caller may not come to it: the client's fault.
    /// [`Code::Unavailable`]: retryable.
    pub(super) async fn enter(
        self,
        engine: &Engine,
        caller: &Caller,
    ) -> Result<(RoomId, RoomFormat), Error> {
        match self {
            Self::Native(room) => {
                if room.is_support_of(&caller.user) {
                    engine.open_support_room(caller, &room).await?;
                }
                Ok((room, RoomFormat::Native))
            }
            Self::SupportDesk(room, options) => {
                if room.is_support_of(&caller.user) {
                    engine.open_support_room(caller, &room).await?;
                } else {
                    claim(engine, caller, &room).await?;
                }
                Ok((room, RoomFormat::SupportDesk(options)))
            }
            Self::Community(source) => {
                let (room, view) = find(engine, caller, &source).await?;
                Ok((room, RoomFormat::Community(Arc::new(view))))
            }
        }
    }
}

async fn claim(engine: &Engine, caller: &Caller, room: &RoomId) -> Result<(), Error> {
    if !caller.role.serves_customers() {
        return Err(Code::NotYourRoom.into());
    }
    match engine.claim_room(caller, room).await? {
        ClaimOutcome::Won | ClaimOutcome::AlreadyYours => Ok(()),
        ClaimOutcome::TakenBy(agent) => {
            let detail = format!("the room is assigned to {}", agent.name);
            Err(Error::with_detail(Code::RoomTaken, detail))
        }
        ClaimOutcome::NotWaiting => Err(Code::RoomNotWaiting.into()),
        ClaimOutcome::NoSuchRoom => Err(Code::RoomNotFound.into()),
    }
}

async fn find(engine: &Engine, caller: &Caller, source: &Source) -> Result<(RoomId, View), Error> {
    let (shown, number) = match source {
        Source::Chat(number) => (Shown::Chat, *number),
        Source::Entrances(number) => (Shown::Entrances, *number),
        Source::Trade(named) => {
            let found = trade::only(trade::find(engine, caller, named).await?)?;
            let room = found.room.id;
            let view = View::trade(&room, named);
            return Ok((room, view));
        }
    };
    let found = open::find(engine, caller, number).await?;
    Ok((found.room.id, View::open(shown, number)))
}
