//! Typing: what somebody does in a room that is not in its log. Told to whoever listens now.

use std::sync::Arc;

use madang_domain::ports::Topic;
use madang_domain::{Caller, Error, RoomId, policy};

use crate::bus_message::BusMessage;
use crate::engine::Engine;
use crate::event::{RoomSignal, SignalEvent, SignalKind};

impl Engine {
    /// Shows the room's subscribers that `caller` writes a message, or has stopped. For those who may
    /// send there. Told at most once per member, room and interval, and of a bounded number of
    /// members; what is more is not told.
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
        let view = self.view_room(caller, room).await?;
        policy::may_send(&view.room.detail, view.standing, &caller.user, caller.role)?;
        if self.signals.admits_typing(room, &caller.user, active) {
            self.tell_signal(RoomSignal {
                room: room.clone(),
                user: caller.user.clone(),
                name: caller.name.clone(),
                kind: SignalKind::Typing { active },
                at: self.now(),
            });
        }
        Ok(())
    }

    /// Tells the room's subscribers on every node.
    pub(crate) fn tell_signal(&self, signal: RoomSignal) {
        let topic = Topic::Room(signal.room.clone());
        if self.bus.reaches_others(&topic) {
            self.bus
                .publish(&topic, BusMessage::signal(&signal).encode());
        }
        self.hub.rooms().signal(&Arc::new(SignalEvent::new(signal)));
    }
}
