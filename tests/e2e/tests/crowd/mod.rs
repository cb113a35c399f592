//! Rooms of very many members: what one of them does costs what it costs in a small one.

use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::http::{Response, Rest};
use madang_e2e::issuer::{Issuer, IssuerKey};
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use crate::dice::count;
use crate::people::host;

const CROWD: &str = "MADANG_E2E_CROWD";
const CROWD_DEFAULT: usize = 10_000;
/// Most members of a room.
const MEMBERS_MAX: usize = 100_000;
/// People that one request adds.
const ADDED_AT_ONCE: usize = 1_000;
/// Connections that read at once.
const READING: usize = 8;

/// A server, and a host that signs the tokens of as many people as there are.
struct Town {
    server: TestServer,
    key: IssuerKey,
    host: Rest,
    _issuer: Issuer,
}

impl Town {
    fn new(signal_interval: Duration) -> Self {
        let (issuer, key) = (Issuer::silent(), IssuerKey::new("town"));
        issuer.publish(&[&key]);
        issuer.speak();
        let server = TestServer::builder()
            .env("MADANG_AUTH__JWKS_URL", issuer.url())
            .env(
                "MADANG_MESSAGES__SIGNAL_INTERVAL_MS",
                signal_interval.as_millis(),
            )
            .start();
        Self {
            host: host(&server),
            server,
            key,
            _issuer: issuer,
        }
    }

    fn rest(&self, user: &str) -> Rest {
        Rest::of(self.server.address(), &self.key.token(user))
    }

    fn enter(&self, user: &str) -> Json {
        Json::enter(self.server.address(), &self.key.token(user)).0
    }

    /// A room of `kim` and as many others.
    fn room(&self, kind: &str, others: usize) -> String {
        let made = json!({"kind": kind, "title": "광장", "owner": "kim"});
        let made = self.host.done("POST", "/api/v1/host/rooms", &made);
        let room = made["id"].as_str().expect("an id").to_owned();
        let names: Vec<_> = (0..others).map(member).collect();
        for some in names.chunks(ADDED_AT_ONCE) {
            let added = self.add(&room, some);
            assert_eq!(added.status, 200, "{}", added.text());
            assert_eq!(added.json()["added"], json!(some.len()));
        }
        room
    }

    fn add(&self, room: &str, members: &[String]) -> Response {
        let path = format!("/api/v1/host/rooms/{room}/members");
        self.host.call("POST", &path, &json!({"members": members}))
    }

    /// How large the data folder is once the server has ended in good order.
    fn bytes_at_rest(&mut self) -> u64 {
        self.server.terminate();
        assert!(self.server.wait_exit().success());
        let files = std::fs::read_dir(self.server.data()).expect("a folder");
        let size = files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len());
        let size = size.sum();
        self.server.restart();
        size
    }
}

/// How many others there are: a place is left for one who comes later.
fn crowd() -> usize {
    count(CROWD, CROWD_DEFAULT).min(MEMBERS_MAX - 2)
}

fn member(number: usize) -> String {
    format!("member-{number:06}")
}

fn say(rest: &Rest, room: &str, text: &str) -> u64 {
    let path = format!("/api/v1/rooms/{room}/messages");
    let sent = rest.done("POST", &path, &json!({"text": text}));
    sent["seq"].as_u64().expect("a number")
}

fn read_by(rest: &Rest, room: &str, seq: u64) -> Value {
    let path = format!("/api/v1/rooms/{room}/receipts?from={seq}&to={seq}");
    rest.get(&path)["counts"][0].clone()
}

