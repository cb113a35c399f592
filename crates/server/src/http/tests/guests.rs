//! Tokens for visitors, as browsers and the host's back end ask for them.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;
use serde_json::json;

use super::fixture::{Answer, Server, request};
use super::pictures::PNG;
use crate::http::Peer;

const GUESTS: &str = "/api/v1/guests";
const BACK_END: &str = "service:users/shop";

/// Asks from this address, as a proxy's client if one is named.
async fn ask_from(server: &Server, peer: &str, forwarded_for: Option<&str>) -> Answer {
    let mut request = request("", "POST", GUESTS).header(header::CONTENT_TYPE, "application/json");
    if let Some(client) = forwarded_for {
        request = request.header("x-forwarded-for", client);
    }
    let peer: SocketAddr = format!("{peer}:40000").parse().unwrap();
    let request = request.extension(Peer(peer)).body(Body::from("{}"));
    server.ask(request.unwrap()).await
}

#[tokio::test]
async fn a_visitor_gets_a_user_and_a_token() {
    let server = Server::with_guests(true, 0);
    let answer = server.post("", GUESTS, r#"{"name":"손님"}"#).await;
    answer.is(StatusCode::CREATED);
    let expected = json!({
        "token": "a.b.c",
        "user": "guest-1",
        "name": "손님",
        "expiresAt": "1970-01-01T00:00:07.000000Z",
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("cache-control"), "no-store");
    let nameless = server.post("", GUESTS, "{}").await.json();
    assert!(nameless.get("name").is_none(), "{nameless}");
}

#[tokio::test]
async fn where_guests_are_off_only_the_back_end_gets_them() {
    let server = Server::with_guests(false, 0);
    for token in ["", "user/kim", "admin/root"] {
        let answer = server.post(token, GUESTS, "{}").await;
        answer.is_problem(Code::NotFound);
    }
    for token in ["service:users/shop", "service:all/shop"] {
        let answer = server.post(token, GUESTS, "{}").await;
        answer.is(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_so_and_a_wrong_token_too() {
    for is_open in [false, true] {
        let server = Server::with_guests(is_open, 0);
        let answer = server.post("service/shop", GUESTS, "{}").await;
        answer.is_problem(Code::ScopeMissing);
        let answer = server.post("nonsense", GUESTS, "{}").await;
        answer.is_problem(Code::TokenInvalid);
    }
}

#[tokio::test]
async fn only_the_back_end_says_how_long_a_guest_stays() {
    let server = Server::with_guests(true, 0);
    let body = r#"{"ttlSeconds":3600}"#;
    let answer = server.post(BACK_END, GUESTS, body).await;
    answer.is(StatusCode::CREATED);
    assert_eq!(answer.json()["expiresAt"], "1970-01-01T01:00:00.000000Z");
    for token in ["", "user/kim"] {
        let answer = server.post(token, GUESTS, body).await;
        answer.is_problem(Code::ScopeMissing);
    }
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_and_costs_no_guest() {
    let server = Server::with_guests(true, 1);
    for body in ["", "{", "[]", r#"{"name":7}"#, r#"{"ttlSeconds":-1}"#] {
        let answer = server.post("", GUESTS, body).await;
        answer.is_problem(Code::BodyInvalid);
    }
    server.post("", GUESTS, "{}").await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn an_address_has_so_many_guests_and_the_back_end_any_number() {
    let server = Server::with_guests(true, 2);
    for _ in 0..2 {
        let answer = ask_from(&server, "192.0.2.1", None).await;
        answer.is(StatusCode::CREATED);
    }
    let answer = ask_from(&server, "192.0.2.1", Some("198.51.100.1")).await;
    answer.is_problem(Code::TooMany);
    let retry: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1_000..=1_801).contains(&retry), "{retry}");
    for _ in 0..5 {
        let answer = server.post(BACK_END, GUESTS, "{}").await;
        answer.is(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_are_counted_apart() {
    let server = Server::with_guests(true, 1);
    for client in ["198.51.100.1", "198.51.100.2"] {
        let answer = ask_from(&server, "127.0.0.1", Some(client)).await;
        answer.is(StatusCode::CREATED);
    }
    let answer = ask_from(&server, "127.0.0.1", Some("203.0.113.1, 198.51.100.2")).await;
    answer.is_problem(Code::TooMany);
}

#[tokio::test]
async fn a_guest_takes_part_but_makes_no_room_adds_nobody_and_uploads_nothing() {
    let server = Server::start();
    let guest = "guest/guest-1";
    let group = json!({"kind": "group", "members": ["guest-1"]});
    let group = server.make_room("user/kim", group).await;
    let group = format!("/api/v1/rooms/{group}");
    let say = (format!("{group}/messages"), json!({"text": "m"}));
    let said = server.say(guest, ("POST", &say.0), &say.1).await;
    said.is(StatusCode::CREATED);
    let support = json!({"kind": "support"});
    let opened = server.say(guest, ("POST", "/api/v1/rooms"), support).await;
    opened.is(StatusCode::CREATED);
    for kind in ["direct", "group", "open"] {
        let room = json!({"kind": kind, "members": ["kim"]});
        let refused = server.say(guest, ("POST", "/api/v1/rooms"), room).await;
        refused.is_problem(Code::NotForGuests);
    }
    let lee = json!({"members": ["lee"]});
    let adding = format!("{group}/members");
    let refused = server.say(guest, ("POST", &adding), lee).await;
    refused.is_problem(Code::NotForGuests);
    let refused = server.post_picture(guest, "image/png", PNG).await;
    refused.is_problem(Code::NotForGuests);
    let refused = server
        .post(guest, "/api/openchat", r#"{"title":"x"}"#)
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["msg"], "회원만 할 수 있습니다.");
}
