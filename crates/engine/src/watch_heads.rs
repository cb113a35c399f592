//! What other nodes did: heard on the bus, or found by comparing heads with the store.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use madang_domain::RoomId;
use madang_domain::ports::{BusEvent, Topic};
use tokio::time::MissedTickBehavior;

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};

/// Rooms compared with the store in one query.
const ROOMS_PER_CHECK: usize = 1_000;

/// Hands what the bus brings to the hub, until the bus or the engine ends.
pub(crate) async fn listen(engine: Weak<Engine>) {
    let Some(bus) = engine.upgrade().map(|engine| Arc::clone(&engine.bus)) else {
        return;
    };
    while let Some(event) = bus.next_event().await {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        match event {
            BusEvent::Published { topic, payload } => engine.heard(&topic, &payload).await,
            BusEvent::Reconnected => {
                engine.hub.users().rooms_unknown();
                engine.check_heads().await;
            }
        }
    }
}

/// Compares heads at every interval, until the engine ends.
pub(crate) async fn check(engine: Weak<Engine>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(engine) = engine.upgrade() else {
            return;
        };
        engine.check_heads().await;
    }
}

impl Engine {
    async fn heard(&self, topic: &Topic, payload: &Bytes) {
        let message = match BusMessage::decode(payload) {
            Ok(message) => message,
            Err(error) => return tracing::warn!(%error, ?topic, "a bus message is not understood"),
        };
        match (topic, message) {
            (Topic::Room(room), BusMessage::Message(message)) => match message.into_message(room) {
                Some(message) => self.hub.rooms().publish(room, [message]),
                None => tracing::warn!(%room, "a bus message has broken ids"),
            },
            (Topic::Room(room), BusMessage::AccessChanged) => self.refresh_access(room).await,
            // Only the store knows whether the room has been made again since.
            (Topic::Room(room), BusMessage::Deleted) => self.refresh_access(room).await,
            (Topic::Destination(destination), BusMessage::Topic(event)) => {
                self.hub.topics().publish(&event.into_event(destination));
            }
            (Topic::Room(room), BusMessage::Signal(signal)) => match signal.into_event(room) {
                Some(event) => self.hub.rooms().signal(&event),
                None => tracing::warn!(%room, "a bus message has broken ids"),
            },
            (Topic::User(user), BusMessage::UserTopic { destination, event }) => {
                let event = event.into_event(&destination);
                self.hub.topics().publish_to_user(user, &event);
            }
            (Topic::User(user), BusMessage::RoomsChanged { room, since }) => {
                let since = since.and_then(|since| since.parse().ok());
                match RoomId::new(&room) {
                    Ok(room) => self.hub.users().rooms_changed(user, &room, since),
                    Err(_) => tracing::warn!(%user, "a bus message has broken ids"),
                }
            }
            (topic, _) => tracing::warn!(?topic, "a bus message came under the wrong topic"),
        }
    }

    /// Compares the heads of all rooms that are listened to here with the store: whoever is
    /// behind catches up, whoever lost access is ended.
    pub async fn check_heads(&self) {
        let rooms = self.hub.rooms().listened();
        for chunk in rooms.chunks(ROOMS_PER_CHECK) {
            match self.store.heads(chunk).await {
                Ok(heads) => {
                    for (room, head) in chunk.iter().zip(heads) {
                        self.head_seen(room, head.as_ref()).await;
                    }
                }
                // The next interval tries again.
                Err(error) => return drop(store_failed(&error)),
            }
        }
    }

    async fn head_seen(&self, room: &RoomId, head: Option<&madang_domain::RoomHead>) {
        let Some(head) = head else {
            return self.refresh_access(room).await;
        };
        self.hub.rooms().head_seen(room, head);
        if self.hub.rooms().access_is_newer(room, head) {
            self.refresh_access(room).await;
        }
    }
}
