//! Bounds of users and sessions: each has its outcome and its metric.

use madang_e2e::http;
use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;
use serde_json::Value;

use crate::people::Someone;
use crate::shared::{fresh_topic, send_frame};

/// The value of a metric's series, as the server tells it.
fn metric(server: &TestServer, series: &str) -> u64 {
    let response = http::get(server.address(), "/metrics", &[]);
    let line = response
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no series {series}"))
        .to_owned();
    line.parse().expect("a whole number")
}

fn connected(server: &TestServer, token: &str) -> Stomp {
    Stomp::with_token(server.address(), token)
}

#[test]
fn one_session_more_than_a_user_may_have_is_refused_and_one_that_ends_makes_room() {
    let server = TestServer::builder()
        .flag("--session-per-user-max", 2)
        .start();
    let token = server.token("kim@example.com", "user");
    let first = connected(&server, &token);
    let _second = connected(&server, &token);
    let mut third = Stomp::open(server.address());
    third.send(format!(
        "CONNECT\naccept-version:1.2\nhost:x\nAuthorization:Bearer {token}\n\n\0"
    ));
    let error = third.error_then_close();
    assert_eq!(error.need("code"), "TOO_MANY");
    let series = "madang_limits_reached_total{limit=\"user_sessions\"}";
    assert_eq!(metric(&server, series), 1);
    // Another user is not meant.
    drop(connected(&server, &server.token("lee@example.com", "user")));
    let mut first = first;
    first.send("DISCONNECT\nreceipt:bye\n\n\0");
    first.receipt("bye");
    first.until_closed();
    // The place is free once the session is over, which its close tells.
    drop(connected(&server, &token));
}

#[test]
fn a_client_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let server = TestServer::builder()
        .flag("--session-frames-per-second-max", 100)
        .account("fast", "fast-passcode")
        .start();
    let mut peer = Stomp::open(server.address());
    peer.send("CONNECT\naccept-version:1.2\nhost:x\nlogin:fast\npasscode:fast-passcode\n\n\0");
    peer.expect("CONNECTED");
    let topic = fresh_topic();
    let frames: String = (0..300)
        .map(|number| send_frame(&topic, &format!("receipt:{number}\n"), "x"))
        .collect();
    peer.send(frames);
    for number in 0..300 {
        peer.receipt(&number.to_string());
    }
    let series = "madang_limits_reached_total{limit=\"frames_per_second\"}";
    assert!(metric(&server, series) > 0);
}

#[test]
fn one_wildcard_subscription_more_than_a_session_may_have_is_refused() {
    let server = crate::shared::server();
    let mut peer = crate::shared::session(&server, "1.2");
    for number in 0..65 {
        peer.send(format!(
            "SUBSCRIBE\nid:{number}\ndestination:/topic/{number}.*\n\n\0"
        ));
    }
    assert_eq!(peer.error_then_close().need("code"), "TOO_MANY");
}

#[test]
fn a_subscription_that_the_server_ended_makes_room_for_another() {
    let server = TestServer::builder()
        .env("MADANG_STOMP__SUBSCRIPTIONS_MAX", 2)
        .start();
    let kim = Someone::new(&server, "kim");
    let mut peer = connected(&server, &kim.token);
    let subscribe = |peer: &mut Stomp, id: &str, room: &str| {
        peer.send(format!(
            "SUBSCRIBE\nid:{id}\ndestination:/rooms/{room}\nreceipt:{id}\n\n\0"
        ));
    };
    for number in 0..6 {
        let room = kim.group(&[]);
        subscribe(&mut peer, &number.to_string(), &room);
        peer.receipt(&number.to_string());
        let path = format!("/api/v1/rooms/{room}/leave");
        kim.rest.done("POST", &path, &Value::Null);
        while peer.message().get("event") != Some("ended") {}
    }
    // The client may still say that it knows.
    peer.send("UNSUBSCRIBE\nid:5\nreceipt:known\n\n\0");
    peer.receipt("known");
    for id in ["a", "b"] {
        subscribe(&mut peer, id, &kim.group(&[]));
        peer.receipt(id);
    }
    subscribe(&mut peer, "c", &kim.group(&[]));
    assert_eq!(peer.error_then_close().need("code"), "TOO_MANY");
}

#[test]
fn of_more_ended_subscriptions_than_may_be_in_force_the_oldest_is_forgotten() {
    let server = TestServer::builder()
        .env("MADANG_STOMP__SUBSCRIPTIONS_MAX", 1)
        .start();
    let kim = Someone::new(&server, "kim");
    let mut peer = connected(&server, &kim.token);
    let rooms = [(); 4].map(|()| kim.group(&[]));
    for (number, room) in rooms.iter().enumerate() {
        peer.send(format!(
            "SUBSCRIBE\nid:{number}\ndestination:/rooms/{room}\nreceipt:{number}\n\n\0"
        ));
        peer.receipt(&number.to_string());
        let path = format!("/api/v1/rooms/{room}/leave");
        kim.rest.done("POST", &path, &Value::Null);
        while peer.message().get("event") != Some("ended") {}
    }
    peer.send("UNSUBSCRIBE\nid:3\nreceipt:known\n\n\0");
    peer.receipt("known");
    peer.send("UNSUBSCRIBE\nid:0\nreceipt:forgotten\n\n\0");
    assert_eq!(peer.error_then_close().need("code"), "FRAME_INVALID");
}
