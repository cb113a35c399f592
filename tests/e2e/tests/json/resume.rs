//! Coming back: every room goes on right after its position.

use std::thread;

use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use super::{Person, agent_of};
use crate::people::{Someone, host};
use crate::shared;

fn resume(peer: &mut Json, positions: Value) -> Value {
    let (ack, _) = peer.ask(json!({"type": "resume", "positions": positions}));
    assert_eq!(ack["type"], "ack", "{ack}");
    ack
}

#[test]
fn a_room_goes_on_right_after_the_named_position() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let positions: Vec<Value> = (0..10)
        .map(|number| kim.say(&room, &number.to_string())["position"].clone())
        .collect();
    let (mut again, _) = Json::enter(server.address(), &kim.token);
    let ack = resume(
        &mut again,
        json!({room.clone(): positions[3], "other": positions[3]}),
    );
    assert_eq!(ack["unknown"], json!(["other"]));
    assert_eq!(again.texts(6), ["4", "5", "6", "7", "8", "9"]);
    kim.say(&room, "live");
    assert_eq!(again.texts(1), ["live"]);
    again.assert_quiet();
}

#[test]
fn nothing_is_missing_or_doubled_after_the_ack_while_messages_flow() {
    const MESSAGES: usize = 400;
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let start = kim.say(&room, "start")["position"].clone();
    let (mut again, _) = Json::enter(server.address(), &kim.token);
    let writer = thread::spawn(move || {
        for number in 0..MESSAGES {
            kim.say(&kim.id.clone(), &number.to_string());
        }
    });
    let all: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
    for _ in 0..5 {
        resume(&mut again, json!({room.clone(): start}));
        assert_eq!(
            again.texts(20),
            all[..20],
            "live ones came again in their place"
        );
    }
    resume(&mut again, json!({room.clone(): start}));
    assert_eq!(again.texts(MESSAGES), all);
    writer.join().unwrap();
    again.assert_quiet();
}

#[test]
fn what_is_gone_is_told_and_what_is_kept_follows() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let old = kim.say(&room, "old life")["position"].clone();
    kim.rest(&server, "DELETE", &format!("/api/v1/rooms/{room}"));
    kim.say(&room, "new life");
    let (mut again, _) = Json::enter(server.address(), &kim.token);
    resume(&mut again, json!({room.clone(): old}));
    let reset = again.event();
    assert_eq!(reset["type"], "reset");
    assert_eq!(reset["room"], room.as_str());
    assert_eq!(reset["oldest"], reset["head"], "one message is kept");
    assert_eq!(again.texts(1), ["new life"]);
    again.assert_quiet();
}

#[test]
fn an_agent_resumes_several_rooms_at_once() {
    let server = shared::server();
    let mut customers: Vec<_> = (0..3).map(|_| Person::customer(&server)).collect();
    let mut lee = agent_of(&server, &customers[0].id);
    for customer in &customers[1..] {
        lee.claim(&server, &customer.id);
        assert_eq!(lee.peer.next_of("room")["change"], "joined");
    }
    let mut positions = json!({});
    for customer in &mut customers {
        let room = customer.id.clone();
        positions[&room] = customer.say(&room, "seen")["position"].clone();
        (0..5).for_each(|number| drop(customer.say(&room, &number.to_string())));
    }
    let (mut again, hello) = Json::enter(server.address(), &lee.token);
    assert_eq!(hello["rooms"].as_array().unwrap().len(), 3);
    resume(&mut again, positions);
    let mut seen = std::collections::BTreeMap::<String, Vec<String>>::new();
    for _ in 0..15 {
        let message = again.next_of("message")["message"].clone();
        let room = message["roomId"].as_str().unwrap().to_owned();
        seen.entry(room)
            .or_default()
            .push(message["text"].as_str().unwrap().to_owned());
    }
    assert!(
        seen.values()
            .all(|texts| texts == &["0", "1", "2", "3", "4"]),
        "{seen:?}"
    );
    again.assert_quiet();
}

#[test]
fn after_a_crash_everything_acknowledged_comes() {
    let mut server = TestServer::start();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let start = kim.say(&room, "start")["position"].clone();
    (0..50).for_each(|number| drop(kim.say(&room, &number.to_string())));
    server.kill9();
    server.restart();
    let (mut again, _) = Json::enter(server.address(), &kim.token);
    resume(&mut again, json!({room: start}));
    let all: Vec<String> = (0..50).map(|number: usize| number.to_string()).collect();
    assert_eq!(again.texts(50), all);
}

#[test]
fn a_reader_that_does_not_read_gets_every_message_once_it_does() {
    const MESSAGES: usize = 1500;
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let (mut slow, _) = Json::enter(server.address(), &kim.token);
    let long = "x".repeat(3000);
    for number in 0..MESSAGES {
        kim.say(&room, &format!("{number} {long}"));
    }
    for (number, text) in slow.texts(MESSAGES).iter().enumerate() {
        assert!(text.starts_with(&format!("{number} ")), "message {number}");
    }
    slow.assert_quiet();
}

#[test]
fn the_first_notification_ever_is_not_lost_on_a_client_that_knew_of_no_inbox() {
    let server = shared::server();
    let kim = Someone::new(&server, "kim");
    let host = host(&server);
    let notify = |content: &str| {
        let news = json!({"users": [kim.id], "type": "news", "content": content});
        host.done("POST", "/api/v1/host/notifications", &news);
    };
    let (peer, hello) = kim.enter(&server);
    assert!(hello.get("inbox").is_none());
    drop(peer);
    notify("the first ever");
    let (mut again, hello) = kim.enter(&server);
    assert_eq!(hello["inbox"]["unread"], 1);
    let (ack, _) = again.ask(json!({"type": "resume", "positions": {}, "inbox": null}));
    assert_eq!(ack["unknown"], json!([]));
    notify("the second");
    for content in ["the first ever", "the second"] {
        let added = again.next_of("inbox");
        assert_eq!(added["entry"]["notification"]["content"], content);
    }
    // Who says nothing of the inbox has it from now on.
    let (mut other, _) = kim.enter(&server);
    other.ask(json!({"type": "resume", "positions": {}}));
    other.assert_quiet();
}
