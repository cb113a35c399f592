//! What is kept no longer is gone: from lists, counts and searches, from what cursors can resume, and from the
//! database's files.

use std::fs;
use std::time::Instant;

use madang_e2e::PATIENCE;
use madang_e2e::http::Rest;
use madang_e2e::json::Json;
use madang_e2e::server::{Builder, TestServer};
use madang_e2e::stomp::Stomp;
use serde_json::{Value, json};

use crate::people::{Someone, host};
use crate::rooms::follow;

/// Entries that are kept of a room.
const KEPT: u64 = 10;

/// Sweeps every second; this many entries of a room are kept.
fn builder(kind: &str) -> Builder {
    let variable = format!("MADANG_RETENTION__{}_ENTRIES_MAX", kind.to_uppercase());
    TestServer::builder()
        .env("MADANG_RETENTION__SWEEP_SECONDS", 1)
        .env("MADANG_RETENTION__REPEAT_SECONDS", 0)
        .env(&variable, KEPT)
}

/// Waits until only the newest entries of a room are left: nothing tells when a sweep has been.
fn swept(who: &Someone, room: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let head = who.rest.get(&format!("/api/v1/rooms/{room}"))["head"].clone();
        let number = |name: &str| head[name].as_u64().unwrap();
        if number("lastSeq") + 1 - number("oldestSeq") <= KEPT {
            return head;
        }
        assert!(Instant::now() < deadline, "nothing is removed: {head}");
    }
}

fn group_of_two(server: &TestServer) -> (Someone, Someone, String) {
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(server, name));
    let room = kim.group(&[&lee]);
    (kim, lee, room)
}

fn say_all(who: &Someone, room: &str, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| drop(who.say(room, &format!("message {number}"))));
}

