//! Somebody who reads rooms to their end, and resumes after each cut where they were.

use std::collections::BTreeMap;
use std::time::Duration;

use madang_e2e::dice::Dice;
use madang_loadgen::client::{Client, ClientError, ConnectOptions, WsEvent};
use madang_wire::websocket::Opcode;
use serde_json::{Value, json};

use super::rest::entry;
use super::{ANSWER_PATIENCE, Backoff, World, final_code};
use crate::history::What;

/// How long a connection may be silent before it is asked, and how often in vain.
const SILENCE: Duration = Duration::from_secs(1);
const SILENCES_MAX: u32 = 2;

/// What [`Reader::stay_max`] is at first.
const STAY_MAX: usize = 400;

/// What the reader speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// A subscription for each room.
    Stomp,
    /// All of the user's rooms, with nothing to subscribe.
    Json,
}

impl Door {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stomp => "stomp",
            Self::Json => "json",
        }
    }
}

/// Where a reader begins in a room.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) position: String,
    pub(crate) seq: u64,
}

pub(crate) struct Reader {
    world: World,
    name: String,
    token: String,
    door: Door,
    /// The rooms that are not read to their end, with the position of the last entry of each.
    positions: BTreeMap<String, String>,
    dice: Dice,
    /// Entries between two changes of the node for no reason, at most; `None`: it changes for a reason only.
    stay_max: Option<usize>,
}

/// Why a connection is left.
enum Left {
    /// Another one is needed.
    Broken,
    /// Nothing is left to read.
    Done,
}

impl Reader {
    /// `name` begins with the user's id, then a slash.
    pub(crate) fn new(
        world: World,
        name: String,
        token: String,
        door: Door,
        rooms: &[(String, Start)],
        dice: Dice,
    ) -> Self {
        for (room, start) in rooms {
            world.history.record(What::Began {
                reader: name.clone(),
                room: room.clone(),
                behind: start.seq,
            });
        }
        let begins = rooms
            .iter()
            .map(|(room, start)| (room.clone(), start.position.clone()));
        Self {
            positions: begins.collect(),
            world,
            name,
            token,
            door,
            dice,
            stay_max: Some(STAY_MAX),
        }
    }

    /// The same, who stays where they are as long as they can.
    pub(crate) fn staying(self) -> Self {
        Self {
            stay_max: None,
            ..self
        }
    }

