//! What a stream shows, and to whom.

use std::collections::BTreeSet;

use madang_e2e::events::Events;
use madang_e2e::http;
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::json;

use super::{ALL, Customer, agent_of, claim, enter};
use crate::people::Someone;
use crate::rooms::rest;
use crate::shared;

#[test]
fn a_stream_begins_with_retry_and_hello_and_goes_on_with_messages() {
    let server = shared::server();
    let mut kim = Customer::new(&server);
    let (mut events, hello) = enter(&server, ALL, &kim.token, None);
    assert_eq!(events.retry, Some(3000));
    let response = &events.response;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(hello["rooms"][0]["id"], kim.id.as_str());
    kim.say("안녕\n하세요");
    let event = events.event();
    assert_eq!(event.name, "message");
    assert_eq!(event.data["type"], "message");
    assert_eq!(event.data["message"]["text"], "안녕\n하세요");
    assert!(event.id.is_some());
}

#[test]
fn the_head_of_a_stream_is_as_safe_as_any_and_says_when_it_was() {
    let server = shared::server();
    let kim = Customer::new(&server);
    for path in [ALL.to_owned(), kim.room_path()] {
        let (events, _) = enter(&server, &path, &kim.token, None);
        let response = &events.response;
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("vary"), Some("origin"));
        let date = response.header("date").unwrap();
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    }
}

#[test]
fn a_head_request_is_answered_without_a_stream() {
    let server = shared::server();
    let kim = Customer::new(&server);
    let bearer = format!("Bearer {}", kim.token);
    let headers = [("Authorization", bearer.as_str())];
    for path in [ALL.to_owned(), kim.room_path()] {
        // Read to the end of the connection.
        let answer = http::request(server.address(), "HEAD", &path, &headers);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.header("content-length"), None, "GET would have none");
        assert_eq!(answer.header("date").map(str::len), Some(29));
        assert!(answer.body.is_empty());
    }
}

#[test]
fn who_has_more_rooms_than_an_id_names_is_shown_the_newest_and_before_those_the_named() {
    let server = TestServer::builder()
        .env("MADANG_SESSION__STREAM_ROOMS_MAX", 2)
        .start();
    let mut customers: Vec<_> = (0..3).map(|_| Customer::new(&server)).collect();
    let token = agent_of(&server, &customers[..2]);
    let (mut events, hello) = enter(&server, ALL, &token, None);
    assert!(hello.get("more").is_none(), "{hello}");
    let named = events.last_id.clone();
    claim(&server, &token, &customers[2].id);
    assert_eq!(events.next_of("room").data["change"], "hidden");
    let joined = events.next_of("room").data;
    assert_eq!(joined["room"]["id"], customers[2].id.as_str());
    drop(events);
    // The newest is not among those that the id names.
    for customer in &mut customers {
        customer.say("missed");
    }
    let ids = |hello: &serde_json::Value| {
        let rooms = hello["rooms"].as_array().unwrap().iter();
        let ids = rooms.map(|room| room["id"].as_str().unwrap().to_owned());
        ids.collect::<BTreeSet<_>>()
    };
    let all: Vec<_> = customers.iter().map(|one| one.id.clone()).collect();
    let (mut again, hello) = enter(&server, ALL, &token, named.as_deref());
    assert_eq!(ids(&hello), all[..2].iter().cloned().collect());
    assert_eq!(hello["more"], true);
    assert_eq!(again.texts(2), ["missed", "missed"]);
    let (_, hello) = enter(&server, ALL, &token, None);
    assert_eq!(ids(&hello), all[1..].iter().cloned().collect());
    assert_eq!(hello["more"], true);
    let (_, hello) = Json::enter(server.address(), &token);
    assert_eq!(hello["rooms"].as_array().unwrap().len(), 3);
}

#[test]
fn one_room_names_its_messages_by_their_position_and_ends_with_it() {
    let server = shared::server();
    let mut kim = Customer::new(&server);
    let token = agent_of(&server, std::slice::from_ref(&kim));
    let (mut events, hello) = enter(&server, &kim.room_path(), &token, None);
    assert_eq!(hello["rooms"].as_array().unwrap().len(), 1);
    let position = kim.say("x");
    assert_eq!(events.event().id, Some(position));
    let complete = format!("/api/v1/desk/rooms/{}/complete", kim.id);
    assert!(rest(&server, "POST", &complete, &token).status < 300);
    let left = events.next_of("room");
    assert_eq!(
        left.data,
        json!({"type": "room", "change": "left", "room": {"id": kim.id}})
    );
    assert_eq!(events.next(), None, "the stream ends in good order");
}

