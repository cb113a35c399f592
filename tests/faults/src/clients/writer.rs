//! Somebody who writes, one message after the other, each until it is answered.

use std::time::Duration;

use madang_e2e::dice::Dice;
use madang_loadgen::client::{Client, Confirm};
use tokio::time::sleep;

use super::{ANSWER_PATIENCE, Backoff, World, final_code};
use crate::history::{Name, What};

/// Longest pause of a person between two messages, in milliseconds.
const THINKING_MS_MAX: usize = 40;

/// Of so many messages without an answer one is not sent again.
const GIVEN_UP_ONCE_IN: usize = 8;

/// Refusals after which somebody who was removed believes it.
const REFUSALS_MAX: u32 = 5;

pub(crate) struct Writer {
    world: World,
    room: String,
    user: String,
    /// As its sessions are taken down.
    name: String,
    token: String,
    /// Longest pause between two messages, in milliseconds.
    thinking_ms_max: usize,
    dice: Dice,
    client: Option<Client>,
    backoff: Backoff,
    number: u64,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Refused,
    /// Nobody knows.
    GivenUp,
}

impl Writer {
    pub(crate) fn new(world: World, room: &str, user: &str, token: String, dice: Dice) -> Self {
        Self {
            world,
            room: room.to_owned(),
            user: user.to_owned(),
            name: format!("{user}/writer"),
            token,
            thinking_ms_max: THINKING_MS_MAX,
            dice,
            client: None,
            backoff: Backoff::new(),
            number: 0,
        }
    }

    /// The same with other pauses.
    pub(crate) fn thinking(self, thinking_ms_max: usize) -> Self {
        Self {
            thinking_ms_max,
            ..self
        }
    }

    /// Writes until the round ends, or until they believe that they may not. Answers itself, for the last message.
    pub(crate) async fn run(mut self) -> Self {
        let mut refusals = 0;
        while !self.world.is_ending() && refusals < REFUSALS_MAX {
            self.number += 1;
            let outcome = self.deliver(self.number).await;
            refusals += u32::from(outcome == Outcome::Refused);
            let thinking = self.dice.below(self.thinking_ms_max);
            sleep(Duration::from_millis(thinking as u64)).await;
        }
        self
    }

    /// The last message of the room: readers who have it have everything.
    pub(crate) async fn end(mut self) {
        self.deliver(0).await;
    }

    /// Sends it again and again, each time by the same name, until it is answered.
    async fn deliver(&mut self, number: u64) -> Outcome {
        let message = Name {
            room: self.room.clone(),
            sender: self.user.clone(),
            number,
        };
        loop {
            let Some(mut client) = self.connected().await else {
                continue;
            };
            let sent = message.clone();
            self.world.history.record(What::Sent { message: sent });
            let message = message.clone();
            match attempt(&mut client, &message).await {
                Ok(()) => {
                    self.client = Some(client);
                    self.backoff.reset();
                    let what = What::Accepted { message, seq: None };
                    self.world.history.record(what);
                    return Outcome::Accepted;
                }
                Err(Some(code)) => {
                    self.world.history.record(What::Refused { message, code });
                    return Outcome::Refused;
                }
                Err(None) => {
                    self.world.history.record(What::Unanswered { message });
                    self.world.left(&self.name, "no answer");
                }
            }
            let may_give_up = number != 0 && !self.world.is_ending();
            if may_give_up && self.dice.once_in(GIVEN_UP_ONCE_IN) {
                return Outcome::GivenUp;
            }
            self.backoff.pause().await;
        }
    }

    /// The session that there is, or another.
    async fn connected(&mut self) -> Option<Client> {
        if let Some(client) = self.client.take() {
            return Some(client);
        }
        let client = self.world.connect(&self.name, &self.token).await;
        if client.is_none() {
            self.backoff.pause().await;
        }
        client
    }
}

/// # Errors
/// The code of a refusal; `None` when it is not known what became of it.
async fn attempt(client: &mut Client, message: &Name) -> Result<(), Option<String>> {
    let destination = format!("/rooms/{}", message.room);
    let body = serde_json::json!({ "text": message.text() }).to_string();
    let client_id = message.number.to_string();
    let headers = [("client-id", client_id.as_str())];
    let confirm = Confirm::Within(ANSWER_PATIENCE);
    let sent = client.send(&destination, &headers, body, confirm).await;
    sent.map_err(|error| final_code(&error))
}
