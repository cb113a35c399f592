//! Contract 4: the marketplace's list of what it needs, told over the native API.

use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use crate::people::Someone;
use crate::shared;

fn read_by(reader: &Someone, room: &str, seq: u64) -> (u64, u64) {
    let path = format!("/api/v1/rooms/{room}/receipts?from={seq}&to={seq}");
    let counts = &reader.rest.get(&path)["counts"];
    assert_eq!(counts.as_array().map(Vec::len), Some(1), "{counts}");
    let count = |name: &str| counts[0][name].as_u64().unwrap();
    (count("readBy"), count("notReadBy"))
}

/// A connection that was let in, its `hello` read.
fn enter(server: &TestServer, who: &Someone) -> Json {
    who.enter(server).0
}

#[test]
fn anybody_makes_a_room_and_entering_one_that_is_there_loads_its_history() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let context = json!({"item": 77, "title": "자전거"});
    let about_the_bike = json!({"kind": "direct", "members": [lee.id], "context": context});
    let room = kim.make(&about_the_bike);
    let texts: Vec<_> = (0..45).map(|number| format!("message {number}")).collect();
    texts.iter().for_each(|text| drop(kim.say(&room, text)));
    // The other one comes by the same way, and the room is the one that there is.
    let from_lee = json!({"kind": "direct", "members": [kim.id], "context": context});
    let answer = lee.rest.call("POST", "/api/v1/rooms", &from_lee);
    assert_eq!(
        (answer.status, answer.json()["id"].as_str()),
        (200, Some(room.as_str()))
    );
    assert_ne!(
        kim.direct(&lee),
        room,
        "without the item it is another room"
    );
    // History comes by pages, the newest first.
    let path = format!("/api/v1/rooms/{room}/messages?limit=20");
    let (mut read, mut before) = (Vec::new(), String::new());
    loop {
        let page = lee.rest.get(&format!("{path}{before}"));
        let messages = page["messages"].as_array().unwrap().clone();
        before = format!("&before={}", messages[0]["seq"]);
        let page_texts = messages
            .iter()
            .map(|one| one["text"].as_str().unwrap().to_owned());
        read.splice(0..0, page_texts);
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(read, texts);
    let outside = park.rest.call("GET", &path, &Value::Null);
    assert_eq!(
        (outside.status, &outside.json()["code"]),
        (403, &json!("NOT_YOUR_ROOM"))
    );
}

#[test]
fn a_direct_room_is_one_however_many_make_it_at_once() {
    let server = shared::server();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let makers: Vec<_> = (0..8)
        .map(|at| {
            if at % 2 == 0 {
                (&kim, &lee)
            } else {
                (&lee, &kim)
            }
        })
        .collect();
    let rooms: Vec<String> = std::thread::scope(|scope| {
        let made: Vec<_> = makers
            .iter()
            .map(|(who, with)| scope.spawn(|| who.direct(with)))
            .collect();
        made.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
}

#[test]
fn one_to_one_and_in_a_group_everybody_sees_the_same_in_the_same_order() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    for (room, people) in [
        (kim.direct(&lee), vec![&kim, &lee]),
        (kim.group(&[&lee, &park]), vec![&kim, &lee, &park]),
    ] {
        let mut peers: Vec<_> = people.iter().map(|who| enter(&server, who)).collect();
        std::thread::scope(|scope| {
            for who in &people {
                let room = &room;
                scope.spawn(move || {
                    (0..20).for_each(|n| drop(who.say(room, &format!("{} {n}", who.id))))
                });
            }
        });
        let count = people.len() * 20;
        let seen: Vec<_> = peers.iter_mut().map(|peer| peer.texts(count)).collect();
        assert!(seen.iter().all(|one| *one == seen[0]), "one order for all");
        for who in &people {
            let own = seen[0]
                .iter()
                .filter_map(|text| text.strip_prefix(&format!("{} ", who.id)));
            let own: Vec<usize> = own.map(|number| number.parse().unwrap()).collect();
            assert_eq!(own, (0..20).collect::<Vec<_>>(), "as {} sent them", who.id);
        }
    }
}

#[test]
fn read_marks_are_counted_and_shown_to_those_who_are_there() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let room = kim.group(&[&lee, &park]);
    let mut of_kim = enter(&server, &kim);
    let seq = kim.say(&room, "오늘 거래 가능하세요?")["seq"]
        .as_u64()
        .unwrap();
    assert_eq!(
        read_by(&kim, &room, seq),
        (0, 2),
        "the sender is in neither number"
    );
    lee.read(&room, seq);
    let shown = of_kim.next_of("read");
    assert_eq!(
        (&shown["room"], &shown["user"]),
        (&json!(room), &json!(lee.id))
    );
    assert_eq!(shown["previousSeq"], json!(0));
    assert_eq!(read_by(&kim, &room, seq), (1, 1));
    // A mark only rises, and not beyond the end.
    lee.read(&room, 0);
    assert_eq!(read_by(&kim, &room, seq), (1, 1));
    park.read(&room, seq + 100);
    assert_eq!(read_by(&kim, &room, seq), (2, 0));
    let next = kim.say(&room, "기다릴게요")["seq"].as_u64().unwrap();
    assert_eq!(
        read_by(&kim, &room, next),
        (0, 2),
        "what came later is not read by that"
    );
}

