//! Core NATS: a subject for each channel. The client library reconnects and subscribes anew by itself; the link starts
//! with a new client all the same, so that a loss is one thing on every broker.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, PublishErrorKind, RequestErrorKind, ServerAddr};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use crate::channel::Channel;
use crate::link::{Arrivals, Connection, Connector, LinkError, Outgoing};

/// How often the client library asks whether the server is there: the link asks, too.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Messages of one subject that wait for the task that takes them: it never waits itself.
const WAITING_MAX: usize = 4_096;

/// Servers of one NATS network.
pub(crate) struct NatsConnector {
    pub(crate) servers: Vec<ServerAddr>,
    /// A subject that nobody listens to.
    pub(crate) nobody: String,
}

pub(crate) struct NatsLink {
    client: Client,
    arrivals: Arrivals,
    /// What takes the messages of each subject. Ended with the link.
    subjects: HashMap<Channel, Reader>,
    nobody: String,
}

struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connector for NatsConnector {
    type Connection = NatsLink;

    async fn connect(&self, arrivals: Arrivals) -> Result<NatsLink, LinkError> {
        let events = arrivals.clone();
        let options = ConnectOptions::new()
            .name("madang")
            .no_echo()
            .ping_interval(PING_EVERY)
            .subscription_capacity(WAITING_MAX)
            .max_reconnects(1)
            .event_callback(move |event| {
                match event {
                    Event::Disconnected | Event::Closed => events.lose(),
                    Event::SlowConsumer(_) => events.miss(),
                    Event::ServerError(error) => tracing::warn!(%error, "the bus complains"),
                    _ => {}
                }
                std::future::ready(())
            });
        let client = options.connect(&self.servers[..]).await?;
        Ok(NatsLink {
            client,
            arrivals,
            subjects: HashMap::new(),
            nobody: self.nobody.clone(),
        })
    }
}

impl Connection for NatsLink {
    async fn subscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        for channel in channels {
            if self.subjects.contains_key(channel) {
                continue;
            }
            let mut messages = self.client.subscribe(channel.as_str().to_owned()).await?;
            let arrivals = self.arrivals.clone();
            let reader = tokio::spawn(async move {
                while let Some(message) = messages.next().await {
                    arrivals.accept(message.payload);
                }
            });
            self.subjects.insert(channel.clone(), Reader(reader));
        }
        self.ping().await
    }

    async fn unsubscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        for channel in channels {
            self.subjects.remove(channel);
        }
        Ok(())
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), LinkError> {
        for (channel, payload) in messages {
            let subject = channel.as_str().to_owned();
            match self.client.publish(subject, payload.clone()).await {
                // A hint like another: what it tells of is found by the head check.
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    tracing::warn!(
                        bytes = payload.len(),
                        "larger than the bus takes (max_payload)"
                    );
                }
                published => published?,
            }
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), LinkError> {
        // Nobody answers this, and the server says so: behind all that was sent to it before.
        let answer = self.client.request(self.nobody.clone(), Bytes::new()).await;
        match answer.map_err(|error| (error.kind(), error)) {
            Ok(_) | Err((RequestErrorKind::NoResponders, _)) => Ok(()),
            Err((_, error)) => Err(error.into()),
        }
    }
}
