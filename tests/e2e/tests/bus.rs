//! A server and the broker that carries its hints.

use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::http;
use madang_e2e::server::TestServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::redis::RedisServer;

use crate::people::Someone;

fn ready(server: &TestServer) -> (u16, String) {
    let answer = http::get(server.address(), "/readyz", &[]);
    (answer.status, answer.text().to_owned())
}

/// Load balancers ask again and again, too.
fn wait_until_ready(server: &TestServer) {
    let deadline = Instant::now() + PATIENCE;
    while ready(server).0 != 200 {
        assert!(Instant::now() < deadline, "{:?}", ready(server));
        thread::sleep(Duration::from_millis(50));
    }
}

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
    let (status, text) = ready(&server);
    assert_eq!(status, 503);
    assert!(text.contains("the bus was not reached yet"), "{text}");
    assert_eq!(http::get(server.address(), "/healthz", &[]).status, 200);
    redis.restart();
    wait_until_ready(&server);
    serves(&server);
    redis.kill();
    serves(&server);
    assert_eq!(ready(&server).0, 200, "a lost bus takes no node away");
}

#[test]
fn a_server_serves_with_nats_and_on_without_it() {
    let mut nats = NatsServer::start();
    let server = with_bus(&nats.url());
    wait_until_ready(&server);
    serves(&server);
    nats.kill();
    serves(&server);
    assert_eq!(ready(&server).0, 200, "a lost bus takes no node away");
}
