//! Who is online and who writes, as others see it.

#[cfg(feature = "servers")]
mod redis;
#[cfg(feature = "servers")]
mod store;

use std::time::{Duration, Instant};

use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use crate::people::Someone;
use crate::shared;

const GRACE: Duration = Duration::from_secs(1);

fn server() -> TestServer {
    TestServer::builder()
        .env("MADANG_PRESENCE__GRACE_SECONDS", GRACE.as_secs())
        .start()
}

/// Two who share a room.
fn acquainted(server: &TestServer) -> (Someone, Someone, String) {
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(server, name));
    let room = kim.direct(&lee);
    (kim, lee, room)
}

/// What is asked for over REST: whether they are online; `None` where nothing is told.
fn is_online(who: &Someone, of: &Someone) -> Option<bool> {
    let told = who.rest.get(&format!("/api/v1/presence?users={}", of.id));
    let users = told["users"].as_array().unwrap();
    assert!(users.iter().all(|one| one["id"] == json!(of.id)), "{told}");
    users.first().map(|one| one["online"].as_bool().unwrap())
}

/// Watches people; what they are now comes first.
fn watch(peer: &mut Json, users: &[&Someone]) {
    let users: Vec<_> = users.iter().map(|user| &user.id).collect();
    let (ack, _) = peer.ask(json!({"type": "watch", "users": users}));
    assert_eq!(ack["type"], "ack", "{ack}");
}

fn edge(peer: &mut Json) -> (String, bool) {
    let event = peer.next_of("presence");
    let user = event["user"].as_str().unwrap().to_owned();
    (user, event["online"].as_bool().unwrap())
}

#[test]
fn who_comes_and_goes_is_shown_to_those_who_watch() {
    let server = server();
    let (kim, lee, _) = acquainted(&server);
    assert_eq!(is_online(&kim, &lee), None, "never seen");
    let (mut of_kim, _) = kim.enter(&server);
    watch(&mut of_kim, &[&lee]);
    of_kim.assert_quiet();
    let (of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    assert_eq!(is_online(&kim, &lee), Some(true));
    // A second connection changes nothing, and neither does the end of one of two.
    let (second, _) = lee.enter(&server);
    drop(of_lee);
    of_kim.assert_quiet();
    let gone = Instant::now();
    drop(second);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), false));
    assert!(gone.elapsed() >= GRACE, "not before the grace is over");
    assert_eq!(is_online(&kim, &lee), Some(false));
    // Whoever watches later is told at once what they are.
    let (mut later, _) = kim.enter(&server);
    watch(&mut later, &[&lee, &kim]);
    let mut told = [edge(&mut later), edge(&mut later)];
    told.sort();
    let mut expected = [(kim.id.clone(), true), (lee.id.clone(), false)];
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn a_reconnect_within_the_grace_is_not_seen() {
    let server = TestServer::builder()
        .env("MADANG_PRESENCE__GRACE_SECONDS", 3600)
        .start();
    let (kim, lee, _) = acquainted(&server);
    let (mut of_kim, _) = kim.enter(&server);
    let (of_lee, _) = lee.enter(&server);
    watch(&mut of_kim, &[&lee]);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    drop(of_lee);
    let (mut again, _) = lee.enter(&server);
    again.assert_quiet();
    of_kim.assert_quiet();
    assert_eq!(is_online(&kim, &lee), Some(true));
}

#[test]
fn only_acquaintances_are_seen_and_agents_see_everybody() {
    let server = server();
    let (kim, lee, room) = acquainted(&server);
    let stranger = Someone::new(&server, "park");
    let agent = Someone::of_role(&server, "han", "agent");
    let (mut of_stranger, _) = stranger.enter(&server);
    let (mut of_agent, _) = agent.enter(&server);
    watch(&mut of_stranger, &[&lee]);
    watch(&mut of_agent, &[&lee]);
    let (of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_agent), (lee.id.clone(), true));
    of_stranger.assert_quiet();
    assert_eq!(
        (is_online(&stranger, &lee), is_online(&agent, &lee)),
        (None, Some(true))
    );
    assert_eq!(is_online(&kim, &lee), Some(true));
    // Who shares no room any more asks in vain.
    kim.rest
        .done("POST", &format!("/api/v1/rooms/{room}/leave"), &Value::Null);
    assert_eq!(is_online(&kim, &lee), None);
    drop(of_lee);
    assert_eq!(edge(&mut of_agent), (lee.id.clone(), false));
    of_stranger.assert_quiet();
}

