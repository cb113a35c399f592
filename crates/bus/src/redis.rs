//! Redis: published and heard over one connection, in a cluster over one to each master.
//!
//! A cluster sends a plain PUBLISH to every node of it; SPUBLISH goes to those that have the channel's slot. On a server
//! alone the two are the same.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use madang_redis::{Cluster, Server};
use redis::aio::{MultiplexedConnection, SendError};
use redis::cluster_async::ClusterConnection;
use redis::{Pipeline, PushInfo, PushKind, RedisError, Value};

use crate::channel::Channel;
use crate::link::{Arrivals, Connection, Connector, LinkError, Outgoing};

/// Commands to a cluster that are on their way at a time.
const ON_THE_WAY: usize = 64;

pub(crate) struct RedisLink(MultiplexedConnection);

pub(crate) struct ClusterLink(ClusterConnection);

impl Connector for Server {
    type Connection = RedisLink;

    async fn connect(&self, arrivals: Arrivals) -> Result<RedisLink, LinkError> {
        Ok(RedisLink(
            self.listen(move |push| hear(&arrivals, push)).await?,
        ))
    }
}

impl Connector for Cluster {
    type Connection = ClusterLink;

    async fn connect(&self, arrivals: Arrivals) -> Result<ClusterLink, LinkError> {
        Ok(ClusterLink(
            self.listen(move |push| hear(&arrivals, push)).await?,
        ))
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
