//! How everything happens that somebody could be told of.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use madang_domain::{Epoch, Position, RoomId, Seq};
use madang_engine::{RoomSignal, SignalEvent, SignalKind, TopicTarget};
use serde_json::json;

use super::super::super::fixture::{caller, user};
use super::super::clients::WebSocket;
use super::super::json;
use super::super::live::Live;
use super::super::scene::{self, Scene};
use super::listener::{Listener, OTHERS, OWN};
use super::{NOTIFICATIONS, ROOM_STREAM, Since};
use crate::authorization::{Attempt, Place, RoomState};
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};

/// A place in an earlier life of a room.
const EARLIER: Position = Position {
    epoch: Epoch::new(1),
    seq: Seq::new(1),
};

/// What is not of a log: how a room stands, and what somebody does there.
const OF_WHAT_IS_KNOWN: [&str; 6] = ["room", "read", "receipts", "typing", "presence", "reset"];

/// One listener's turn.
pub(super) struct Turn<'a> {
    pub(super) live: &'a Live,
    pub(super) scene: &'a Scene,
    pub(super) on: &'static str,
    pub(super) attempt: Attempt,
    pub(super) since: Since,
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on {}, {:?}, {:?}", self.on, self.attempt, self.since)
    }
}

impl Turn<'_> {
    /// Whether the room became theirs while they listened, if it is theirs now.
    pub(super) fn became_theirs(&self) -> bool {
        self.since == Since::Meanwhile && self.on != ROOM_STREAM
    }

    /// Has it happen; `false` where it cannot.
    pub(super) async fn happens(&self, event: &str, listener: &mut Listener) -> bool {
        // What is not of the log goes by what is known here.
        if self.since == Since::Elsewhere && OF_WHAT_IS_KNOWN.contains(&event) {
            return false;
        }
        match event {
            // Said when they came.
            "hello" => return self.since == Since::Before,
            "MESSAGE" | "message" | "sse" => return self.something_is_said().await,
            "room" => return self.room_changes().await,
            "read" => self.signal(SignalKind::Read {
                before: Seq::ZERO,
                now: EARLIER,
            }),
            "receipts" => self.signal(SignalKind::ManyRead { readers: 40 }),
            "typing" => self.signal(SignalKind::Typing { active: true }),
            "presence" => return self.somebody_comes_online(listener).await,
            "inbox" => self.notify().await,
            "notification" => self.publish("/user/queue/x"),
            "ack" => {
                listener
                    .say(&json!({"type": "watch", "id": 1, "users": []}))
                    .await
            }
            "pong" => listener.say(&json!({"type": "ping"})).await,
            "reset" => self.resume(listener).await,
            "error" if self.on == JSON_PATH => listener.say(&json!({"type": "x"})).await,
            "error" => self
                .live
                .server
                .gateway
                .end_sessions_of(&user(&self.scene.caller)),
            other => panic!("nobody knows how {other} happens"),
        }
        true
    }

    async fn something_is_said(&self) -> bool {
        let (server, room) = (&self.live.server, &self.scene.room);
        let speaker = self.scene.speaker();
        match self.on {
            "/sub/desk" | "/api/v1/desk/events" => {
                let customer = format!("user/customer-of-{}", self.scene.caller);
                scene::come(server, &customer).await;
            }
            NOTIFICATIONS => self.notify().await,
            "/sub/enter/{roomId}" if self.since == Since::Elsewhere => return false,
            "/sub/enter/{roomId}" => {
                let company = caller(&speaker);
                // Only open rooms are entered.
                drop(server.engine.enter_room(&company, room).await);
            }
            "/user/queue/**" => self.publish("/user/queue/x"),
            to if to.ends_with("/**") => {
                let destination = to.replace("**", "x");
                let target = TopicTarget::Shared(Arc::from(destination));
                scene::publish(server, target, "x");
            }
            // Contract 3 shows nobody what they said themselves.
            DIRECT_PATH if speaker.ends_with(&format!("/{}", self.scene.caller)) => return false,
            _ => server.send(&speaker, room, "x").await,
        }
        true
    }

    /// The room changes for those who stay what they are to it.
    async fn room_changes(&self) -> bool {
        if self.on == ROOM_STREAM && self.since != Since::Before {
            // By which they became what they are may be told at any time.
            return false;
        }
        let (engine, room) = (&self.live.server.engine, &self.scene.room);
        let Place::Support { owns, state } = self.attempt.place else {
            // Rooms of members are told when they become one's own, as this one did.
            return self.became_theirs();
        };
        let agent = match state {
            RoomState::AssignedToCaller if owns => &self.scene.caller,
            RoomState::AssignedToOther => "another",
            RoomState::AssignedToCaller => return self.became_theirs(),
            // It waits again since the customer said something.
            RoomState::Waiting | RoomState::Completed | RoomState::Missing => {
                let claimer = caller("agent/claimer");
                engine.claim_room(&claimer, room).await.map(drop).unwrap();
                return true;
            }
        };
        let agent = caller(&format!("agent/{agent}"));
        engine.complete_room(&agent, room).await.unwrap();
        true
    }

    fn signal(&self, kind: SignalKind) {
        let engine = &self.live.server.engine;
        let event = SignalEvent::new(RoomSignal {
            room: self.scene.room.clone(),
            user: user("somebody"),
            name: None,
            kind,
            at: engine.now(),
        });
        engine.hub().rooms().signal(&Arc::new(event));
    }

    async fn notify(&self) {
        let server = &self.live.server;
        scene::notify(server, &self.scene.caller, OWN).await;
        scene::notify(server, "somebody", OTHERS).await;
    }

    fn publish(&self, destination: &str) {
        let server = &self.live.server;
        for (whom, body) in [(&*self.scene.caller, OWN), ("somebody", OTHERS)] {
            let target = TopicTarget::User(user(whom), Arc::from(destination));
            scene::publish(server, target, body);
        }
    }

    /// Somebody in the room, before it is asked for.
    async fn somebody_comes_online(&self, listener: &mut Listener) -> bool {
        let company = format!("company-{}", self.scene.caller);
        let whom = match self.attempt.place {
            Place::Members { .. } => &company,
            Place::Support { owns: false, .. } => self.scene.room.as_str(),
            Place::Support {
                state: RoomState::AssignedToOther,
                ..
            } => "another",
            // Nobody else is there.
            Place::Support { .. } => return false,
        };
        let watch = json!({"type": "watch", "id": 2, "users": [whom]});
        let mut witness = WebSocket::open(self.live, JSON_PATH, None).await.unwrap();
        json::enter(&mut witness, "admin/witness").await.unwrap();
        witness.say(&watch.to_string()).await;
        self.live.server.engine.connected(&user(whom));
        while witness.next().await.unwrap()["type"] != "presence" {}
        listener.ask(&watch).await;
        true
    }

    async fn resume(&self, listener: &mut Listener) {
        let (live, scene) = (self.live, self.scene);
        if self.on == JSON_PATH {
            let positions = json!({ scene.room.as_str(): EARLIER.to_string() });
            let resume = json!({"type": "resume", "id": 3, "positions": positions});
            return listener.ask(&resume).await;
        }
        let last = match self.on {
            "/api/v1/events" => places_id(&scene.room),
            _ => EARLIER.to_string(),
        };
        listener.resume(live, scene, &last).await;
    }
}

/// The id of an event of all rooms, as a stream gave it out in an earlier life of this one.
fn places_id(room: &RoomId) -> String {
    let mut bytes = vec![1];
    let hash = digest(&SHA256, room.as_str().as_bytes());
    bytes.extend_from_slice(&hash.as_ref()[..8]);
    bytes.extend_from_slice(&EARLIER.epoch.get().to_be_bytes()[2..]);
    bytes.push(1);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
