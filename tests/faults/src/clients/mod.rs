//! Clients as people have them: they connect again to whichever node answers, and go on where they were.

mod agent;
mod reader;
mod rest;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use madang_loadgen::client::{Client, ClientError, ConnectOptions};
use madang_wire::stomp::HeartBeat;
use tokio::sync::watch;
use tokio::time::sleep;

pub(crate) use agent::Agent;
pub(crate) use reader::{Door, Reader, Start};
pub(crate) use rest::{Asked, Rest, read_log};
pub(crate) use writer::Writer;

use crate::history::{History, What};

/// How long a client waits for an answer before it tries elsewhere.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(3);

/// What a client promises and wants of heart-beats.
const BEAT_MS: u32 = 500;

/// The delay before a client connects again: at first, and at most. Each is drawn between half of it and all.
const RECONNECT_MIN: Duration = Duration::from_millis(40);
const RECONNECT_MAX: Duration = Duration::from_millis(1_000);

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// People talk.
    Talking,
    /// What is under way is brought to its end, and nothing is begun.
    Ending,
}

/// What all clients of a round know.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Where they connect.
    pub(crate) address: SocketAddr,
    pub(crate) history: Arc<History>,
    pub(crate) phase: watch::Receiver<Phase>,
}

impl World {
    pub(crate) fn is_ending(&self) -> bool {
        *self.phase.borrow() == Phase::Ending
    }

    /// Ready when the round ends.
    pub(crate) async fn ending(&self) {
        let mut phase = self.phase.clone();
        // A round that is dropped ends, too.
        let _ = phase.wait_for(|phase| *phase == Phase::Ending).await;
    }

    /// A STOMP session on the next node. `None`: it is not to be had now.
    async fn connect(&self, client: &str, token: &str) -> Option<Client> {
        let url = format!("ws://{}/ws", self.address);
        let options = ConnectOptions {
            heart_beat: Some(HeartBeat {
                send_ms: BEAT_MS,
                want_ms: BEAT_MS,
            }),
            timeout: ANSWER_PATIENCE,
            ..ConnectOptions::default()
        };
        let connected = Client::connect(&url, options.bearer(token)).await;
        self.reached(client, connected).ok()
    }

    /// Takes down whether a client has a session.
    fn reached<T>(
        &self,
        client: &str,
        connected: Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let client = client.to_owned();
        self.history.record(match &connected {
            Ok(_) => What::Connected { client },
            Err(error) => What::Unreached {
                client,
                why: error.to_string(),
            },
        });
        connected
    }

    /// Takes down that a client's session is no more.
    fn left(&self, client: &str, why: impl ToString) {
        let (client, why) = (client.to_owned(), why.to_string());
        self.history.record(What::Left { client, why });
    }
}

/// The delays between a client's attempts.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(RECONNECT_MIN)
    }

    /// Waits before the next attempt.
    pub(crate) async fn pause(&mut self) {
        let part = rand::random_range(0.5..1.0);
        sleep(self.0.mul_f64(part)).await;
        self.0 = (self.0 * 2).min(RECONNECT_MAX);
    }

    /// An attempt succeeded.
    pub(crate) const fn reset(&mut self) {
        self.0 = RECONNECT_MIN;
    }
}

/// The code of an ERROR that no retry changes.
fn final_code(error: &ClientError) -> Option<String> {
    let frame = error.error_frame()?;
    let body: serde_json::Value = serde_json::from_slice(&frame.body).ok()?;
    if body["error"]["retryable"] == true {
        return None;
    }
    Some(frame.get("code")?.to_owned())
}
