//! Who is let in, and how they say who they are.

use madang_e2e::http;
use madang_e2e::json::{Json, PATH};
use madang_e2e::server::TestServer;
use madang_e2e::websocket::{Opening, WebSocket};
use madang_wire::websocket::Kind;
use serde_json::json;

use super::Person;
use crate::shared;

#[test]
fn hello_names_the_user_and_no_rooms_to_whoever_has_none() {
    let server = shared::server();
    let person = Person::new(&server, "user");
    assert_eq!(person.hello["user"], person.id.as_str());
    assert_eq!(person.hello["rooms"], json!([]));
    assert!(person.hello["session"].is_string());
}

#[test]
fn the_first_message_may_say_who_it_is() {
    let server = shared::server();
    let token = server.token(&shared::unique("kim"), "user");
    let mut peer = Json::open(server.address());
    peer.say(&json!({"type": "auth", "token": token}));
    peer.say(&json!({"type": "ping", "id": 7}));
    assert_eq!(peer.event()["type"], "hello");
    assert_eq!(peer.event(), json!({"type": "pong", "id": 7}));
    let (again, _) = peer.ask(json!({"type": "auth", "token": token}));
    assert_eq!(
        again["type"], "error",
        "known already, and the connection goes on"
    );
    peer.assert_quiet();
}

#[test]
fn whoever_does_not_say_who_they_are_is_sent_away() {
    let server = shared::server();
    for (first, code) in [
        (json!({"type": "ping", "id": 1}), "AUTHENTICATION_REQUIRED"),
        (
            json!({"type": "auth", "id": 1, "token": "x"}),
            "TOKEN_INVALID",
        ),
        (json!({"type": "auth", "id": 1}), "BODY_INVALID"),
    ] {
        let mut peer = Json::open(server.address());
        peer.say(&first);
        let error = peer.event();
        assert_eq!(error["error"]["code"], code, "{first}");
        assert_eq!(error["id"], 1);
        assert!(peer.received().is_err(), "closed behind the error");
    }
}

#[test]
fn a_token_of_the_handshake_that_is_not_valid_is_refused_over_http() {
    let server = shared::server();
    let refused = Json::try_with_token(server.address(), PATH, "x").unwrap_err();
    assert_eq!(refused.status, 401);
    let expired = server.token_with(&shared::unique("kim"), "user", &["--ttl", "1s"]);
    let mut peer = Json::try_with_token(server.address(), PATH, &expired).unwrap();
    assert_eq!(peer.event()["type"], "hello");
    assert_eq!(peer.next_of("error")["error"]["code"], "TOKEN_EXPIRED");
    assert_eq!(peer.received(), Err(Some(1008)));
    let refused = Json::try_with_token(server.address(), PATH, &expired).unwrap_err();
    assert_eq!(refused.status, 401);
}

#[test]
fn the_query_counts_only_where_the_operator_lets_it() {
    let server = shared::server();
    let token = server.token(&shared::unique("kim"), "user");
    let path = format!("{PATH}?token={token}");
    let opening = |path| Opening {
        path,
        ..Opening::default()
    };
    let mut peer = Json::over(WebSocket::open(server.address(), opening(&path)));
    peer.say(&json!({"type": "ping"}));
    assert_eq!(peer.event()["error"]["code"], "AUTHENTICATION_REQUIRED");
    let lenient = TestServer::builder()
        .env("MADANG_WEBSOCKET__QUERY_TOKEN", true)
        .start();
    let token = lenient.token("kim", "user");
    let path = format!("{PATH}?token={token}");
    let mut peer = Json::over(WebSocket::open(lenient.address(), opening(&path)));
    assert_eq!(peer.event()["user"], "kim");
}

#[test]
fn what_is_said_for_one_request_counts_before_the_cookie() {
    let server = TestServer::builder()
        .env("MADANG_WEBSOCKET__QUERY_TOKEN", true)
        .env("MADANG_AUTH__COOKIE", "token")
        .start();
    let of = |user: &str| server.token(user, "user");
    let cookie = format!("token={}", of("cookie"));
    let bearer = format!("Bearer {}", of("header"));
    let with_query = format!("{PATH}?token={}", of("query"));
    let all = [("Authorization", bearer.as_str()), ("Cookie", &cookie)];
    for (path, headers, who) in [
        (with_query.as_str(), &all[..], "header"),
        (&with_query, &all[1..], "query"),
        (PATH, &all[1..], "cookie"),
    ] {
        let opening = Opening {
            path,
            headers,
            ..Opening::default()
        };
        let mut peer = Json::over(WebSocket::open(server.address(), opening));
        assert_eq!(peer.event()["user"], who);
    }
}

#[test]
fn a_mistyped_api_key_is_told_to_be_one() {
    let server = shared::server();
    let headers = [("X-API-Key", "shop_without_a_prefix")];
    let answer = http::get(server.address(), "/api/v1/rooms", &headers);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["code"], "TOKEN_INVALID");
}

#[test]
fn a_head_request_opens_no_connection() {
    let server = shared::server();
    let token = server.token(&shared::unique("kim"), "user");
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for path in [PATH, "/ws/chat"] {
        let answer = http::request(server.address(), "HEAD", path, &headers);
        assert_eq!(answer.status, 400, "{path}");
    }
}

#[test]
fn the_subprotocol_is_selected_when_it_is_offered() {
    let server = shared::server();
    let opening = Opening {
        path: PATH,
        subprotocols: &["other", "madang.v1.json"],
        ..Opening::default()
    };
    let socket = WebSocket::open(server.address(), opening);
    let selected = socket.response.header("sec-websocket-protocol");
    assert_eq!(selected, Some("madang.v1.json"));
}

#[test]
fn what_is_no_json_object_closes_the_connection() {
    let server = shared::server();
    for text in ["", "x", "[]", "{"] {
        let mut peer = Person::new(&server, "user").peer;
        peer.say_text(text);
        assert_eq!(peer.event()["error"]["code"], "BODY_INVALID", "{text}");
        assert_eq!(peer.received(), Err(Some(1007)));
    }
    let mut peer = Person::new(&server, "user").peer;
    peer.socket.send(Kind::Binary, b"{\"type\":\"ping\"}");
    assert_eq!(peer.event()["error"]["code"], "BODY_INVALID");
    assert_eq!(peer.received(), Err(Some(1007)));
}

#[test]
fn what_is_too_large_is_told_so_and_closes_the_connection() {
    let server = shared::server();
    let mut peer = Person::new(&server, "user").peer;
    let long = "x".repeat(200_000);
    peer.say(&json!({"type": "ping", "id": long}));
    assert_eq!(peer.event()["error"]["code"], "TOO_LARGE");
    assert_eq!(peer.received(), Err(Some(1009)));
}
