//! What other nodes did: heard on the bus, or found by asking the store.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use madang_domain::ports::{BusEvent, PresenceEdge, Topic};
use madang_domain::{Epoch, Error, RoomId, Timestamp, UserId};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::bus_message::BusMessage;
use crate::dispatch::begins_to_wait;
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
            BusEvent::Published {
                topic: Topic::AllGateways | Topic::Gateway(_),
                payload,
            } => engine.heard_by_gateway(&payload),
            BusEvent::Published { topic, payload } => engine.heard(&topic, &payload),
            BusEvent::Reconnected => {
                engine.gateway_missed();
                engine.hub.users().rooms_unknown();
                // Not here: what the bus brings meanwhile must not pile up.
                engine.recheck.notify_one();
            }
        }
    }
}

/// Looks for revoked tokens and compares heads at every interval, and when the bus may have lost
/// something, until the engine ends.
pub(crate) async fn check(engine: Weak<Engine>, recheck: Arc<Notify>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = recheck.notified() => {}
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        engine.check_revocations().await;
        engine.check_heads().await;
    }
}

impl Engine {
    fn heard(&self, topic: &Topic, payload: &Bytes) {
        let message = match BusMessage::decode(payload) {
            Ok(message) => message,
            Err(error) => return tracing::warn!(%error, ?topic, "a bus message is not understood"),
        };
        match (topic, message) {
            (Topic::Room(room), BusMessage::Message(message)) => match message.into_message(room) {
                Some(message) => {
                    if begins_to_wait(message.kind) {
                        self.waiting.notify_one();
                    }
                    self.hub.rooms().publish(room, [message]);
                }
                None => tracing::warn!(%room, "a bus message has broken ids"),
            },
            (Topic::Room(room), BusMessage::Deleted { epoch }) => {
                self.hub.rooms().deleted(room, Epoch::new(epoch));
            }
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
                match RoomId::kept(&room) {
                    Ok(room) => self.hub.users().rooms_changed(user, &room, since),
                    Err(_) => tracing::warn!(%user, "a bus message has broken ids"),
                }
            }
            (
                Topic::User(user),
                BusMessage::Presence {
                    online,
                    epoch,
                    at_micros,
                },
            ) => {
                self.tell_edge(PresenceEdge {
                    user: user.clone(),
                    online,
                    epoch,
                    at: Timestamp::from_micros(at_micros),
                });
            }
            (Topic::AllNodes, BusMessage::Revoked { user, at_micros }) => {
                match UserId::new(&user) {
                    Ok(user) => self.revoked(user, Timestamp::from_micros(at_micros)),
                    Err(_) => tracing::warn!("a bus message has broken ids"),
                }
            }
            (Topic::AllNodes, BusMessage::PictureReleased { link }) => {
                // Whether anybody listens here or not.
                let _ = self.released.tell(link);
            }
            (Topic::AllNodes, BusMessage::RoomsUnknown) => self.hub.users().rooms_unknown(),
            (topic, _) => tracing::warn!(?topic, "a bus message came under the wrong topic"),
        }
    }

    /// Compares the heads of all rooms that are listened to here with the store: whoever is
    /// behind catches up, whoever lost access finds out.
    pub async fn check_heads(&self) {
        let mut rooms = Vec::new();
        for part in self.hub.rooms().listened() {
            rooms.extend(part);
            while rooms.len() >= ROOMS_PER_CHECK {
                let rest = rooms.split_off(ROOMS_PER_CHECK);
                if self.check_heads_of(&mut rooms).await.is_err() {
                    return;
                }
                rooms = rest;
                tokio::task::yield_now().await;
            }
        }
        if !rooms.is_empty() {
            // The next interval tries again.
            let _ = self.check_heads_of(&mut rooms).await;
        }
    }

    async fn check_heads_of(&self, rooms: &mut [RoomId]) -> Result<(), Error> {
        // So that a run of the simulation, which has few, can be replayed.
        rooms.sort_unstable();
        let heads = self.store.heads(rooms).await;
        let heads = heads.map_err(|error| store_failed(&error))?;
        for (room, head) in rooms.iter().zip(heads) {
            self.hub.rooms().head_seen(room, head.as_ref());
        }
        Ok(())
    }
}