#[test]
fn a_crowd_is_added_listed_counted_and_goes_as_it_came() {
    let crowd = crowd();
    let town = Town::new(Duration::from_secs(1));
    let room = town.room("open", crowd);
    let kim = town.rest("kim");
    let path = format!("/api/v1/rooms/{room}");
    assert_eq!(kim.get(&path)["memberCount"], json!(crowd + 1));
    // All of them, in the order of their ids, by pages.
    let mut listed: Vec<String> = Vec::new();
    let mut page = kim.get(&format!("{path}/members?limit=200"));
    loop {
        let members = page["members"].as_array().unwrap().iter();
        listed.extend(members.map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        page = kim.get(&format!("{path}/members?limit=200&after={next}"));
    }
    let expected = std::iter::once("kim".to_owned()).chain((0..crowd).map(member));
    assert!(listed.into_iter().eq(expected), "everybody is listed once");
    // Who was in it before a message has not read it; who reads it has.
    let seq = say(&kim, &room, "안녕하세요 여러분");
    let nobody = json!({"seq": seq, "readBy": 0, "notReadBy": crowd});
    assert_eq!(read_by(&kim, &room, seq), nobody);
    let one = town.rest(&member(crowd / 2));
    assert_eq!(one.get("/api/v1/unread")["total"], json!(1));
    one.done("PUT", &format!("{path}/read"), &json!({"seq": seq}));
    assert_eq!(one.get("/api/v1/unread")["total"], json!(0));
    assert_eq!(one.get("/api/v1/rooms")["rooms"][0]["readSeq"], json!(seq));
    let by_one = json!({"seq": seq, "readBy": 1, "notReadBy": crowd - 1});
    assert_eq!(read_by(&kim, &room, seq), by_one);
    // One goes, one comes, one is removed.
    one.done("POST", &format!("{path}/leave"), &Value::Null);
    town.rest("late")
        .done("POST", &format!("{path}/join"), &Value::Null);
    kim.done(
        "DELETE",
        &format!("{path}/members/{}", member(0)),
        &Value::Null,
    );
    assert_eq!(kim.get(&path)["memberCount"], json!(crowd));
    let left = json!({"seq": seq, "readBy": 0, "notReadBy": crowd - 2});
    assert_eq!(read_by(&kim, &room, seq), left);
    let last = kim.get(&format!("{path}/messages?limit=3"));
    let kinds = last["messages"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["left", "joined", "removed"]);
}

#[test]
fn a_message_to_a_crowd_stores_no_more_than_one_to_a_friend() {
    const MESSAGES: usize = 300;
    let crowd = crowd();
    let mut town = Town::new(Duration::from_secs(1));
    let rooms = [town.room("group", 1), town.room("group", crowd)];
    let mut before = town.bytes_at_rest();
    let grown = rooms.map(|room| {
        let kim = town.rest("kim");
        for number in 0..MESSAGES {
            say(&kim, &room, &format!("{number:0200}"));
        }
        let after = town.bytes_at_rest();
        let grown = after.saturating_sub(before);
        before = after;
        grown
    });
    let [small, large] = grown;
    println!("{MESSAGES} messages took {small} bytes for one reader, {large} for {crowd}");
    assert!(
        large < 2 * small + 65_536,
        "a row for each reader would take far more"
    );
}

#[test]
fn when_a_crowd_reads_at_once_each_listener_is_told_of_a_bounded_number() {
    /// Marks that are told one by one in an interval, besides the one that begins it and the number of
    /// the others.
    const TOLD_MAX: u64 = 32 + 2;
    let interval = Duration::from_secs(3);
    let readers = crowd() / 5;
    let town = Town::new(interval);
    let room = town.room("group", readers);
    let kim = town.rest("kim");
    let mut listener = town.enter("kim");
    let seq = say(&kim, &room, "읽어 주세요");
    let begun = Instant::now();
    let path = format!("/api/v1/rooms/{room}/read");
    thread::scope(|scope| {
        for share in 0..READING {
            let (town, path) = (&town, &path);
            scope.spawn(move || {
                for number in (share..readers).step_by(READING) {
                    let one = town.rest(&member(number));
                    one.done("PUT", path, &json!({"seq": seq}));
                }
            });
        }
    });
    let (mut events, mut told) = (0, 0);
    while told < readers as u64 {
        let event = listener.event();
        match event["type"].as_str() {
            Some("read") => told += 1,
            Some("receipts") => told += event["readers"].as_u64().unwrap(),
            Some("message") => continue,
            _ => panic!("{event}"),
        }
        events += 1;
    }
    assert_eq!(
        told, readers as u64,
        "each reader is told, or counted, once"
    );
    let intervals = begun.elapsed().as_millis() / interval.as_millis() + 2;
    let bound = u64::try_from(intervals).unwrap() * TOLD_MAX;
    println!("{readers} readers, {events} events in at most {intervals} intervals");
    assert!(events <= bound, "{events} events");
    let all = json!({"seq": seq, "readBy": readers, "notReadBy": 0});
    assert_eq!(read_by(&kim, &room, seq), all);
}

/// Only where the environment asks for so many: it takes a minute.
#[test]
fn a_room_that_is_full_takes_nobody_more_until_somebody_goes() {
    if count(CROWD, CROWD_DEFAULT) < MEMBERS_MAX {
        return;
    }
    let town = Town::new(Duration::from_secs(1));
    let room = town.room("open", MEMBERS_MAX - 1);
    let join = format!("/api/v1/rooms/{room}/join");
    let late = town.rest("late");
    let refused = late.call("POST", &join, &Value::Null);
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("ROOM_FULL"))
    );
    let added = town.add(&room, &["late".to_owned()]);
    assert_eq!(
        (added.status, &added.json()["code"]),
        (409, &json!("ROOM_FULL"))
    );
    let one = town.rest(&member(7));
    one.done("POST", &format!("/api/v1/rooms/{room}/leave"), &Value::Null);
    late.done("POST", &join, &Value::Null);
    assert!(say(&late, &room, "made it") > 0);
}
