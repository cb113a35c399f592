//! Somebody who listens on one connection.

use std::sync::Arc;

use madang_domain::message::Body;
use madang_domain::{Content, RoomId};
use madang_engine::TopicTarget;
use madang_wire::stomp::{Command, Frame};
use serde_json::Value;
use tokio::time::timeout;

use super::super::super::fixture::{caller, user};
use super::super::clients::{DEADLINE, EventStream, Stomp, WebSocket};
use super::super::live::Live;
use super::super::scene::{self, Scene};
use super::super::{json, stomp};
use super::happening::Turn;
use super::{NOTIFICATIONS, ROOM_STREAM};
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};

/// What is said to the listener alone, and to others alone.
pub(super) const OWN: &str = "for-the-listener";
pub(super) const OTHERS: &str = "for-others";

/// What signs begin with.
const SIGN: &str = "sign-";

/// Where those are published who listen to topics.
const SIGNS: &str = "/user/queue/signs";

pub(super) struct Listener {
    client: Client,
    on: &'static str,
    heard: Vec<Heard>,
    /// A room of theirs where the last sign comes.
    signs: RoomId,
    signs_given: usize,
}

enum Client {
    Json(WebSocket),
    Direct(WebSocket),
    Stomp(Stomp),
    Stream(EventStream),
    /// Refused, or ended.
    Nobody,
}

/// An event as it came.
struct Heard {
    name: String,
    data: Value,
}

impl Listener {
    pub(super) async fn open(live: &Live, on: &'static str, scene: &Scene) -> Self {
        let signs = scene::signs(&live.server, &scene.caller).await;
        let mut listener = Self {
            client: Client::Nobody,
            on,
            heard: Vec::new(),
            signs,
            signs_given: 0,
        };
        listener.client = listener.connect(live, scene).await;
        if listener.says_hello() {
            listener.hear().await;
        }
        listener
    }

    async fn connect(&mut self, live: &Live, scene: &Scene) -> Client {
        let token = scene.token();
        let connected = match self.on {
            JSON_PATH => {
                let mut client = WebSocket::open(live, JSON_PATH, None).await.unwrap();
                match json::enter(&mut client, &token).await {
                    Ok(hello) => {
                        self.note("hello", hello);
                        Ok(Client::Json(client))
                    }
                    Err(code) => {
                        self.note("error", code.into());
                        Err(())
                    }
                }
            }
            DIRECT_PATH => {
                let token = Some(token.as_str()).filter(|token| !token.is_empty());
                let opened = WebSocket::open(live, DIRECT_PATH, token).await;
                opened.map(Client::Direct).map_err(drop)
            }
            path if path.starts_with("/api/") => {
                let path = scene.fill(path);
                let opened = EventStream::open(live, &path, &token, None).await;
                opened.map(Client::Stream).map_err(drop)
            }
            to => self.subscribe(live, scene, to).await.map_err(drop),
        };
        match connected {
            Ok(Client::Direct(mut client)) => {
                // What is said to a session is done behind its beginning.
                client.say(r#"{"type": "ping"}"#).await;
                client.next().await.unwrap();
                Client::Direct(client)
            }
            Ok(client) => client,
            Err(()) => Client::Nobody,
        }
    }

    async fn subscribe(&self, live: &Live, scene: &Scene, to: &str) -> Result<Client, String> {
        let mut client = Stomp::connect(live, &scene.token()).await?;
        client.ask(stomp::subscribe(scene, to)).await?;
        let signs = match is_topic(to) {
            true => SIGNS.to_owned(),
            false => format!("/rooms/{}", self.signs),
        };
        let signs = Frame::new(Command::Subscribe)
            .with("id", "signs")
            .with("destination", &signs);
        client.ask(signs).await?;
        Ok(Client::Stomp(client))
    }

    fn says_hello(&self) -> bool {
        matches!(self.client, Client::Stream(_))
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.client, Client::Nobody)
    }

    fn note(&mut self, name: &str, data: Value) {
        self.heard.push(Heard {
            name: name.to_owned(),
            data,
        });
    }