    /// Reads until each room has ended, or is not theirs any more.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new();
        while !self.positions.is_empty() {
            let before = self.positions.clone();
            let left = match self.door {
                Door::Stomp => self.read_stomp().await,
                Door::Json => self.read_json().await,
            };
            match left {
                Ok(Left::Done) => return,
                Ok(Left::Broken) => self.world.left(&self.name, "silent, closed or changed"),
                Err(error) => self.world.left(&self.name, error),
            }
            if self.positions != before {
                backoff.reset();
            }
            backoff.pause().await;
        }
    }

    async fn read_stomp(&mut self) -> Result<Left, ClientError> {
        let connected = self.world.connect(&self.name, &self.token).await;
        let mut client = connected.ok_or(ClientError::Disconnected)?;
        for (room, position) in &self.positions {
            let destination = format!("/rooms/{room}");
            let since = [("since", position.as_str())];
            let confirm = madang_loadgen::client::Confirm::No;
            client
                .subscribe(room, &destination, &since, confirm)
                .await?;
        }
        let (mut silences, mut beats) = (0, 0);
        let mut stay = self.stay();
        loop {
            let frame = match client.next_frame(SILENCE).await {
                Ok(frame) => frame,
                Err(ClientError::TimedOut) => {
                    silences = if client.beats_received() == beats {
                        silences + 1
                    } else {
                        0
                    };
                    beats = client.beats_received();
                    if silences < SILENCES_MAX {
                        continue;
                    }
                    return Ok(Left::Broken);
                }
                Err(error) => {
                    self.give_up_if_refused(&error);
                    return Err(error);
                }
            };
            silences = 0;
            let Some(room) = frame.get("subscription").map(str::to_owned) else {
                continue;
            };
            let body: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
            match frame.get("event") {
                None => self.saw(&room, &body),
                Some("ended") => self.lost_right(&room),
                Some(_) => self.was_reset(&room),
            }
            if self.positions.is_empty() {
                return Ok(Left::Done);
            }
            stay -= 1;
            if stay == 0 {
                return Ok(Left::Broken);
            }
        }
    }

    /// A subscription that is refused for good says that the room is not theirs: of one room at a time.
    fn give_up_if_refused(&mut self, error: &ClientError) {
        if final_code(error).as_deref() != Some("NOT_YOUR_ROOM") {
            return;
        }
        let rooms: Vec<String> = self.positions.keys().cloned().collect();
        if let [room] = &rooms[..] {
            self.lost_right(room);
        }
    }

    async fn read_json(&mut self) -> Result<Left, ClientError> {
        let mut client = self.open_json().await?;
        let mut resumed = false;
        let mut silences = 0;
        let mut stay = self.stay();
        loop {
            let event = match client.next_event(SILENCE).await {
                Ok(WsEvent::Text(text)) => serde_json::from_slice(&text).unwrap_or(Value::Null),
                Ok(WsEvent::Close { .. }) => return Ok(Left::Broken),
                Ok(_) => continue,
                Err(ClientError::TimedOut) if silences < SILENCES_MAX => {
                    silences += 1;
                    say(&mut client, &json!({"type": "ping"})).await?;
                    continue;
                }
                Err(ClientError::TimedOut) => return Ok(Left::Broken),
                Err(error) => return Err(error),
            };
            silences = 0;
            match event["type"].as_str() {
                Some("hello") => {
                    let resume = json!({"type": "resume", "id": "r", "positions": self.positions});
                    say(&mut client, &resume).await?;
                }
                Some("ack") if event["id"] == "r" => {
                    resumed = true;
                    let unknown = event["unknown"].as_array().into_iter().flatten();
                    let unknown: Vec<_> = unknown.filter_map(Value::as_str).collect();
                    unknown.into_iter().for_each(|room| self.lost_right(room));
                }
                // What comes before the answer to `resume` comes again behind it.
                Some("message") if resumed => {
                    let message = &event["message"];
                    let room = message["roomId"].as_str().unwrap_or_default().to_owned();
                    self.saw(&room, message);
                    stay -= 1;
                }
                Some("reset") if resumed => {
                    let room = event["room"].as_str().unwrap_or_default().to_owned();
                    self.was_reset(&room);
                }
                Some("room") if event["change"] == "left" => {
                    let room = event["room"]["id"].as_str().unwrap_or_default().to_owned();
                    self.lost_right(&room);
                }
                Some("error") => return Ok(Left::Broken),
                _ => {}
            }
            if self.positions.is_empty() {
                return Ok(Left::Done);
            }
            if stay == 0 {
                return Ok(Left::Broken);
            }
        }
    }

    async fn open_json(&self) -> Result<Client, ClientError> {
        let url = format!("ws://{}/ws/v1", self.world.address);
        let options = ConnectOptions {
            subprotocols: Vec::new(),
            timeout: ANSWER_PATIENCE,
            ..ConnectOptions::default()
        };
        let bearer = format!("Bearer {}", self.token);
        let opened = Client::open(&url, options.http_header("Authorization", bearer)).await;
        self.world.reached(&self.name, opened)
    }

    /// How many entries until another node is tried for no reason.
    fn stay(&mut self) -> usize {
        self.stay_max
            .map_or(usize::MAX, |most| 1 + most / 8 + self.dice.below(most))
    }

    /// Entries of rooms that have ended, and of others of the user's, are nobody's business.
    fn saw(&mut self, room: &str, message: &Value) {
        let Some(position) = self.positions.get_mut(room) else {
            return;
        };
        message["position"]
            .as_str()
            .unwrap_or_default()
            .clone_into(position);
        let entry = entry(message);
        if entry.is_end() {
            self.positions.remove(room);
        }
        self.world.history.record(What::Seen {
            reader: self.name.clone(),
            room: room.to_owned(),
            entry,
        });
    }

    fn lost_right(&mut self, room: &str) {
        if self.positions.remove(room).is_some() {
            let (reader, room) = (self.name.clone(), room.to_owned());
            self.world.history.record(What::Ended { reader, room });
        }
    }

    fn was_reset(&self, room: &str) {
        if self.positions.contains_key(room) {
            let (reader, room) = (self.name.clone(), room.to_owned());
            self.world.history.record(What::Reset { reader, room });
        }
    }
}

async fn say(client: &mut Client, command: &Value) -> Result<(), ClientError> {
    let text = command.to_string();
    client
        .write_ws_frame(Opcode::Text, true, text.as_bytes())
        .await
}
