//! Redis 7: a server alone, one that sentinels watch, or a cluster. Published and heard over one RESP3 connection,
//! in a cluster over one to each master.
//!
//! A cluster sends a plain PUBLISH to every node of it; SPUBLISH goes to those that have the channel's slot. On a server
//! alone the two are the same.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use redis::aio::{MultiplexedConnection, SendError};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, Pipeline,
    ProtocolVersion, PushInfo, PushKind, RedisError, TlsMode, Value,
};
use tokio::sync::Mutex;

use crate::channel::Channel;
use crate::link::{Arrivals, Connection, Connector, LinkError, Outgoing};

/// How long an answer may take; above it the link gives up first.
const ANSWER: Duration = Duration::from_secs(5);

/// Commands to a cluster that are on their way at a time.
const ON_THE_WAY: usize = 64;

/// Where the server is.
pub(crate) enum Server {
    Alone(Box<Client>),
    Watched(Box<Mutex<SentinelClient>>),
}

/// A server alone, or the master that sentinels name.
pub(crate) struct RedisConnector(Server);

/// A cluster, by some of its nodes.
pub(crate) struct ClusterConnector(Vec<ConnectionInfo>);

pub(crate) struct RedisLink(MultiplexedConnection);

pub(crate) struct ClusterLink(ClusterConnection);

impl RedisConnector {
    /// `redis://[user[:password]@]host[:port]`, `rediss://` with TLS.
    pub(crate) fn alone(url: &str) -> Result<Self, RedisError> {
        let info = connection_info(url)?;
        Ok(Self(Server::Alone(Box::new(Client::open(info)?))))
    }

    /// The user and password are the server's, and the TLS too; sentinels are asked without either.
    pub(crate) fn watched(sentinels: &[String], service: &str) -> Result<Self, RedisError> {
        let mut addresses = Vec::new();
        let mut server = SentinelNodeConnectionInfo::default();
        for url in sentinels {
            let info = connection_info(url)?;
            if url.starts_with("rediss:") {
                server = server.set_tls_mode(TlsMode::Secure);
            }
            server = server.set_redis_connection_info(info.redis_settings().clone());
            addresses.push(info.addr().clone());
        }
        let kind = SentinelServerType::Master;
        let client = SentinelClient::build(addresses, service, Some(server), kind)?;
        Ok(Self(Server::Watched(Box::new(Mutex::new(client)))))
    }
}

impl ClusterConnector {
    pub(crate) fn new(nodes: &[String]) -> Result<Self, RedisError> {
        let nodes: Result<Vec<_>, _> = nodes.iter().map(|url| connection_info(url)).collect();
        let nodes = nodes?;
        ClusterClient::new(nodes.clone())?;
        Ok(Self(nodes))
    }
}

impl Connector for RedisConnector {
    type Connection = RedisLink;

    async fn connect(&self, arrivals: Arrivals) -> Result<RedisLink, LinkError> {
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push| hear(&arrivals, push));
        let connection = match &self.0 {
            Server::Alone(client) => {
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
            Server::Watched(sentinel) => {
                let mut sentinel = sentinel.lock().await;
                sentinel.get_async_connection_with_config(&config).await?
            }
        };
        Ok(RedisLink(connection))
    }
}

impl Connector for ClusterConnector {
    type Connection = ClusterLink;

    async fn connect(&self, arrivals: Arrivals) -> Result<ClusterLink, LinkError> {
        let client = ClusterClient::builder(self.0.clone())
            .use_protocol(ProtocolVersion::RESP3)
            .response_timeout(ANSWER)
            .push_sender(move |push| hear(&arrivals, push))
            .build()?;
        Ok(ClusterLink(client.get_async_connection().await?))
    }
}

impl Connection for RedisLink {
    async fn subscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        Ok(self.0.subscribe(names(channels)).await?)
    }

    async fn unsubscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        Ok(self.0.unsubscribe(names(channels)).await?)
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), LinkError> {
        let mut pipeline = Pipeline::with_capacity(messages.len());
        for (channel, payload) in messages {
            pipeline
                .cmd("PUBLISH")
                .arg(channel.as_str())
                .arg(&payload[..])
                .ignore();
        }
        Ok(pipeline.exec_async(&mut self.0).await?)
    }

    async fn ping(&mut self) -> Result<(), LinkError> {
        Ok(redis::cmd("PING").exec_async(&mut self.0).await?)
    }
}

impl Connection for ClusterLink {
    async fn subscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        let commands = channels.iter().cloned().map(|channel| {
            let mut link = self.0.clone();
            async move { link.ssubscribe(channel.as_str()).await }
        });
        all(commands).await
    }

    async fn unsubscribe(&mut self, channels: &[Channel]) -> Result<(), LinkError> {
        let commands = channels.iter().cloned().map(|channel| {
            let mut link = self.0.clone();
            async move { link.sunsubscribe(channel.as_str()).await }
        });
        all(commands).await
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), LinkError> {
        // A pipeline goes to one node, and in order; commands of their own overtake each other.
        let mut pipelines: HashMap<&str, Pipeline> = HashMap::new();
        for (channel, payload) in messages {
            let pipeline = pipelines.entry(channel.as_str()).or_default();
            pipeline
                .cmd("SPUBLISH")
                .arg(channel.as_str())
                .arg(&payload[..])
                .ignore();
        }
        let pipelines = pipelines.into_values().map(|pipeline| {
            let mut link = self.0.clone();
            async move { pipeline.exec_async(&mut link).await }
        });
        all(pipelines).await
    }

    async fn ping(&mut self) -> Result<(), LinkError> {
        Ok(redis::cmd("PING").exec_async(&mut self.0).await?)
    }
}

/// Runs commands to a cluster, some at a time: one for each channel, because the slots of several may be on
/// different nodes.
async fn all(
    commands: impl Iterator<Item = impl Future<Output = Result<(), RedisError>> + Send> + Send,
) -> Result<(), LinkError> {
    let commands = stream::iter(commands).buffered(ON_THE_WAY);
    Ok(commands.try_collect().await?)
}

fn connection_info(url: &str) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

fn names(channels: &[Channel]) -> Vec<&str> {
    channels.iter().map(Channel::as_str).collect()
}

fn hear(arrivals: &Arrivals, push: PushInfo) -> Result<(), SendError> {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            if let Some(Value::BulkString(payload)) = push.data.into_iter().nth(1) {
                arrivals.accept(Bytes::from(payload));
            }
        }
        // Comes also unasked: a slot that moves to another node takes its subscriptions along.
        PushKind::SUnsubscribe => {
            if let Some(Value::BulkString(channel)) = push.data.first() {
                arrivals.ended(&String::from_utf8_lossy(channel));
            }
        }
        PushKind::Disconnection => arrivals.lose(),
        _ => {}
    }
    Ok(())
}