    /// Hears one event; `false` when there will be none.
    async fn hear(&mut self) -> bool {
        let heard = match &mut self.client {
            Client::Nobody => None,
            Client::Json(client) => client.next().await.map(|data| Heard {
                name: data["type"].as_str().unwrap().to_owned(),
                data,
            }),
            Client::Direct(client) => client.next().await.map(|data| Heard {
                name: "message".to_owned(),
                data,
            }),
            Client::Stream(client) => client.next().await.map(|event| Heard {
                name: event.name,
                data: event.data,
            }),
            Client::Stomp(client) => client.next().await.map(|frame| Heard {
                name: frame
                    .get("event")
                    .unwrap_or(frame.command.as_str())
                    .to_owned(),
                data: String::from_utf8_lossy(&frame.body).into_owned().into(),
            }),
        };
        if heard.is_none() {
            self.client = Client::Nobody;
        }
        let goes_on = heard.is_some();
        self.heard.extend(heard);
        goes_on
    }

    pub(super) async fn say(&mut self, command: &Value) {
        if let Client::Json(client) = &mut self.client {
            client.say(&command.to_string()).await;
        }
    }

    /// Says it, and hears all up to the answer of the same `id`.
    pub(super) async fn ask(&mut self, command: &Value) {
        if !matches!(self.client, Client::Json(_)) {
            return;
        }
        self.say(command).await;
        let answers = |heard: &Heard| heard.name == "ack" && heard.data["id"] == command["id"];
        while !self.heard.iter().any(answers) {
            assert_eq!(timeout(DEADLINE, self.hear()).await, Ok(true), "{command}");
        }
    }

    /// Opens the stream anew, behind an event of an earlier life of its rooms.
    pub(super) async fn resume(&mut self, live: &Live, scene: &Scene, last: &str) {
        if !matches!(self.client, Client::Stream(_)) {
            return;
        }
        let path = scene.fill(self.on);
        let opened = EventStream::open(live, &path, &scene.token(), Some(last)).await;
        if let Ok(stream) = opened {
            self.client = Client::Stream(stream);
            // What comes from now on is shown.
            self.hear().await;
        }
    }

    pub(super) async fn wait_for(&mut self, event: &str, turn: &Turn<'_>) {
        while !self.was_told(event) {
            // Comments keep a stream going on which nothing comes.
            let heard = timeout(DEADLINE, self.hear()).await;
            assert_eq!(heard, Ok(true), "{event}: {turn:?}");
        }
    }

    pub(super) fn was_told(&self, event: &str) -> bool {
        self.heard.iter().any(|heard| heard.shows(event))
    }

    /// Hears everything that came before now.
    pub(super) async fn catch_up(&mut self, live: &Live, scene: &Scene) {
        if self.is_over() {
            return;
        }
        let sign = format!("{SIGN}{}-{}", self.signs_given, scene.caller);
        self.signs_given += 1;
        self.give_sign(live, scene, &sign).await;
        while !self.heard.iter().any(|heard| heard.has(&sign)) {
            let heard = timeout(DEADLINE, self.hear()).await;
            if !heard.unwrap_or_else(|_| panic!("{sign} did not come on {}", self.on)) {
                return;
            }
        }
    }

    /// Forgets what came while they were something else to the room.
    pub(super) fn forget_all_but(&mut self, event: &str) {
        self.heard.retain(|heard| heard.name == event);
    }

    /// Has something shown on this connection that is shown behind all that came before.
    async fn give_sign(&self, live: &Live, scene: &Scene, sign: &str) {
        let engine = &live.server.engine;
        match self.on {
            ROOM_STREAM => {
                let notice = Content::Notice(Body::new(sign, None).unwrap());
                let host = caller("service:messages/host");
                let sent = engine.send_message(&host, scene.room.clone(), notice, None);
                sent.await.map(drop).unwrap();
            }
            "/api/v1/desk/events" => {
                scene::come(&live.server, &format!("user/{sign}")).await;
            }
            NOTIFICATIONS => scene::notify(&live.server, &scene.caller, sign).await,
            to if is_topic(to) => {
                let target = TopicTarget::User(user(&scene.caller), Arc::from(SIGNS));
                scene::publish(&live.server, target, sign);
            }
            _ => live.server.send(scene::SIGNALLER, &self.signs, sign).await,
        }
    }
}

impl Heard {
    fn has(&self, text: &str) -> bool {
        self.data.to_string().contains(text)
    }

    /// Whether it is this event, of what happened.
    fn shows(&self, event: &str) -> bool {
        assert!(!self.has(OTHERS), "{}: {}", self.name, self.data);
        match event {
            // That one has a room no more is told to whoever had it.
            "room" => self.name == event && self.data["change"] != "left",
            // The first says that the stream is open.
            "sse" => self.name == event && self.has(OWN),
            _ => self.name == event && !self.has(SIGN),
        }
    }
}

fn is_topic(destination: &str) -> bool {
    destination.ends_with("/**")
}