#[test]
fn whoever_leaves_the_last_shared_room_is_told_no_more_who_comes_and_goes() {
    let server = server();
    let (kim, lee, room) = acquainted(&server);
    let agent = Someone::of_role(&server, "han", "agent");
    let (mut of_kim, _) = kim.enter(&server);
    let (mut of_agent, _) = agent.enter(&server);
    watch(&mut of_kim, &[&lee]);
    watch(&mut of_agent, &[&lee]);
    let (of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    assert_eq!(edge(&mut of_agent), (lee.id.clone(), true));
    kim.rest
        .done("POST", &format!("/api/v1/rooms/{room}/leave"), &Value::Null);
    assert_eq!(of_kim.next_of("room")["change"], "left");
    drop(of_lee);
    assert_eq!(edge(&mut of_agent), (lee.id.clone(), false));
    of_kim.assert_quiet();
    // Who shares a room again is told again.
    kim.direct(&lee);
    of_kim.next_of("room");
    let (_of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
}

#[test]
fn a_kill_leaves_nobody_online_who_is_not() {
    let mut server = server();
    let (kim, lee, _) = acquainted(&server);
    let (of_lee, _) = lee.enter(&server);
    let (mut of_kim, _) = kim.enter(&server);
    watch(&mut of_kim, &[&lee]);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
    server.kill9();
    server.restart();
    drop(of_lee);
    let (mut of_kim, _) = kim.enter(&server);
    watch(&mut of_kim, &[&lee, &kim]);
    assert_eq!(
        edge(&mut of_kim),
        (kim.id.clone(), true),
        "lee is not said to be there"
    );
    assert_ne!(is_online(&kim, &lee), Some(true));
    let (_of_lee, _) = lee.enter(&server);
    assert_eq!(edge(&mut of_kim), (lee.id.clone(), true));
}

#[test]
fn more_people_than_can_be_watched_are_refused_and_another_watch_replaces_the_first() {
    let server = server();
    let (kim, lee, _) = acquainted(&server);
    let park = Someone::new(&server, "park");
    kim.direct(&park);
    let (mut of_kim, _) = kim.enter(&server);
    let many: Vec<_> = (0..201).map(|number| format!("u{number}")).collect();
    let (refused, _) = of_kim.ask(json!({"type": "watch", "users": many}));
    assert_eq!(refused["error"]["code"], "PARAMETER_INVALID");
    watch(&mut of_kim, &[&lee]);
    watch(&mut of_kim, &[&park]);
    let (_of_lee, _) = lee.enter(&server);
    let (_of_park, _) = park.enter(&server);
    assert_eq!(
        edge(&mut of_kim),
        (park.id.clone(), true),
        "lee is not watched any more"
    );
}

#[test]
fn typing_is_told_once_an_interval_however_often_it_is_said_and_never_to_oneself() {
    let server = TestServer::builder()
        .env("MADANG_MESSAGES__SIGNAL_INTERVAL_MS", 60_000)
        .start();
    let (kim, lee, room) = acquainted(&server);
    let (mut of_kim, _) = kim.enter(&server);
    let (mut of_lee, _) = lee.enter(&server);
    let typing = |active: bool| json!({"type": "typing", "room": room, "active": active});
    let mut said = Vec::new();
    for active in [true, true, true, false, false] {
        let (ack, before) = of_kim.ask(typing(active));
        assert_eq!(ack["type"], "ack");
        assert!(
            before.is_empty(),
            "nobody is told that they write themselves: {before:?}"
        );
        said.push(active);
    }
    kim.say(&room, "done");
    let mut shown = Vec::new();
    loop {
        let event = of_lee.event();
        match event["type"].as_str() {
            Some("typing") => shown.push(event),
            Some("message") => break,
            _ => panic!("{event}"),
        }
    }
    let told = |active: bool| json!({"type": "typing", "room": room, "user": kim.id, "name": kim.id, "active": active});
    assert_eq!(shown, [told(true), told(false)]);
}

#[test]
fn who_may_not_write_in_a_room_is_not_shown_as_writing_there() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let room = kim.make(&json!({"kind": "open", "title": "광장", "members": [lee.id]}));
    let (mut of_park, _) = park.enter(&server);
    let (mut of_lee, _) = lee.enter(&server);
    let typing = json!({"type": "typing", "room": room, "active": true});
    let (refused, _) = of_park.ask(typing.clone());
    assert_eq!(
        refused["error"]["code"], "NOT_YOUR_ROOM",
        "an open room is read by all"
    );
    of_lee.assert_quiet();
    let (ack, _) = of_park.ask(json!({"type": "join", "room": room}));
    assert_eq!(ack["type"], "ack");
    let (ack, _) = of_park.ask(typing);
    assert_eq!(ack["type"], "ack");
    let shown = of_lee.next_of("typing");
    assert_eq!(shown["user"], json!(park.id));
}