#[test]
fn rooms_join_and_leave_a_stream_of_all_at_once() {
    let server = shared::server();
    let mut kim = Customer::new(&server);
    let token = agent_of(&server, &[]);
    let (mut events, hello) = enter(&server, ALL, &token, None);
    assert_eq!(hello["rooms"], json!([]));
    claim(&server, &token, &kim.id);
    let joined = events.event();
    assert_eq!(joined.data["change"], "joined");
    kim.say("hello agent");
    assert_eq!(events.texts(1), ["hello agent"]);
    kim.peer
        .say(&json!({"type": "typing", "room": kim.id, "active": true}));
    assert_eq!(events.next_of("typing").data["active"], true);
    let complete = format!("/api/v1/desk/rooms/{}/complete", kim.id);
    assert!(rest(&server, "POST", &complete, &token).status < 300);
    assert_eq!(events.next_of("room").data["change"], "left");
}

#[test]
fn a_stream_is_kept_alive_by_comments() {
    let server = shared::server();
    let kim = Customer::new(&server);
    let (mut events, _) = enter(&server, ALL, &kim.token, None);
    events.comment();
}

#[test]
fn streams_are_refused_as_rest_refuses() {
    let server = shared::server();
    let kim = Customer::new(&server);
    let other = server.token(&shared::unique("park"), "user");
    let refused = |path: &str, headers: &[(&str, &str)]| {
        let no = Events::try_open(server.address(), path, headers).unwrap_err();
        (no.status, no.json()["code"].as_str().unwrap().to_owned())
    };
    let bearer = format!("Bearer {other}");
    let token = [("Authorization", bearer.as_str())];
    assert_eq!(
        refused(ALL, &[]),
        (401, "AUTHENTICATION_REQUIRED".to_owned())
    );
    assert_eq!(
        refused(&kim.room_path(), &token),
        (403, "NOT_YOUR_ROOM".to_owned())
    );
    let nowhere = "/api/v1/rooms/nobody@nowhere/events";
    assert_eq!(refused(nowhere, &token), (404, "ROOM_NOT_FOUND".to_owned()));
    for last in ["x", "AQ!", "9f3c1a2b4d5e-42"] {
        let headers = [token[0], ("Last-Event-ID", last)];
        assert_eq!(
            refused(ALL, &headers),
            (400, "POSITION_INVALID".to_owned()),
            "{last}"
        );
    }
    let own = format!("Bearer {}", kim.token);
    let headers = [("Authorization", own.as_str()), ("Last-Event-ID", "AQ")];
    assert_eq!(
        refused(&kim.room_path(), &headers),
        (400, "POSITION_INVALID".to_owned())
    );
    let query = format!("{ALL}?access_token={other}");
    assert_eq!(
        refused(&query, &[]).0,
        401,
        "only where the operator lets it"
    );
}

#[test]
fn the_query_may_carry_what_a_browser_cannot_say_in_headers() {
    let server = TestServer::builder()
        .env("MADANG_HTTP__QUERY_TOKEN", true)
        .start();
    let mut kim = Customer::new(&server);
    let position = kim.say("seen");
    kim.say("missed");
    let query = format!(
        "{}?access_token={}&lastEventId={position}",
        kim.room_path(),
        kim.token
    );
    let mut events = Events::try_open(server.address(), &query, &[]).unwrap();
    assert_eq!(events.texts(1), ["missed"]);
}

#[test]
fn what_members_of_an_open_room_read_and_write_is_shown_to_members_alone() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let root = Someone::of_role(&server, "root", "admin");
    let room = kim.make(&json!({"kind": "open", "title": "광장", "members": [lee.id]}));
    let path = format!("/api/v1/rooms/{room}/events");
    let [mut of_park, mut of_root] =
        [&park, &root].map(|who| enter(&server, &path, &who.token, None).0);
    let (mut of_lee, _) = lee.enter(&server);
    // Until lee has read what kim says now.
    let reads = |of_root: &mut Events| {
        let seq = kim.say(&room, "read me")["seq"].as_u64().unwrap();
        lee.read(&room, seq);
        while of_root.next_of("read").data["seq"] != seq {}
    };
    reads(&mut of_root);
    let typing = json!({"type": "typing", "room": room, "active": true});
    assert_eq!(of_lee.ask(typing).0["type"], "ack");
    assert_eq!(of_root.next_of("typing").data["user"], json!(lee.id));
    kim.say(&room, "fence");
    let texts = |events: &mut Events, count| {
        let seen: Vec<_> = (0..count).map(|_| events.event().data).collect();
        seen.iter()
            .for_each(|event| assert_eq!(event["type"], "message", "{event}"));
    };
    texts(&mut of_park, 2);
    for path in ["members", "receipts?from=1&to=9"] {
        let path = format!("/api/v1/rooms/{room}/{path}");
        assert_eq!(park.rest.call("GET", &path, &json!({})).status, 403);
    }
    // Who joins is shown it at once, on the stream that is open.
    park.rest
        .done("POST", &format!("/api/v1/rooms/{room}/join"), &json!({}));
    reads(&mut of_root);
    assert_eq!(of_park.next_of("read").data["user"], json!(lee.id));
    // And no more once they have left.
    park.rest
        .done("POST", &format!("/api/v1/rooms/{room}/leave"), &json!({}));
    while of_park.next_of("message").data["message"]["type"] != "left" {}
    reads(&mut of_root);
    kim.say(&room, "fence");
    texts(&mut of_park, 2);
}
