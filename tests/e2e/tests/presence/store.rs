//! Presence of several nodes that is kept in their database.

use madang_e2e::http::Rest;
use madang_loadgen::identity;
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::postgres::PostgresServer;
use madang_test_servers::redis::RedisServer;

use super::*;
use crate::shared::unique;

/// The host application's key, which all nodes have.
const KEY: &str = "the-hosts-own-key-of-at-least-32-bytes";

fn node(store: &str, bus: &str, presence: &str) -> TestServer {
    TestServer::builder()
        .flag("--store", store)
        .flag("--bus", bus)
        .env("MADANG_PRESENCE__URL", presence)
        .env("MADANG_AUTH__JWT_KEY", KEY)
        .env("MADANG_PRESENCE__GRACE_SECONDS", 0)
        .env("MADANG_PRESENCE__LEASE_SECONDS", 3)
        .start()
}

/// Somebody who asks this node.
fn someone(node: &TestServer, name: &str) -> Someone {
    let id = unique(name);
    let token = identity::mint_with(KEY.as_bytes(), 0, &id, "ROLE_USER");
    let rest = Rest::of(node.address(), &token);
    Someone { id, token, rest }
}

fn is_known_at_all_nodes_and_leaves_with_a_dead_one(store: &str, bus: &str, presence: &str) {
    let [mut here, there] = [(); 2].map(|()| node(store, bus, presence));
    for node in [&here, &there] {
        node.wait_until_ready();
    }
    let (lee, kim) = (someone(&here, "lee"), someone(&there, "kim"));
    kim.direct(&lee);
    assert_eq!(is_online(&kim, &lee), None, "never seen");
    let (mut of_kim, _) = kim.enter(&there);
    watch(&mut of_kim, &[&lee]);
    let (of_lee, _) = lee.enter(&here);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    assert_eq!(is_online(&kim, &lee), Some(true));
    drop(of_lee);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), false));
    let (_of_lee, _) = lee.enter(&here);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    here.kill9();
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), false));
    assert_eq!(is_online(&kim, &lee), Some(false));
    let (_of_lee, _) = lee.enter(&there);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
}

#[test]
fn who_is_on_one_node_of_postgresql_and_redis_is_online_on_the_other_until_it_dies() {
    let (store, bus) = (PostgresServer::shared(), RedisServer::start());
    let store = store.fresh_database();
    is_known_at_all_nodes_and_leaves_with_a_dead_one(&store, &bus.url(), "store:");
}

#[test]
fn with_nats_as_bus_presence_is_in_the_database_unless_it_is_said_to_be_elsewhere() {
    let (store, bus) = (MariaDbServer::shared(), NatsServer::start());
    let store = store.fresh_database();
    is_known_at_all_nodes_and_leaves_with_a_dead_one(&store, &bus.url(), "");
}
