//! A server and the broker that carries its hints.

use madang_e2e::http;
use madang_e2e::server::TestServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::redis::RedisServer;

use crate::people::Someone;

fn with_bus(url: &str) -> TestServer {
    TestServer::builder().flag("--bus", url).start()
}

/// Whether two people hear each other over it.
fn serves(server: &TestServer) {
    let (kim, lee) = (Someone::new(server, "kim"), Someone::new(server, "lee"));
    let room = kim.direct(&lee);
    let (mut peer, _) = madang_e2e::json::Json::enter(server.address(), &lee.token);
    kim.say(&room, "안녕하세요");
    assert_eq!(peer.texts(1), ["안녕하세요"]);
}

#[test]
fn a_server_lives_before_it_has_reached_redis_and_is_ready_after_that_for_good() {
    let mut redis = RedisServer::start();
    redis.kill();
    let server = with_bus(&redis.url());
    let (status, text) = server.ready();
    assert_eq!(status, 503);
    assert!(text.contains("the bus was not reached yet"), "{text}");
    assert_eq!(http::get(server.address(), "/healthz", &[]).status, 200);
    redis.restart();
    server.wait_until_ready();
    serves(&server);
    redis.kill();
    serves(&server);
    assert_eq!(server.ready().0, 200, "a lost bus takes no node away");
}

#[test]
fn a_server_serves_with_nats_and_on_without_it() {
    let mut nats = NatsServer::start();
    let server = with_bus(&nats.url());
    server.wait_until_ready();
    serves(&server);
    nats.kill();
    serves(&server);
    assert_eq!(server.ready().0, 200, "a lost bus takes no node away");
}
