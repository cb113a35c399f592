//! A Redis that goes away, hangs, and comes back with less than it had: nobody stays online who is not, and no edge is late.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use madang_presence::{Options, open};
use madang_test_servers::redis::{RedisCluster, RedisServer, WatchedRedis};
use tokio::time::{Instant, sleep};

/// Above what it takes to doubt a connection, and to make another one.
const PATIENCE: Duration = Duration::from_secs(60);
const TRY: Duration = Duration::from_millis(50);

const LEASE: Duration = Duration::from_secs(30);

fn join(url: &str) -> Arc<dyn Presence> {
    let options = Options {
        prefix: "test".to_owned(),
    };
    open(url, &options).expect("the URL is one of a Redis")
}

fn user(id: &str) -> UserId {
    UserId::new(id).expect("a user id")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000)
}

/// In the order of users.
fn told(mut edges: Vec<PresenceEdge>) -> Vec<(String, bool)> {
    edges.sort_by(|a, b| (&a.user, a.epoch).cmp(&(&b.user, b.epoch)));
    let edges = edges.into_iter();
    edges
        .map(|edge| (edge.user.as_str().to_owned(), edge.online))
        .collect()
}

fn on(id: &str) -> (String, bool) {
    (id.to_owned(), true)
}

fn off(id: &str) -> (String, bool) {
    (id.to_owned(), false)
}

async fn say(
    node: &Arc<dyn Presence>,
    said: &[(&str, bool)],
    seconds: i64,
) -> Result<Vec<PresenceEdge>, PresenceError> {
    let said: Vec<_> = said
        .iter()
        .map(|(id, online)| (user(id), *online))
        .collect();
    node.set(&said, at(seconds)).await
}

/// As the engine does, only more often.
async fn renewed(node: &Arc<dyn Presence>, seconds: i64) -> (bool, Vec<PresenceEdge>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match node.renew(at(seconds), LEASE).await {
            Ok(renewed) => return renewed,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        sleep(TRY).await;
    }
}

