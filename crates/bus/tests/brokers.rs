//! Every adapter of a broker passes the suite, on real ones.

use std::sync::Arc;
use std::time::Duration;

use madang_bus::conformance::{Capabilities, Network, check_all};
use madang_bus::{Options, open};
use madang_domain::ports::{BoxFuture, Bus};
use madang_test_servers::nats::NatsServer;
use madang_test_servers::redis::{RedisCluster, RedisServer, WatchedRedis};

/// Nodes of one broker.
struct Brokered(String);

impl Network for Brokered {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered: true,
            knows_subscribers: false,
            patience: Duration::from_secs(30),
        }
    }

    fn join(&self) -> BoxFuture<'_, Arc<dyn Bus>> {
        let options = Options {
            prefix: "test".to_owned(),
        };
        Box::pin(async move { open(&self.0, &options).expect("the URL is one of a bus") })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_conforms() {
    let server = RedisServer::start();
    check_all(&Brokered(server.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_redis_conforms() {
    let cluster = RedisCluster::start();
    check_all(&Brokered(cluster.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_behind_sentinels_conforms() {
    let watched = WatchedRedis::start();
    check_all(&Brokered(watched.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_conforms() {
    let server = NatsServer::start();
    check_all(&Brokered(server.url())).await;
}
