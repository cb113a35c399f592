//! Brokers that go away, hang and come back: the node is told, and hears again without asking for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use madang_bus::{Options, open};
use madang_domain::RoomId;
use madang_domain::ports::{Bus, BusEvent, Topic};
use madang_test_servers::Revivable;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::redis::{RedisCluster, RedisServer, WatchedRedis};
use tokio::time::{Instant, timeout};

/// Above what a link takes to doubt a connection, and to make another one.
const PATIENCE: Duration = Duration::from_secs(60);
const TRY: Duration = Duration::from_millis(50);

fn join(url: &str) -> Arc<dyn Bus> {
    let options = Options {
        prefix: "test".to_owned(),
    };
    open(url, &options).expect("the URL is one of a bus")
}

fn topic(name: &str) -> Topic {
    Topic::Room(RoomId::new(name).expect("a room id"))
}

/// Publishes under all `topics` until `to` has heard each; answers whether it was told of a loss meanwhile.
async fn until_heard(from: &Arc<dyn Bus>, to: &Arc<dyn Bus>, topics: &[Topic]) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let (mut told, mut left) = (false, topics.to_vec());
    while !left.is_empty() {
        assert!(Instant::now() < deadline, "{} are never heard", left.len());
        for topic in &left {
            from.publish(topic, Bytes::from_static(b"hint"));
        }
        while let Ok(Some(event)) = timeout(TRY, to.next_event()).await {
            match event {
                BusEvent::Reconnected => told = true,
                BusEvent::Published { topic, .. } => left.retain(|other| *other != topic),
            }
        }
    }
    told
}

/// Two nodes that hear each other, and the topics that the second one listens to.
async fn connected(url: &str) -> (Arc<dyn Bus>, Arc<dyn Bus>, Vec<Topic>) {
    let (a, b) = (join(url), join(url));
    let topics: Vec<_> = (0..2_000).map(|n| topic(&format!("room {n}"))).collect();
    for topic in &topics {
        b.subscribe(topic.clone());
    }
    until_heard(&a, &b, &topics).await;
    while timeout(TRY, b.next_event()).await.is_ok() {}
    (a, b, topics)
}

async fn told_of_a_loss(bus: &Arc<dyn Bus>) {
    let told = async { while bus.next_event().await != Some(BusEvent::Reconnected) {} };
    timeout(PATIENCE, told).await.expect("the node is told");
}

/// Kills the broker and starts it again.
async fn everything_is_heard_again_after_a_kill(broker: &mut Revivable, url: &str) {
    let (a, b, topics) = connected(url).await;
    broker.kill();
    a.publish(&topics[0], Bytes::from_static(b"lost"));
    broker.restart();
    let told = until_heard(&a, &b, &topics).await;
    assert!(told, "the node is told of the loss");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_was_killed_and_started_everything_is_heard_again() {
    let mut server = RedisServer::start();
    let url = server.url();
    everything_is_heard_again_after_a_kill(&mut server, &url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_nats_was_killed_and_started_everything_is_heard_again() {
    let mut server = NatsServer::start();
    let url = server.url();
    everything_is_heard_again_after_a_kill(&mut server, &url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_is_larger_than_nats_takes_costs_nobody_the_connection() {
    let server = NatsServer::start();
    let (a, b, topics) = connected(&server.url()).await;
    a.publish(&topics[0], Bytes::from(vec![0; 2 << 20]));
    let told = until_heard(&a, &b, &topics[1..2]).await;
    assert!(!told, "the connection is the one before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_that_another_one_was_away() {
    let server = RedisServer::start();
    let (a, b, topics) = connected(&server.url()).await;
    let connections = server.ask(&["CLIENT", "LIST"]);
    // The one that subscribes to its own channel only is the first node's.
    let of_a = connections
        .lines()
        .find(|line| line.contains(" ssub=0 ") && line.contains(" sub=1 "));
    let id = of_a
        .and_then(|line| line.split(['=', ' ']).nth(1))
        .expect("a connection");
    assert_eq!(server.ask(&["CLIENT", "KILL", "ID", id]).trim(), "1");
    told_of_a_loss(&b).await;
    until_heard(&a, &b, &topics[..1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_before_its_broker_is_connected_once_it_is_there() {
    let mut server = RedisServer::start();
    server.kill();
    let (a, b) = (join(&server.url()), join(&server.url()));
    let topic = topic("early");
    b.subscribe(topic.clone());
    a.publish(&topic, Bytes::from_static(b"lost"));
    server.restart();
    assert!(until_heard(&a, &b, &[topic]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_blocks_nobody_and_is_left() {
    let server = RedisServer::start();
    let (a, b, topics) = connected(&server.url()).await;
    server.freeze();
    let deadline = Instant::now() + PATIENCE;
    while a.reaches_others(&topics[0]) {
        assert!(Instant::now() < deadline, "the link is never doubted");
        a.publish(&topics[0], Bytes::from_static(b"never waits"));
        drop(timeout(TRY, a.next_event()).await);
    }
    server.thaw();
    assert!(until_heard(&a, &b, &topics).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_nodes_meet_at_the_new_master() {
    let mut watched = WatchedRedis::start();
    let (a, b, topics) = connected(&watched.url()).await;
    watched.fail_over();
    assert!(until_heard(&a, &b, &topics).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_lost_a_node_and_got_it_back_carries_everything_again() {
    let mut cluster = RedisCluster::start();
    let (a, b, topics) = connected(&cluster.url()).await;
    cluster.nodes()[1].kill();
    cluster.nodes()[1].restart();
    assert!(until_heard(&a, &b, &topics).await);
}
