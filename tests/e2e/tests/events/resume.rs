//! A stream that is cut goes on exactly.

use std::collections::BTreeMap;
use std::thread;

use madang_e2e::events::{Event, Events};
use madang_e2e::server::TestServer;
use serde_json::json;

use super::{ALL, Customer, agent_of, claim, enter};
use crate::people::{Someone, host};
use crate::rooms::rest;
use crate::shared;

/// The messages' numbers by room, as they came.
#[derive(Default)]
struct Seen(BTreeMap<String, Vec<u64>>);

impl Seen {
    fn add(&mut self, event: &Event) {
        if event.name == "message" {
            let message = &event.data["message"];
            let room = message["roomId"].as_str().unwrap().to_owned();
            self.0
                .entry(room)
                .or_default()
                .push(message["seq"].as_u64().unwrap());
        }
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

#[test]
fn three_rooms_go_on_exactly_after_any_number_of_cuts_while_messages_flow() {
    const MESSAGES: usize = 120;
    const CUTS: usize = 12;
    let server = shared::server();
    let customers: Vec<_> = (0..3).map(|_| Customer::new(&server)).collect();
    let token = agent_of(&server, &customers);
    let (mut events, hello) = enter(&server, ALL, &token, None);
    assert_eq!(hello["rooms"].as_array().unwrap().len(), 3);
    let writers: Vec<_> = customers
        .into_iter()
        .map(|mut customer| {
            thread::spawn(move || (0..MESSAGES).for_each(|n| drop(customer.say(&n.to_string()))))
        })
        .collect();
    let mut seen = Seen::default();
    for cut in 1..=CUTS {
        // After some events: those that are on their way then come again.
        while seen.count() < cut * 3 * MESSAGES / (CUTS + 1) {
            seen.add(&events.event());
        }
        let last = events.last_id.clone();
        drop(events);
        events = Events::open(server.address(), ALL, &token, last.as_deref());
    }
    while seen.count() < 3 * MESSAGES {
        seen.add(&events.event());
    }
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    // Every customer's first message was there before, and that the agent has the room.
    let all: Vec<u64> = (3..MESSAGES as u64 + 3).collect();
    assert_eq!(seen.0.len(), 3);
    for (room, numbers) in &seen.0 {
        assert_eq!(*numbers, all, "{room}");
    }
}

#[test]
fn a_cut_before_the_first_message_loses_nothing() {
    let server = shared::server();
    let mut kim = Customer::new(&server);
    for path in [ALL.to_owned(), kim.room_path()] {
        let (events, _) = enter(&server, &path, &kim.token, None);
        let last = events.last_id.clone();
        drop(events);
        kim.say("meanwhile");
        let (mut again, _) = enter(&server, &path, &kim.token, last.as_deref());
        assert_eq!(again.texts(1), ["meanwhile"], "{path}");
    }
}

#[test]
fn a_room_that_came_meanwhile_begins_now_and_is_told() {
    let server = shared::server();
    let (mut kim, mut park) = (Customer::new(&server), Customer::new(&server));
    let token = agent_of(&server, std::slice::from_ref(&kim));
    let (events, _) = enter(&server, ALL, &token, None);
    let last = events.last_id.clone();
    drop(events);
    kim.say("missed");
    park.say("before the agent came");
    claim(&server, &token, &park.id);
    let (mut again, hello) = enter(&server, ALL, &token, last.as_deref());
    assert_eq!(hello["rooms"].as_array().unwrap().len(), 1);
    let joined = again.next_of("room");
    assert_eq!(joined.data["change"], "joined");
    assert_eq!(joined.data["room"]["id"], park.id.as_str());
    assert_eq!(again.texts(1), ["missed"]);
    park.say("after");
    assert_eq!(again.texts(1), ["after"]);
}

#[test]
fn what_is_gone_is_told_until_it_was_heard_and_not_again() {
    let server = shared::server();
    let mut kim = Customer::new(&server);
    for path in [ALL.to_owned(), kim.room_path()] {
        let (events, _) = enter(&server, &path, &kim.token, None);
        let dead = events.last_id.clone().unwrap();
        drop(events);
        let room = format!("/api/v1/rooms/{}", kim.id);
        assert!(rest(&server, "DELETE", &room, &kim.token).status < 300);
        let first = kim.say("the first of another life");
        for _ in 0..2 {
            let (mut again, hello) = enter(&server, &path, &kim.token, Some(&dead));
            let (epoch, _) = first.split_once('-').unwrap();
            assert_eq!(hello["rooms"][0]["position"], format!("{epoch}-0"));
            let reset = again.event();
            assert_eq!(reset.name, "reset", "{reset:?}");
            assert!(reset.id.is_some_and(|id| id != dead), "{path}");
            let heard = again.last_id.clone();
            drop(again);
            let (mut on, _) = enter(&server, &path, &kim.token, heard.as_deref());
            assert_eq!(on.event().name, "message", "no second reset");
        }
    }
}

#[test]
fn a_crash_between_two_streams_loses_nothing() {
    let mut server = TestServer::start();
    let mut customers: Vec<_> = (0..3).map(|_| Customer::new(&server)).collect();
    let token = agent_of(&server, &customers);
    let (mut events, _) = enter(&server, ALL, &token, None);
    customers[0].say("seen");
    assert_eq!(events.texts(1), ["seen"]);
    let last = events.last_id.clone();
    drop(events);
    for customer in &mut customers {
        (0..20).for_each(|n| drop(customer.say(&n.to_string())));
    }
    server.kill9();
    server.restart();
    let (mut again, _) = enter(&server, ALL, &token, last.as_deref());
    let mut seen = Seen::default();
    while seen.count() < 60 {
        seen.add(&again.event());
    }
    for customer in &customers {
        let first = if customer.id == customers[0].id { 4 } else { 3 };
        assert_eq!(
            seen.0[&customer.id],
            (first..first + 20).collect::<Vec<u64>>()
        );
    }
}

#[test]
fn a_reader_that_does_not_read_gets_every_message_once_it_does() {
    const MESSAGES: usize = 1500;
    let server = shared::server();
    let mut kim = Customer::new(&server);
    let (mut all, _) = enter(&server, ALL, &kim.token, None);
    let (mut one, _) = enter(&server, &kim.room_path(), &kim.token, None);
    let long = "x".repeat(3000);
    for number in 0..MESSAGES {
        kim.say(&format!("{number} {long}"));
    }
    for events in [&mut all, &mut one] {
        for (number, text) in events.texts(MESSAGES).iter().enumerate() {
            assert!(text.starts_with(&format!("{number} ")), "message {number}");
        }
    }
}

#[test]
fn the_first_notification_ever_is_not_lost_between_two_streams() {
    let server = shared::server();
    let kim = Someone::new(&server, "kim");
    let host = host(&server);
    let (events, hello) = enter(&server, ALL, &kim.token, None);
    assert!(hello.get("inbox").is_none());
    let last = events.last_id.clone();
    drop(events);
    let news = json!({"users": [kim.id], "type": "news", "content": "the first ever"});
    host.done("POST", "/api/v1/host/notifications", &news);
    let (mut again, _) = enter(&server, ALL, &kim.token, last.as_deref());
    let added = again.next_of("inbox").data;
    assert_eq!(added["entry"]["notification"]["content"], "the first ever");
    let last = again.last_id.clone();
    drop(again);
    host.done("POST", "/api/v1/host/notifications", &news);
    let (mut again, _) = enter(&server, ALL, &kim.token, last.as_deref());
    let added = again.next_of("inbox").data;
    assert_eq!(added["entry"]["notification"]["id"], 2, "and not again");
}
