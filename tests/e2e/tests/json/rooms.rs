//! What becomes of rooms is seen at once on open connections.

use madang_e2e::server::TestServer;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Person, agent_of};
use crate::people::Someone;
use crate::shared::{self, LOGIN, PASSCODE};

#[test]
fn a_claimed_room_joins_the_agent_and_changes_for_the_customer() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let mut lee = Person::new(&server, "agent");
    lee.claim(&server, &room);
    let joined = lee.peer.event();
    assert_eq!(
        (&joined["type"], &joined["change"]),
        (&json!("room"), &json!("joined"))
    );
    assert_eq!(joined["room"]["id"], room.as_str());
    let assigned = lee.peer.next_of("message");
    assert_eq!(
        assigned["message"]["type"], "assigned",
        "shown from the claim on"
    );
    let changed = kim.peer.next_of("room");
    assert_eq!(
        (&changed["type"], &changed["change"]),
        (&json!("room"), &json!("changed"))
    );
    assert_eq!(changed["room"]["assignee"]["id"], lee.id.as_str());
    kim.say(&room, "hello agent");
    assert_eq!(lee.peer.texts(1), ["hello agent"]);
    lee.say(&room, "hello customer");
    assert_eq!(kim.peer.texts(2), ["hello agent", "hello customer"]);
}

#[test]
fn a_completed_room_leaves_the_agent_who_gets_no_more_of_it() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let mut lee = agent_of(&server, &room);
    lee.complete(&server, &room);
    let left = lee.peer.next_of("room");
    assert_eq!(
        left,
        json!({"type": "room", "change": "left", "room": {"id": room}})
    );
    kim.say(&room, "not for the agent");
    lee.peer.assert_quiet();
    lee.claim(&server, &room);
    let joined = lee.peer.next_of("room");
    assert_eq!(joined["change"], "joined", "served once more");
    kim.say(&room, "for the agent");
    assert_eq!(lee.peer.texts(1), ["for the agent"]);
}

#[test]
fn a_room_that_its_customer_left_leaves_everybody_and_can_begin_anew() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let mut lee = agent_of(&server, &room);
    kim.peer.next_of("room");
    kim.rest(&server, "DELETE", &format!("/api/v1/rooms/{room}"));
    for peer in [&mut kim.peer, &mut lee.peer] {
        let left = peer.next_of("room");
        assert_eq!(
            left,
            json!({"type": "room", "change": "left", "room": {"id": room}})
        );
    }
    let ack = kim.say(&room, "a new life");
    assert_eq!(ack["seq"], 1);
    assert_eq!(kim.peer.texts(1), ["a new life"]);
    lee.peer.assert_quiet();
}

#[test]
fn an_admin_is_shown_their_own_rooms_only() {
    let server = shared::server();
    let kim = Person::customer(&server);
    let mut root = Person::new(&server, "admin");
    assert_eq!(root.hello["rooms"], json!([]));
    root.claim(&server, &kim.id);
    assert_eq!(root.peer.event()["change"], "joined");
    root.complete(&server, &kim.id);
    assert_eq!(
        root.peer.next_of("room")["change"],
        "left",
        "though they may read it still"
    );
}

/// A server whose sessions show two rooms, somebody with three, and those, the newest first.
fn three_rooms_of_two() -> (TestServer, Someone, [String; 3]) {
    let server = TestServer::builder()
        .env("MADANG_SESSION__ROOMS_MAX", 2)
        .start();
    let kim = Someone::new(&server, "kim");
    let rooms = [(); 3].map(|()| kim.group(&[]));
    for room in rooms.iter().rev() {
        kim.say(room, "the first");
    }
    (server, kim, rooms)
}

fn shown(hello: &Value) -> Vec<&str> {
    let rooms = hello["rooms"].as_array().unwrap().iter();
    rooms.map(|room| room["id"].as_str().unwrap()).collect()
}

fn hidden(room: &str) -> Value {
    json!({"type": "room", "change": "hidden", "room": {"id": room}})
}

#[test]
fn who_has_more_rooms_than_a_session_shows_is_shown_the_newest_and_told_that_there_are_more() {
    let (server, kim, [first, second, third]) = three_rooms_of_two();
    let (mut peer, hello) = kim.enter(&server);
    assert_eq!(shown(&hello), [&first, &second]);
    assert_eq!(hello["more"], true);
    kim.say(&third, "not shown");
    kim.say(&second, "shown");
    assert_eq!(peer.texts(1), ["shown"]);
    kim.rest.done(
        "POST",
        &format!("/api/v1/rooms/{third}/leave"),
        &Value::Null,
    );
    let (_, hello) = kim.enter(&server);
    assert_eq!(shown(&hello).len(), 2);
    assert!(hello.get("more").is_none(), "{hello}");
}

#[test]
fn a_room_that_comes_when_no_more_are_shown_takes_the_place_of_the_quietest() {
    let (server, kim, [first, second, _]) = three_rooms_of_two();
    let (mut peer, _) = kim.enter(&server);
    let fourth = kim.group(&[]);
    assert_eq!(peer.event(), hidden(&second));
    assert_eq!(peer.event()["room"]["id"], fourth.as_str());
    kim.say(&second, "not shown");
    kim.say(&fourth, "shown");
    kim.say(&first, "as well");
    assert_eq!(peer.texts(2), ["shown", "as well"]);
}