fn seqs(messages: &Value) -> Vec<u64> {
    let messages = messages["messages"].as_array().unwrap().iter();
    messages.map(|one| one["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_cursor_behind_what_is_kept_is_reset_and_goes_on_with_what_is() {
    let server = builder("group").start();
    let (kim, lee, room) = group_of_two(&server);
    let first = kim.say(&room, "message 1")["position"].clone();
    say_all(&kim, &room, 2..31);
    let head = swept(&kim, &room);
    let oldest = head["oldestSeq"].as_u64().unwrap();
    assert_eq!((oldest, &head["lastSeq"]), (21, &json!(30)));
    let kept: Vec<_> = (21..31).map(|number| format!("message {number}")).collect();
    // JSON.
    let (mut peer, _) = lee.enter(&server);
    let (ack, _) = peer.ask(json!({"type": "resume", "positions": {room.clone(): first}}));
    assert_eq!(ack["unknown"], json!([]));
    let reset = peer.event();
    assert_eq!(
        (&reset["type"], &reset["room"]),
        (&json!("reset"), &json!(room))
    );
    assert_eq!(reset["head"], head["position"]);
    assert_eq!(peer.texts(10), kept);
    // STOMP.
    let mut stomp = Stomp::with_token(server.address(), &lee.token);
    follow(
        &mut stomp,
        &room,
        &format!("since:{}\n", first.as_str().unwrap()),
    );
    assert_eq!(stomp.message().get("event"), Some("reset"));
    assert_eq!(crate::rooms::texts(&mut stomp, 10), kept);
    // REST.
    let path = format!("/api/v1/rooms/{room}/messages?limit=50");
    for query in ["", "&after=0", "&after=5"] {
        let page = lee.rest.get(&format!("{path}{query}"));
        assert_eq!(seqs(&page), (21..31).collect::<Vec<_>>(), "{query}");
        assert_eq!(page["hasMore"], false);
    }
    assert_eq!(
        seqs(&lee.rest.get(&format!("{path}&before=21"))),
        Vec::<u64>::new()
    );
    // Who stands within what is kept misses nothing.
    let (mut peer, _) = lee.enter(&server);
    let at = format!("{}-20", first.as_str().unwrap().split_once('-').unwrap().0);
    peer.ask(json!({"type": "resume", "positions": {room.clone(): at}}));
    assert_eq!(peer.texts(10), kept);
    kim.say(&room, "goes on");
    assert_eq!(peer.texts(1), ["goes on"]);
}

#[test]
fn unread_counts_and_receipts_are_those_of_what_is_kept() {
    let server = builder("direct").start();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let room = kim.direct(&lee);
    for number in 0..30 {
        let sender = if number % 3 == 0 { &lee } else { &kim };
        sender.say(&room, &format!("message {number}"));
    }
    swept(&kim, &room);
    // 21 to 30 are kept; those of lee are 22, 25 and 28.
    assert_eq!((lee.unread(&room), kim.unread(&room)), ((7, 7), (3, 3)));
    // A mark among what is gone changes nothing, one within what is kept does.
    lee.read(&room, 4);
    assert_eq!(lee.unread(&room), (7, 7));
    lee.read(&room, 24);
    assert_eq!(lee.unread(&room), (4, 4));
    let receipts = kim
        .rest
        .get(&format!("/api/v1/rooms/{room}/receipts?from=1&to=30"));
    let counts = receipts["counts"].as_array().unwrap();
    assert_eq!(counts.len(), 10, "{receipts}");
    for count in counts {
        let seq = count["seq"].as_u64().unwrap();
        let of_lee = matches!(seq, 22 | 25 | 28);
        let read = u64::from(!of_lee && seq <= 24);
        assert_eq!(
            (&count["readBy"], &count["notReadBy"]),
            (&json!(read), &json!(1 - read))
        );
    }
    let listed = lee.rest.get("/api/v1/rooms");
    assert_eq!(listed["rooms"][0]["unread"], json!(4));
    let deleted = format!("/api/v1/rooms/{room}/messages/3");
    let gone = kim.rest.call("GET", &deleted, &Value::Null);
    assert_eq!(
        (gone.status, &gone.json()["code"]),
        (404, &json!("MESSAGE_NOT_FOUND"))
    );
}

#[test]
fn what_is_gone_is_found_by_no_search_and_its_client_id_is_free() {
    let server = builder("group").start();
    let (kim, lee, room) = group_of_two(&server);
    let path = format!("/api/v1/rooms/{room}/messages");
    let named = json!({"text": "findme once", "clientId": "c-1"});
    kim.rest.done("POST", &path, &named);
    say_all(&kim, &room, 0..20);
    let found = |word: &str| lee.rest.get(&format!("/api/v1/search?q={word}"));
    swept(&kim, &room);
    assert_eq!(seqs(&found("findme")), Vec::<u64>::new());
    assert_eq!(seqs(&found("message")).len(), 10);
    let again = kim.rest.call("POST", &path, &named);
    assert_eq!(
        (again.status, &again.json()["seq"]),
        (201, &json!(22)),
        "it is a new message"
    );
}

fn notify(host: &Rest, who: &Someone, content: &str) {
    let news = json!({"users": [who.id], "type": "news", "content": content});
    host.done("POST", "/api/v1/host/notifications", &news);
}

#[test]
fn an_inbox_keeps_its_newest_and_counts_and_resumes_only_those() {
    let server = builder("inbox").start();
    let kim = Someone::new(&server, "kim");
    let host = host(&server);
    notify(&host, &kim, "the first");
    let (_, hello) = kim.enter(&server);
    let first = hello["inbox"]["position"].clone();
    (0..24).for_each(|number| notify(&host, &kim, &format!("news {number}")));
    let deadline = Instant::now() + PATIENCE;
    while kim.rest.get("/api/v1/unread")["notifications"] != json!(KEPT) {
        assert!(Instant::now() < deadline, "nothing is removed");
    }
    let listed = kim.rest.get("/api/v1/notifications?size=50");
    let listed = listed["notifications"].as_array().unwrap().iter();
    let ids: Vec<_> = listed.map(|one| one["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (16..26).rev().collect::<Vec<_>>());
    let gone = kim
        .rest
        .call("PATCH", "/api/v1/notifications/3", &json!({"read": true}));
    assert_eq!(
        (gone.status, &gone.json()["code"]),
        (404, &json!("NOTIFICATION_NOT_FOUND"))
    );
    let (mut peer, _) = kim.enter(&server);
    let (ack, _) = peer.ask(json!({"type": "resume", "positions": {}, "inbox": first}));
    assert_eq!(ack["unknown"], json!([]));
    let reset = peer.event();
    assert_eq!(
        (&reset["type"], &reset["room"]),
        (&json!("reset"), &serde_json::Value::Null)
    );
    assert_eq!(
        (&reset["oldestSeq"], &reset["lastSeq"]),
        (&json!(16), &json!(25))
    );
    for number in 16..26 {
        let added = peer.event();
        assert_eq!(
            added["entry"]["notification"]["id"],
            json!(number),
            "{added}"
        );
    }
    kim.rest
        .done("POST", "/api/v1/notifications/read", &json!({"upTo": 20}));
    let read = peer.event();
    assert_eq!(
        (&read["entry"]["change"], &read["entry"]["target"]),
        (&json!("read"), &json!(20))
    );
}

/// The bytes of everything in the data folder after the server has ended in good order.
fn bytes_at_rest(server: &mut TestServer) -> Vec<u8> {
    server.terminate();
    assert!(server.wait_exit().success());
    let files = fs::read_dir(server.data())
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|path| path.is_file())
        .flat_map(|path| fs::read(path).unwrap())
        .collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn the_words_of_a_customer_who_left_are_in_no_file_any_more() {
    let mut server = TestServer::start();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let room = kim.make(&json!({"kind": "support"}));
    for number in 0..50 {
        kim.say(&room, &format!("secretword{number} of kim"));
    }
    let kept = lee.make(&json!({"kind": "support"}));
    lee.say(&kept, "lastingword of lee");
    let there = bytes_at_rest(&mut server);
    assert!(has(&there, "secretword7 of kim") && has(&there, "lastingword of lee"));
    server.restart();
    kim.rest
        .done("DELETE", &format!("/api/v1/rooms/{room}"), &Value::Null);
    // A message behind the deletion: the store has gone on since.
    lee.say(&kept, "another lastingword");
    let left = bytes_at_rest(&mut server);
    assert!(
        has(&left, "lastingword of lee"),
        "what others said is there"
    );
    assert!(!has(&left, "secretword"), "what kim said is not");
}

#[test]
fn words_that_were_edited_deleted_or_swept_are_in_no_file_any_more() {
    let mut server = builder("group").start();
    let (kim, _lee, room) = group_of_two(&server);
    say_all(&kim, &room, 0..5);
    for text in ["sweptword 1", "sweptword 2"] {
        kim.say(&room, text);
    }
    say_all(&kim, &room, 0..10);
    let edited = kim.say(&room, "editedword")["seq"].clone();
    let deleted = kim.say(&room, "deletedword")["seq"].clone();
    let path = format!("/api/v1/rooms/{room}/messages");
    kim.rest.done(
        "PATCH",
        &format!("{path}/{edited}"),
        &json!({"text": "betweenword"}),
    );
    kim.rest.done(
        "PATCH",
        &format!("{path}/{edited}"),
        &json!({"text": "presentword"}),
    );
    kim.rest
        .done("DELETE", &format!("{path}/{deleted}"), &Value::Null);
    swept(&kim, &room);
    let bytes = bytes_at_rest(&mut server);
    assert!(has(&bytes, "presentword"));
    for gone in ["sweptword", "editedword", "betweenword", "deletedword"] {
        assert!(!has(&bytes, gone), "{gone}");
    }
    server.restart();
    let (_, hello): (Json, Value) = kim.enter(&server);
    assert_eq!(hello["rooms"][0]["id"], json!(room));
}
