//! Presence of one node that is kept on Redis, which goes away and comes back empty.

use madang_e2e::http;
use madang_test_servers::redis::RedisServer;

use super::*;

fn server_on(redis: &RedisServer) -> TestServer {
    TestServer::builder()
        .flag("--presence", redis.url())
        .env("MADANG_PRESENCE__GRACE_SECONDS", 0)
        .env("MADANG_PRESENCE__LEASE_SECONDS", 3)
        .start()
}

#[test]
fn who_comes_and_goes_is_kept_on_redis_and_nobody_stays_there_when_the_server_stops() {
    let redis = RedisServer::start();
    let mut server = server_on(&redis);
    let (kim, lee, _) = acquainted(&server);
    let (mut of_kim, _) = kim.enter(&server);
    watch(&mut of_kim, &[&lee]);
    let (of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    assert_eq!(is_online(&kim, &lee), Some(true));
    drop(of_lee);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), false));
    let kept = |key: &str| redis.ask(&["HGET", "{madang.presence}:last", key]);
    assert!(kept(&kim.id).starts_with("1 "), "{}", kept(&kim.id));
    assert!(kept(&lee.id).starts_with("0 "), "{}", kept(&lee.id));
    server.terminate();
    assert!(server.wait_exit().success());
    assert!(kept(&kim.id).starts_with("0 "), "{}", kept(&kim.id));
}

#[test]
fn a_redis_that_is_away_stops_nobody_and_who_left_meanwhile_is_told_when_it_is_back() {
    let mut redis = RedisServer::start();
    let server = server_on(&redis);
    let (kim, lee, room) = acquainted(&server);
    let park = Someone::new(&server, "park");
    kim.direct(&park);
    let (mut of_kim, _) = kim.enter(&server);
    watch(&mut of_kim, &[&lee, &park]);
    let (of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    let (_of_park, _) = park.enter(&server);
    assert_eq!(edge(&mut of_kim), (park.id.clone(), true));
    redis.kill();
    kim.say(&room, "여보세요");
    assert_eq!(of_kim.texts(1), ["여보세요"]);
    assert_eq!(server.ready().0, 200, "a lost presence takes no node away");
    let asked = kim.rest.call(
        "GET",
        &format!("/api/v1/presence?users={}", lee.id),
        &Value::Null,
    );
    assert_eq!(asked.status, 503, "{}", asked.text());
    drop(of_lee);
    redis.restart();
    // Whatever is told meanwhile, this is how it ends.
    let mut newest = [(lee.id.clone(), true), (park.id.clone(), true)];
    let mut told = 0;
    while told < 2 || newest[0].1 || !newest[1].1 {
        let (who, online) = edge(&mut of_kim);
        let known = newest.iter_mut().find(|(user, _)| *user == who).unwrap();
        known.1 = online;
        told += 1;
    }
    assert_eq!(is_online(&kim, &lee), Some(false));
    assert_eq!(is_online(&kim, &park), Some(true));
}

#[test]
fn a_server_lives_before_it_has_reached_its_presence_and_is_ready_after_that() {
    let mut redis = RedisServer::start();
    redis.kill();
    let server = server_on(&redis);
    let (status, text) = server.ready();
    assert_eq!(status, 503);
    assert!(text.contains("presence was not reached yet"), "{text}");
    assert_eq!(http::get(server.address(), "/healthz", &[]).status, 200);
    redis.restart();
    server.wait_until_ready();
}
