//! The inbox as an event stream: exact over cuts.

use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::events::{Event, Events};
use madang_e2e::server::TestServer;
use serde_json::json;

use super::Person;
use crate::shared::{self, unique};

const CONNECT: &str = "/api/notifications/connect";

/// A stream whose first event was that it is connected.
fn connect(server: &TestServer, person: &Person, last: Option<&str>) -> Events {
    let cookie = format!("Authorization=Bearer%20{}", person.token);
    let mut headers = vec![("Cookie", cookie.as_str())];
    headers.extend(last.map(|id| ("Last-Event-ID", id)));
    let mut events = Events::try_open(server.address(), CONNECT, &headers).unwrap();
    let first = events.event();
    assert_eq!(
        (first.name.as_str(), &first.data),
        ("sse", &json!("connected"))
    );
    assert_eq!(events.retry, Some(3_000));
    events
}

#[track_caller]
fn number(event: &Event, person: &Person) -> u64 {
    assert_eq!(event.name, "sse");
    let id = event.id.as_deref().unwrap();
    let time = id.strip_prefix(&format!("{}_", person.id)).unwrap();
    assert!(time.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    event.data["id"].as_u64().unwrap()
}

#[test]
fn a_notification_comes_live_also_when_it_is_the_first_that_ever_was() {
    let server = shared::server();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let mut events = connect(&server, &seller, None);
    let room = buyer.open_trade(&server, &unique("item-"), &seller);
    let told = events.event();
    assert_eq!(number(&told, &seller), 1);
    let listed = seller.call(&server, "GET", "/api/notifications").json();
    assert_eq!(listed, json!([told.data]), "as the list has it");
    assert_eq!(told.data["url"], format!("/tradechat/{room}"));
    // What is done to it is no event of this stream.
    for method in ["PATCH", "DELETE"] {
        let done = seller.call(&server, method, "/api/notifications/1");
        assert_eq!(done.status, 200);
    }
    buyer.open_trade(&server, &unique("item-"), &seller);
    assert_eq!(number(&events.event(), &seller), 4);
}

#[test]
fn what_came_while_the_stream_was_cut_comes_once_and_in_order_whatever_the_pace() {
    const EACH: usize = 25;
    const BUYERS: usize = 4;
    let server = shared::server();
    let seller = Person::new(&server, "Kong");
    let mut events = connect(&server, &seller, None);
    // Nothing came before the first cut: its place is that of `connected`.
    let mut last = events.last_id.clone();
    let mut seen = Vec::new();
    thread::scope(|scope| {
        for _ in 0..BUYERS {
            let (server, seller) = (&server, &seller);
            let buyer = Person::new(server, "Choco");
            scope.spawn(move || {
                for _ in 0..EACH {
                    buyer.open_trade(server, &unique("item-"), seller);
                }
            });
        }
        while seen.len() < BUYERS * EACH {
            events = connect(&server, &seller, last.as_deref());
            for _ in 0..(BUYERS * EACH - seen.len()).min(7) {
                seen.push(number(&events.event(), &seller));
            }
            last = events.last_id.clone();
        }
    });
    let all: Vec<u64> = (1..=(BUYERS * EACH) as u64).collect();
    assert_eq!(seen, all);
}

#[test]
fn an_id_of_somebody_else_or_of_nobody_is_passed_over() {
    let server = shared::server();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let other = Person::new(&server, "Park");
    buyer.open_trade(&server, &unique("item-"), &other);
    buyer.open_trade(&server, &unique("item-"), &seller);
    let others = connect(&server, &other, None).last_id.unwrap();
    let of_the_old_system = format!("{}_1696436490123", seller.id);
    for id in [&others, &of_the_old_system, "nonsense"] {
        let mut events = connect(&server, &seller, Some(id));
        let before = seller.call(&server, "GET", "/api/notifications").json();
        buyer.open_trade(&server, &unique("item-"), &seller);
        let told = number(&events.event(), &seller);
        assert_eq!(told, before[0]["id"].as_u64().unwrap() + 1, "from now on");
    }
}

#[test]
fn whoever_is_not_known_is_told_so_before_the_stream_begins() {
    let server = shared::server();
    for (headers, status) in [
        (vec![], 401),
        (vec![("Cookie", "Authorization=nonsense")], 401),
    ] {
        let refused = Events::try_open(server.address(), CONNECT, &headers).unwrap_err();
        assert_eq!(refused.status, status);
        assert_eq!(refused.json()["statusCode"], status);
    }
}

#[test]
fn what_retention_took_is_told_until_it_was_heard_and_what_is_kept_follows() {
    let server = TestServer::builder()
        .env("MADANG_RETENTION__INBOX_ENTRIES_MAX", 2)
        .env("MADANG_RETENTION__REPEAT_SECONDS", 0)
        .env("MADANG_RETENTION__SWEEP_SECONDS", 1)
        .start();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let before = connect(&server, &seller, None).last_id.unwrap();
    for _ in 0..5 {
        buyer.open_trade(&server, &unique("item-"), &seller);
    }
    let listed = || seller.call(&server, "GET", "/api/notifications").json();
    let deadline = Instant::now() + PATIENCE;
    while listed().as_array().unwrap().len() > 2 {
        assert!(Instant::now() < deadline, "nothing was swept");
        thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..2 {
        let mut events = connect(&server, &seller, Some(&before));
        assert_eq!(events.last_id, None, "a cut now brings it again");
        let gap = events.event();
        assert_eq!(
            (gap.name.as_str(), &gap.data),
            ("reset", &json!({ "oldest": 4 }))
        );
        assert_eq!(number(&events.event(), &seller), 4);
        assert_eq!(number(&events.event(), &seller), 5);
    }
}
