//! Presence on Redis passes the suite, on real ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use madang_domain::ports::{BoxFuture, LAST_SEEN_MAX, Presence};
use madang_presence::conformance::{Capabilities, Cluster};
use madang_presence::{Options, open, presence_conformance};
use madang_test_servers::redis::{RedisCluster, RedisServer, WatchedRedis};

/// Nodes under a prefix of their own on one Redis, which several cases share.
struct Kept<S> {
    url: String,
    prefix: String,
    _servers: Arc<S>,
}

impl<S: Send + Sync> Kept<S> {
    fn on(held: &Mutex<Weak<S>>, start: fn() -> S, url: fn(&S) -> String) -> Self {
        static CASES: AtomicUsize = AtomicUsize::new(0);
        let mut held = held.lock().expect("no case panics while it starts servers");
        let servers = held.upgrade().unwrap_or_else(|| Arc::new(start()));
        *held = Arc::downgrade(&servers);
        Self {
            url: url(&servers),
            prefix: format!("case-{}", CASES.fetch_add(1, Ordering::Relaxed)),
            _servers: servers,
        }
    }
}

impl<S: Send + Sync> Cluster for Kept<S> {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            remembered: LAST_SEEN_MAX,
        }
    }

    fn another(&self) -> BoxFuture<'_, Arc<dyn Presence>> {
        let options = Options {
            prefix: self.prefix.clone(),
        };
        Box::pin(async move { open(&self.url, &options).expect("the URL is one of a Redis") })
    }
}

fn alone() -> Kept<RedisServer> {
    static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
    Kept::on(&SERVER, RedisServer::start, RedisServer::url)
}

fn watched() -> Kept<WatchedRedis> {
    static SERVERS: Mutex<Weak<WatchedRedis>> = Mutex::new(Weak::new());
    Kept::on(&SERVERS, WatchedRedis::start, WatchedRedis::url)
}

fn cluster() -> Kept<RedisCluster> {
    static SERVERS: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
    Kept::on(&SERVERS, RedisCluster::start, RedisCluster::url)
}

mod redis_alone {
    use super::*;

    presence_conformance!(alone());
}

mod redis_behind_sentinels {
    use super::*;

    presence_conformance!(watched());
}

mod redis_in_a_cluster {
    use super::*;

    presence_conformance!(cluster());
}
