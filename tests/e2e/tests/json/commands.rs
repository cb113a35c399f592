//! What commands do and how they are answered.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Person, agent_of};
use crate::rooms::rest;
use crate::shared;

#[test]
fn a_message_is_acknowledged_once_it_can_be_read_back() {
    let server = shared::server();
    let mut kim = Person::new(&server, "user");
    let room = kim.id.clone();
    let ack = kim.say(&room, "안녕하세요");
    let path = format!("/api/v1/rooms/{room}/messages");
    let stored = rest(&server, "GET", &path, &kim.token).json();
    let stored = &stored["messages"][0];
    for (told, kept) in [
        ("seq", "seq"),
        ("position", "position"),
        ("messageId", "messageId"),
        ("sentAt", "sentAt"),
        ("room", "roomId"),
    ] {
        assert_eq!(ack[told], stored[kept], "{told}");
    }
    let event = kim.peer.next_of("message");
    assert_eq!(event, json!({"type": "message", "message": stored}));
}

#[test]
fn sending_to_ones_own_room_opens_it_and_shows_all_of_it() {
    let server = shared::server();
    let mut kim = Person::new(&server, "user");
    let room = kim.id.clone();
    let text = json!({"type": "send", "room": room, "text": "first"});
    let (ack, before) = kim.peer.ask(text);
    assert_eq!(ack["seq"], 1);
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0]["change"], "joined");
    assert_eq!(before[0]["room"]["id"], room.as_str());
    assert_eq!(before[0]["room"]["state"], "waiting");
    assert_eq!(kim.peer.texts(1), ["first"]);
}

#[test]
fn messages_keep_their_order_and_so_do_their_acknowledgements() {
    const MESSAGES: usize = 300;
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    for number in 0..MESSAGES {
        kim.peer
            .say(&json!({"type": "send", "id": number, "room": room, "text": number.to_string()}));
    }
    let (mut acks, mut texts) = (Vec::new(), Vec::new());
    while acks.len() < MESSAGES || texts.len() < MESSAGES {
        let event = kim.peer.event();
        match event["type"].as_str() {
            Some("ack") => acks.push(event["id"].as_u64().unwrap() as usize),
            Some("message") => texts.push(
                event["message"]["text"]
                    .as_str()
                    .unwrap()
                    .parse::<usize>()
                    .unwrap(),
            ),
            _ => panic!("{event}"),
        }
    }
    let all: Vec<usize> = (0..MESSAGES).collect();
    assert_eq!(acks, all);
    assert_eq!(texts, all);
}

#[test]
fn a_repeated_client_id_stores_nothing_and_answers_the_first() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let send = json!({"type": "send", "room": kim.id, "text": "once", "clientId": "c-1"});
    let (first, mut shown) = kim.peer.ask(send.clone());
    let (again, more) = kim.peer.ask(send);
    assert_eq!(first["position"], again["position"]);
    shown.extend(more);
    shown.extend(kim.peer.ask(json!({"type": "ping"})).1);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0]["message"]["text"], "once");
}

#[test]
fn a_command_that_fails_is_answered_and_the_connection_goes_on() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let other = Person::customer(&server);
    let (own, foreign) = (kim.id.clone(), other.id.clone());
    let cases: [(Value, &str); 9] = [
        (
            json!({"type": "send", "room": foreign, "text": "x"}),
            "NOT_YOUR_ROOM",
        ),
        (
            json!({"type": "send", "room": "nobody@nowhere", "text": "x"}),
            "ROOM_NOT_FOUND",
        ),
        (
            json!({"type": "send", "room": own, "text": ""}),
            "MESSAGE_INVALID",
        ),
        (json!({"type": "send", "room": own}), "BODY_INVALID"),
        (
            json!({"type": "read", "room": own, "position": "x"}),
            "POSITION_INVALID",
        ),
        (
            json!({"type": "read", "room": foreign, "position": "a-1"}),
            "NOT_YOUR_ROOM",
        ),
        (
            json!({"type": "typing", "room": foreign, "active": true}),
            "NOT_YOUR_ROOM",
        ),
        (
            json!({"type": "resume", "positions": {"r": "x"}}),
            "POSITION_INVALID",
        ),
        (json!({"type": "dance"}), "BODY_INVALID"),
    ];
    for (command, code) in cases {
        let (answer, before) = kim.peer.ask(command.clone());
        assert_eq!(answer["type"], "error", "{command}");
        assert_eq!(answer["error"]["code"], code, "{command}");
        assert_eq!(answer["error"]["retryable"], false);
        assert!(before.is_empty(), "{before:?}");
    }
    let (again, _) = kim
        .peer
        .ask(json!({"type": "send", "room": own, "text": "still here"}));
    assert_eq!(again["type"], "ack");
}

#[test]
fn typing_and_reading_are_shown_to_the_other_side() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let mut lee = agent_of(&server, &room);
    kim.peer.next_of("room");
    for active in [true, false] {
        let (ack, _) = lee
            .peer
            .ask(json!({"type": "typing", "room": room, "active": active}));
        assert_eq!(ack["type"], "ack");
        let shown = kim.peer.next_of("typing");
        let name = format!("{} by name", lee.id);
        assert_eq!(
            shown,
            json!({"type": "typing", "room": room, "user": lee.id, "name": name, "active": active})
        );
    }
    let sent = kim.say(&room, "read this");
    let position = sent["position"].clone();
    lee.peer.texts(1);
    let (ack, _) = lee
        .peer
        .ask(json!({"type": "read", "room": room, "position": position}));
    assert_eq!(ack["type"], "ack");
    let shown = kim.peer.next_of("read");
    assert_eq!(
        shown,
        json!({"type": "read", "room": room, "user": lee.id, "position": position, "seq": 3, "previousSeq": 0})
    );
    // Nobody is told that they write themselves.
    let (_, before) = lee
        .peer
        .ask(json!({"type": "typing", "room": room, "active": true}));
    assert!(
        before.iter().all(|event| event["type"] != "typing"),
        "{before:?}"
    );
    // Without an id nothing is answered.
    kim.peer.next_of("typing");
    kim.peer
        .say(&json!({"type": "typing", "room": room, "active": true}));
    kim.peer.assert_quiet();
}

#[test]
fn two_connections_of_one_user_get_the_same() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let (mut second, hello) = madang_e2e::json::Json::enter(server.address(), &kim.token);
    assert_eq!(hello["rooms"][0]["id"], room.as_str());
    let texts: BTreeSet<_> = ["a", "b", "c"].into();
    texts.iter().for_each(|text| drop(kim.say(&room, text)));
    assert_eq!(second.texts(3), ["a", "b", "c"]);
    assert_ne!(hello["session"], kim.hello["session"]);
}
