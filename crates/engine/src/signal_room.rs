//! Signals: what somebody does in a room that is not in its log. Told to whoever listens now.

use std::sync::Arc;

use madang_domain::ports::Topic;
use madang_domain::{Caller, Error, Position, Room, RoomId, policy};

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};
use crate::event::{RoomSignal, SignalEvent, SignalKind};

impl Engine {
    /// Shows the room's subscribers that `caller` writes a message, or has stopped. For those who may
    /// send there.
    ///
    /// Asks the store, as a send does, and stores nothing: only the store knows who has the room
    /// now, and a subscription would prove no more than the right to read. How often a client may
    /// call is the doors' limit.
    ///
    /// # Errors
    /// [`madang_domain::Code::RoomNotFound`]; [`madang_domain::Code::NotYourRoom`];
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn set_typing(
        &self,
        caller: &Caller,
        room: &RoomId,
        active: bool,
    ) -> Result<(), Error> {
        let found = self.room(caller, room).await?;
        policy::may_send(&found.support, &caller.user, caller.role)?;
        self.signal(caller, room, SignalKind::Typing { active });
        Ok(())
    }

    /// Raises `caller`'s mark in the room to `position`, at most to the room's head, and answers
    /// where it stands then. A lower position, or one of another life of the room, changes nothing.
    /// It is the mark that [`Engine::acknowledge`] raises: what is read is delivered.
    ///
    /// When it rose and the caller takes part in the conversation, the room's subscribers are
    /// shown; an admin who looks on is not seen.
    ///
    /// # Errors
    /// [`madang_domain::Code::RoomNotFound`]; [`madang_domain::Code::NotYourRoom`];
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        room: &RoomId,
        position: Position,
    ) -> Result<Position, Error> {
        let found = self.room(caller, room).await?;
        let Room { head, support, .. } = &found;
        let mark = self.store.delivered(room, &caller.user).await;
        let at = |seq| Position {
            epoch: head.epoch,
            seq,
        };
        let mark = at(mark.map_err(|e| store_failed(&e))?);
        let read = at(position.seq.min(head.last));
        if position.epoch != head.epoch || read.seq <= mark.seq {
            return Ok(mark);
        }
        self.acknowledge(caller, room, read).await?;
        if policy::may_send(support, &caller.user, caller.role).is_ok() {
            self.signal(caller, room, SignalKind::Read(read));
        }
        Ok(read)
    }

    fn signal(&self, caller: &Caller, room: &RoomId, kind: SignalKind) {
        let signal = RoomSignal {
            room: room.clone(),
            user: caller.user.clone(),
            name: caller.name.clone(),
            kind,
            at: self.now(),
        };
        let topic = Topic::Room(room.clone());
        if self.bus.reaches_others(&topic) {
            self.bus
                .publish(&topic, BusMessage::signal(&signal).encode());
        }
        self.hub.rooms().signal(&Arc::new(SignalEvent::new(signal)));
    }
}