#[test]
fn who_comes_later_is_not_counted_among_those_who_have_not_read() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let room = kim.group(&[&lee]);
    let seq = kim.say(&room, "before park")["seq"].as_u64().unwrap();
    let members = format!("/api/v1/rooms/{room}/members");
    kim.rest
        .done("POST", &members, &json!({"members": [park.id]}));
    assert_eq!(read_by(&kim, &room, seq), (0, 1));
    assert_eq!(
        park.unread(&room),
        (0, 0),
        "history is there and is not new"
    );
    assert_eq!(park.texts(&room), ["before park"]);
}

#[test]
fn who_is_away_finds_exactly_what_is_unread() {
    let server = shared::server();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let (about, other) = (kim.direct(&lee), kim.group(&[&lee]));
    for number in 0..7 {
        kim.say(&about, &format!("away {number}"));
    }
    kim.say(&other, "also there");
    lee.say(&other, "my own is not unread");
    assert_eq!(lee.unread(&about), (8, 7));
    assert_eq!(kim.unread(&other), (1, 1));
    // It is in the list, newest activity first, and in the first thing that a connection says.
    let listed = lee.rest.get("/api/v1/rooms");
    let shown = |list: &Value| {
        let rooms = list["rooms"].as_array().unwrap().iter();
        let of = |room: &Value| {
            (
                room["id"].as_str().unwrap().to_owned(),
                room["unread"].clone(),
            )
        };
        rooms.map(of).collect::<Vec<_>>()
    };
    let expected = [(other.clone(), json!(1)), (about.clone(), json!(7))];
    assert_eq!(shown(&listed), expected);
    assert_eq!(listed["rooms"][1]["lastMessage"]["text"], "away 6");
    let (mut peer, hello) = lee.enter(&server);
    assert_eq!(shown(&hello), expected);
    let last = listed["rooms"][1]["head"]["position"].clone();
    let (ack, _) = peer.ask(json!({"type": "read", "room": about, "position": last}));
    assert_eq!(ack["type"], "ack");
    assert_eq!(lee.unread(&about), (1, 0));
}

#[test]
fn accepted_messages_survive_a_kill_and_come_in_order_to_who_was_away() {
    let mut server = TestServer::start();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let room = kim.direct(&lee);
    let (_, hello) = lee.enter(&server);
    let since = hello["rooms"][0]["position"].clone();
    let texts: Vec<_> = (0..30).map(|number| format!("trade {number}")).collect();
    texts.iter().for_each(|text| drop(kim.say(&room, text)));
    server.kill9();
    server.restart();
    let (mut peer, _) = lee.enter(&server);
    let (ack, _) = peer.ask(json!({"type": "resume", "positions": {room.clone(): since}}));
    assert_eq!(ack["unknown"], json!([]));
    assert_eq!(peer.texts(30), texts);
    assert_eq!(lee.unread(&room), (30, 30));
}
