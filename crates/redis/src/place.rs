//! Where a Redis is: an address, what sentinels say, or some nodes of a cluster.

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion,
    RedisError, TlsMode,
};
use tokio::sync::Mutex;

use crate::ANSWER;

/// Where a Redis is.
pub enum Place {
    /// One server has everything.
    Server(Server),
    /// Each of several has some slots.
    Cluster(Cluster),
}

/// A server alone, or the master that sentinels name.
pub struct Server(Watch);

enum Watch {
    Alone(Box<Client>),
    Sentinels(Box<Mutex<SentinelClient>>),
}

/// A cluster, by some of its nodes.
pub struct Cluster(Vec<ConnectionInfo>);

impl Server {
    /// `redis://[user[:password]@]host[:port]`, `rediss://` with TLS.
    pub(crate) fn alone(url: &str) -> Result<Self, RedisError> {
        let info = connection_info(url)?;
        Ok(Self(Watch::Alone(Box::new(Client::open(info)?))))
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
        Ok(Self(Watch::Sentinels(Box::new(Mutex::new(client)))))
    }

    /// A new connection, whose answers take [`ANSWER`] at most.
    ///
    /// # Errors
    /// The server or the sentinels cannot be reached; retryable.
    pub async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        self.connect_with(config()).await
    }

    /// The same; what the server says unasked goes to `hear`.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn listen(
        &self,
        hear: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        self.connect_with(config().set_push_sender(hear)).await
    }

    async fn connect_with(
        &self,
        config: AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        match &self.0 {
            Watch::Alone(client) => {
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
            }
            Watch::Sentinels(sentinels) => {
                let mut sentinels = sentinels.lock().await;
                sentinels.get_async_connection_with_config(&config).await
            }
        }
    }
}

impl Cluster {
    pub(crate) fn new(nodes: &[String]) -> Result<Self, RedisError> {
        let nodes: Result<Vec<_>, _> = nodes.iter().map(|url| connection_info(url)).collect();
        let nodes = nodes?;
        ClusterClient::new(nodes.clone())?;
        Ok(Self(nodes))
    }

    /// New connections to the masters, whose answers take [`ANSWER`] at most.
    ///
    /// # Errors
    /// No node can be reached; retryable.
    pub async fn connect(&self) -> Result<ClusterConnection, RedisError> {
        let client = ClusterClient::builder(self.0.clone())
            .use_protocol(ProtocolVersion::RESP3)
            .response_timeout(ANSWER)
            .build()?;
        client.get_async_connection().await
    }

    /// The same; what the nodes say unasked goes to `hear`.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn listen(
        &self,
        hear: impl AsyncPushSender,
    ) -> Result<ClusterConnection, RedisError> {
        let client = ClusterClient::builder(self.0.clone())
            .use_protocol(ProtocolVersion::RESP3)
            .response_timeout(ANSWER)
            .push_sender(hear)
            .build()?;
        client.get_async_connection().await
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER))
}

fn connection_info(url: &str) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}
