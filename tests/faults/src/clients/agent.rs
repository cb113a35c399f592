//! Somebody of the support desk, who wants the same rooms as all others.

use madang_e2e::dice::Dice;
use madang_loadgen::http::encoded;
use serde_json::{Value, json};

use super::{Asked, Backoff, Rest, World};
use crate::history::{Name, What};

/// Messages of an agent in a room before they part from it, at most.
const MESSAGES_MAX: usize = 4;

pub(crate) struct Agent {
    world: World,
    user: String,
    rest: Rest,
    /// The rooms that are wanted, and the colleagues that a room can be handed over to.
    rooms: Vec<String>,
    colleagues: Vec<String>,
    dice: Dice,
    number: u64,
}

impl Agent {
    pub(crate) fn new(
        world: World,
        user: &str,
        token: String,
        rooms: Vec<String>,
        colleagues: Vec<String>,
        dice: Dice,
    ) -> Self {
        let address = world.address;
        Self {
            world,
            user: user.to_owned(),
            rest: Rest { address, token },
            rooms,
            colleagues,
            dice,
            number: 0,
        }
    }

    /// Claims, writes and parts until the round ends.
    pub(crate) async fn run(mut self) {
        while !self.world.is_ending() {
            let room = self.rooms[self.dice.below(self.rooms.len())].clone();
            match self.claim(&room).await {
                Some(true) => self.serve(&room).await,
                // Whoever lost tries to write all the same, now and then.
                Some(false) if self.dice.once_in(4) => self.write(&room).await,
                _ => {}
            }
        }
    }

    /// Whether the room is theirs; `None`: nobody waits there.
    async fn claim(&mut self, room: &str) -> Option<bool> {
        let path = format!("/api/v1/desk/rooms/{}/claim", encoded(room));
        let answer = self.rest.insist("POST", &path, &Value::Null).await;
        let (agent, room) = (self.user.clone(), room.to_owned());
        match answer {
            Ok(_) => {
                self.world.history.record(What::Claimed { agent, room });
                Some(true)
            }
            Err(code) if code == "ROOM_TAKEN" => {
                self.world.history.record(What::Lost { agent, room });
                Some(false)
            }
            Err(_) => None,
        }
    }

    async fn serve(&mut self, room: &str) {
        for _ in 0..self.dice.below(MESSAGES_MAX) {
            self.write(room).await;
        }
        let (agent, parted) = (self.user.clone(), room.to_owned());
        let what = What::Parting {
            agent: agent.clone(),
            room: parted.clone(),
        };
        self.world.history.record(what);
        let (act, body) = self.way_to_part();
        let path = format!("/api/v1/desk/rooms/{}/{act}", encoded(room));
        let mut backoff = Backoff::new();
        // A refusal says that an earlier attempt did it.
        while let Asked::Unanswered = self.rest.ask("POST", path.clone(), &body).await {
            let (agent, room) = (agent.clone(), parted.clone());
            let what = What::PartingUnanswered { agent, room };
            self.world.history.record(what);
            backoff.pause().await;
        }
    }

    fn way_to_part(&mut self) -> (&'static str, Value) {
        let colleague = &self.colleagues[self.dice.below(self.colleagues.len())];
        match self.dice.below(4) {
            0 => ("complete", Value::Null),
            1 if *colleague != self.user => ("hand-over", json!({ "agent": colleague })),
            _ => ("release", Value::Null),
        }
    }

    /// Sends a message until it is answered.
    async fn write(&mut self, room: &str) {
        self.number += 1;
        let message = Name {
            room: room.to_owned(),
            sender: self.user.clone(),
            number: self.number,
        };
        let path = format!("/api/v1/rooms/{}/messages", encoded(room));
        let body = json!({"text": message.text(), "clientId": message.number.to_string()});
        let mut backoff = Backoff::new();
        loop {
            let message = message.clone();
            let sent = message.clone();
            self.world.history.record(What::Sent { message: sent });
            match self.rest.ask("POST", path.clone(), &body).await {
                Asked::Done(answer) => {
                    let seq = answer["seq"].as_u64();
                    return self.world.history.record(What::Accepted { message, seq });
                }
                Asked::Refused(code) => {
                    return self.world.history.record(What::Refused { message, code });
                }
                Asked::Unanswered => self.world.history.record(What::Unanswered { message }),
            }
            backoff.pause().await;
        }
    }
}