#[test]
fn a_room_that_is_resumed_is_shown_before_newer_ones_and_without_a_hole() {
    let (server, kim, [first, second, third]) = three_rooms_of_two();
    let start = kim.say(&third, "seen")["position"].clone();
    for room in [&second, &first] {
        kim.say(room, "newer");
    }
    kim.say(&third, "missed");
    for room in [&second, &first] {
        kim.say(room, "newest");
    }
    let (mut peer, hello) = kim.enter(&server);
    assert_eq!(shown(&hello), [&first, &second]);
    let resume = json!({"type": "resume", "positions": {third.clone(): start}});
    let (ack, before) = peer.ask(resume);
    assert_eq!(ack["unknown"], json!([]), "{ack}");
    assert_eq!(before[0], hidden(&second));
    assert_eq!(
        (&before[1]["change"], &before[1]["room"]["id"]),
        (&json!("joined"), &json!(third))
    );
    assert_eq!(before[1]["room"]["position"], start);
    assert_eq!(peer.texts(1), ["missed"]);
    // It stays when another room comes.
    let fourth = kim.group(&[]);
    assert_eq!(peer.next_of("room"), hidden(&first));
    assert_eq!(peer.next_of("room")["room"]["id"], fourth.as_str());
    kim.say(&third, "live");
    assert_eq!(peer.texts(1), ["live"]);
}

#[test]
fn of_more_rooms_resumed_than_a_session_shows_the_rest_is_told_as_hidden() {
    let (server, kim, rooms) = three_rooms_of_two();
    let positions: Value = rooms
        .iter()
        .map(|room| (room.clone(), kim.say(room, "seen")["position"].clone()))
        .collect();
    let (mut peer, hello) = kim.enter(&server);
    assert_eq!(hello["more"], true);
    let (ack, before) = peer.ask(json!({"type": "resume", "positions": positions}));
    let [rest] = rooms
        .iter()
        .filter(|room| !shown(&hello).contains(&room.as_str()))
        .collect::<Vec<_>>()[..]
    else {
        panic!("one of three is not shown")
    };
    assert_eq!(before, [hidden(rest)]);
    assert_eq!(ack["unknown"], json!([]), "it is theirs");
}

#[test]
fn a_room_that_cannot_be_looked_up_ends_the_session_instead_of_being_asked_for_for_ever() {
    let server = TestServer::start();
    let owner = Someone::new(&server, "owner");
    let room = owner.group(&[]);
    let mut kim = Person::new(&server, "user");
    // What is stored of the room becomes damaged as somebody comes: no text is in bytes like this.
    let database = Connection::open(server.data().join("madang.db")).unwrap();
    let damage = "CREATE TRIGGER damage AFTER INSERT ON members BEGIN
        UPDATE rooms SET title = CAST(x'ff' AS TEXT) WHERE room_no = NEW.room_no; END";
    database.execute_batch(damage).unwrap();
    let members = format!("/api/v1/rooms/{room}/members");
    let kim_only = json!({"members": [kim.id]});
    drop(owner.rest.call("POST", &members, &kim_only));
    assert_eq!(kim.peer.next_of("error")["error"]["code"], "INTERNAL");
    assert_eq!(kim.peer.received(), Err(Some(1011)));
}

#[test]
fn what_the_host_publishes_for_a_user_is_shown() {
    let server = shared::server();
    let mut kim = Person::new(&server, "user");
    let mut other = Person::new(&server, "user");
    let mut host = shared::session(&server, "1.2");
    assert!(!LOGIN.is_empty() && !PASSCODE.is_empty());
    let destination = format!("/user/{}/queue/orders", kim.id);
    host.send(shared::send_frame(
        &destination,
        "kind:shipped\n",
        "your order",
    ));
    let shown = kim.peer.event();
    assert_eq!(shown["type"], "notification");
    assert_eq!(shown["destination"], "/user/queue/orders");
    assert_eq!(shown["headers"]["kind"], "shipped");
    assert_eq!(shown["body"], "your order");
    other.peer.assert_quiet();
}

#[test]
fn whatever_the_host_may_publish_for_a_user_is_shown_once() {
    let server = TestServer::builder()
        .env("MADANG_TOPICS__PREFIXES", "/topic/,/news/,/news/hot/")
        .env("MADANG_TOPICS__USER_PREFIX", "/person")
        .account(LOGIN, PASSCODE)
        .start();
    let mut kim = Person::new(&server, "user");
    let mut host = shared::session(&server, "1.2");
    for topic in ["topic/x", "news/y", "news/hot/z"] {
        let destination = format!("/person/{}/{topic}", kim.id);
        host.send(shared::send_frame(&destination, "", "x"));
        let shown = kim.peer.next_of("notification");
        assert_eq!(shown["destination"], format!("/person/{topic}"));
    }
    kim.peer.assert_quiet();
}

#[test]
fn of_many_rooms_that_come_at_once_nothing_that_is_said_in_them_is_missed() {
    const MAKERS: usize = 4;
    const ROOMS: usize = 100;
    let server = shared::server();
    let mut kim = Person::new(&server, "user");
    let makers: Vec<_> = (0..MAKERS).map(|_| Someone::new(&server, "lee")).collect();
    std::thread::scope(|scope| {
        for maker in &makers {
            scope.spawn(|| {
                for number in 0..ROOMS {
                    let wanted = json!({"kind": "group", "title": "t", "members": [kim.id]});
                    let room = maker.make(&wanted);
                    // More than sockets hold: the connection is told of nothing before it reads.
                    let text = format!("{} {number} {}", maker.id, "x".repeat(16_000));
                    maker.say(&room, &text);
                }
            });
        }
    });
    let mut missing: std::collections::BTreeSet<_> = makers
        .iter()
        .flat_map(|maker| (0..ROOMS).map(move |number| format!("{} {number}", maker.id)))
        .collect();
    while !missing.is_empty() {
        let told = kim.peer.next_of("message");
        let text = told["message"]["text"].as_str().unwrap_or_default();
        missing.remove(text.trim_end_matches([' ', 'x']));
    }
}