/// Says that `kim` and `lee` are online, lets Redis lose it by `fault`, and comes back without `lee`.
async fn a_node_whose_data_is_lost_tells_who_left_meanwhile(url: &str, fault: impl FnOnce()) {
    let (a, b) = (join(url), join(url));
    for node in [&a, &b] {
        assert!(!renewed(node, 0).await.0);
    }
    let before = say(&a, &[("kim", true), ("lee", true)], 1).await.unwrap();
    assert_eq!(told(before.clone()), [on("kim"), on("lee")]);
    fault();
    let (was_held, left) = renewed(&a, 2).await;
    assert!(!was_held, "the users have to be said again");
    assert_eq!(told(left.clone()), [off("kim"), off("lee")]);
    let again = say(&a, &[("kim", true)], 3).await.unwrap();
    assert_eq!(told(again.clone()), [on("kim")]);
    let newest = before.iter().map(|edge| edge.epoch).max();
    assert!(
        left.iter().all(|edge| Some(edge.epoch) > newest),
        "no edge is late: {before:?} {left:?}"
    );
    assert!(again[0].epoch > left.iter().map(|edge| edge.epoch).max().unwrap());
    // The other one comes back in the same way, and has lost nobody.
    let (was_held, left) = renewed(&b, 4).await;
    assert_eq!((was_held, told(left)), (false, vec![]));
    let of = b.of(&[user("kim"), user("lee")]).await.unwrap();
    let online: Vec<_> = of.iter().flatten().map(|edge| edge.online).collect();
    assert_eq!(online, [true, false]);
    assert_eq!(renewed(&a, 5).await, (true, vec![]), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_was_killed_and_started_empty_who_left_is_told_and_who_stays_is_said_again() {
    let mut server = RedisServer::start();
    let url = server.url();
    a_node_whose_data_is_lost_tells_who_left_meanwhile(&url, || {
        server.kill();
        server.restart();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_of_a_cluster_was_killed_and_started_empty_the_same() {
    let mut cluster = RedisCluster::start();
    let url = cluster.url();
    a_node_whose_data_is_lost_tells_who_left_meanwhile(&url, || {
        for node in cluster.nodes() {
            node.kill();
            node.restart();
        }
    })
    .await;
}

/// As after a failover to a replica that was behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_the_newest_only_keeps_nobody_online_who_left() {
    let mut server = RedisServer::start();
    let a = join(&server.url());
    renewed(&a, 0).await;
    say(&a, &[("kim", true), ("lee", true)], 1).await.unwrap();
    assert_eq!(server.ask(&["SAVE"]).trim(), "OK");
    let left = say(&a, &[("kim", false), ("park", true)], 2).await.unwrap();
    assert_eq!(told(left.clone()), [off("kim"), on("park")]);
    server.kill();
    server.restart();
    let b = join(&server.url());
    renewed(&b, 3).await;
    let of = b.of(&[user("kim")]).await.unwrap();
    assert!(of[0].as_ref().unwrap().online, "what was saved");
    let refused = say(&a, &[("choi", true)], 3).await;
    assert!(refused.is_err(), "its users have to be said again first");
    let (was_held, ended) = renewed(&a, 4).await;
    assert!(!was_held);
    let newest = left.iter().map(|edge| edge.epoch).max();
    assert!(ended.iter().all(|edge| Some(edge.epoch) > newest));
    // Of whom it cannot know whether it was kept, it is told that they left.
    assert_eq!(
        told(ended),
        [off("choi"), off("kim"), off("lee"), off("park")]
    );
    let again = say(&a, &[("lee", true), ("park", true)], 5).await.unwrap();
    assert_eq!(told(again), [on("lee"), on("park")]);
    let of = b.of(&["kim", "lee", "park"].map(user)).await.unwrap();
    let online: Vec<_> = of.iter().flatten().map(|edge| edge.online).collect();
    assert_eq!(online, [false, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_nodes_go_on_at_the_new_master() {
    let mut watched = WatchedRedis::start();
    let (a, b) = (join(&watched.url()), join(&watched.url()));
    for node in [&a, &b] {
        renewed(node, 0).await;
    }
    say(&a, &[("kim", true)], 1).await.unwrap();
    watched.fail_over();
    let (was_held, edges) = renewed(&a, 2).await;
    // The replica may have been behind.
    let again = say(&a, &[("kim", true)], 3).await.unwrap();
    assert_eq!((was_held, edges.len()), (again.is_empty(), again.len()));
    renewed(&b, 4).await;
    let of = b.of(&[user("kim")]).await.unwrap();
    assert!(of[0].as_ref().unwrap().online);
    let left = say(&a, &[("kim", false)], 5).await.unwrap();
    assert_eq!(told(left), [off("kim")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_hangs_fails_and_leaves_no_ghost() {
    let server = RedisServer::start();
    let (a, b) = (join(&server.url()), join(&server.url()));
    for node in [&a, &b] {
        renewed(node, 0).await;
    }
    server.freeze();
    assert!(say(&a, &[("kim", true)], 1).await.is_err());
    assert!(a.of(&[user("kim")]).await.is_err());
    server.thaw();
    // By now kim has left. That they came may be carried out late.
    renewed(&a, 2).await;
    say(&a, &[("kim", false)], 3).await.unwrap();
    let of = b.of(&[user("kim")]).await.unwrap();
    assert!(of[0].as_ref().is_none_or(|edge| !edge.online));
    assert_eq!(told(renewed(&b, 31).await.1), [], "nobody is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hung_for_its_lease_is_refused_until_it_renews() {
    let server = RedisServer::start();
    let (hung, other) = (join(&server.url()), join(&server.url()));
    for node in [&hung, &other] {
        renewed(node, 0).await;
    }
    say(&hung, &[("kim", true), ("lee", true)], 1)
        .await
        .unwrap();
    renewed(&other, 29).await;
    assert_eq!(told(renewed(&other, 30).await.1), [off("kim"), off("lee")]);
    say(&other, &[("kim", true)], 31).await.unwrap();
    // What it wanted to say before it hung.
    assert!(say(&hung, &[("kim", false)], 2).await.is_err());
    assert_eq!(renewed(&hung, 32).await, (false, vec![]));
    assert_eq!(told(say(&hung, &[("kim", true)], 33).await.unwrap()), []);
    assert_eq!(
        told(say(&hung, &[("lee", true)], 33).await.unwrap()),
        [on("lee")]
    );
    assert_eq!(told(say(&other, &[("kim", false)], 34).await.unwrap()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_race_over_one_user_tell_one_story() {
    let server = RedisServer::start();
    let nodes = [join(&server.url()), join(&server.url())];
    for node in &nodes {
        renewed(node, 0).await;
    }
    let racers = nodes.clone().map(|node| {
        tokio::spawn(async move {
            let mut edges = Vec::new();
            for turn in 0..500 {
                let online = turn % 2 == 0;
                edges.extend(say(&node, &[("kim", online)], 1).await.unwrap());
            }
            edges
        })
    });
    let mut edges = Vec::new();
    for racer in racers {
        edges.extend(racer.await.unwrap());
    }
    edges.sort_by_key(|edge| edge.epoch);
    let epochs: HashMap<u64, bool> = edges.iter().map(|edge| (edge.epoch, edge.online)).collect();
    assert_eq!(epochs.len(), edges.len(), "no epoch twice");
    for (turn, edge) in edges.iter().enumerate() {
        assert_eq!(edge.online, turn % 2 == 0, "edge {turn} of {}", edges.len());
    }
    let last = edges.pop().unwrap();
    assert!(!last.online);
    assert_eq!(nodes[0].of(&[user("kim")]).await.unwrap(), [Some(last)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_ever_when_no_node_comes_back() {
    let server = RedisServer::start();
    let (a, b) = (join(&server.url()), join(&server.url()));
    for node in [&a, &b] {
        renewed(node, 0).await;
    }
    say(&a, &[("kim", true), ("lee", true), ("lee", false)], 1)
        .await
        .unwrap();
    a.release(at(2)).await.unwrap();
    say(&b, &[("kim", true)], 3).await.unwrap();
    let keys = server.ask(&["KEYS", "*"]);
    assert!(keys.lines().count() >= 7, "{keys}");
    for key in keys.lines() {
        assert!(key.starts_with("{test.presence}:"), "{key}");
        let seconds: i64 = server.ask(&["TTL", key]).trim().parse().unwrap();
        assert!(seconds > 0, "{key}: {seconds}");
    }
}
