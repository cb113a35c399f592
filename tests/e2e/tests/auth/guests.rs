//! Visitors whom the host does not know.

use madang_e2e::doors::Endpoint;
use madang_e2e::doors::stream::{Exchange, encode};
use madang_e2e::http::Response;
use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

use crate::rooms::{follow, open_room, say};
use crate::shared::{self, unique};

const GUESTS: &str = "/api/v1/guests";

fn ask(endpoint: &Endpoint, token: Option<&str>, body: &str) -> Response {
    endpoint.rest("POST", GUESTS, token, body)
}

fn code(response: &Response) -> String {
    response.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_visitor_chats_as_a_user_of_their_own_over_a_restart() {
    let mut server = TestServer::builder()
        .env("MADANG_AUTH__GUESTS", true)
        .start();
    let made = ask(&server.endpoint(), None, r#"{"name":"손님"}"#);
    assert_eq!(made.status, 201, "{}", made.text());
    let guest = made.json();
    let (token, id) = (
        guest["token"].as_str().unwrap(),
        guest["user"].as_str().unwrap(),
    );
    let mut peer = Stomp::with_token(server.address(), token);
    open_room(&mut peer, id);
    follow(&mut peer, id, "");
    say(&mut peer, id, "", "is anybody there?");
    let message = peer.message().json();
    assert_eq!(message["sender"]["id"], id);
    assert_eq!(message["sender"]["name"], "손님");

    server.kill9();
    server.restart();
    drop(Stomp::with_token(server.address(), token));
    let other = TestServer::builder()
        .env("MADANG_AUTH__GUESTS", true)
        .start();
    let foreign = other
        .endpoint()
        .rest("GET", "/api/v1/rooms", Some(token), "");
    assert_eq!(code(&foreign), "TOKEN_INVALID");
}

#[test]
fn a_cookie_that_is_worth_nothing_keeps_no_visitor_out() {
    let server = TestServer::builder()
        .env("MADANG_AUTH__GUESTS", true)
        .start();
    let headers = [
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Cookie", "Authorization=outlived"),
    ];
    let request = encode("POST", GUESTS, &headers, Some(b"{}"));
    let made = Exchange::start(server.endpoint().open(), &request).finish();
    assert_eq!(made.status, 201, "{}", made.text());
}

#[test]
fn an_address_gets_so_many_guests_and_the_back_end_any_number() {
    let server = TestServer::builder()
        .env("MADANG_AUTH__GUESTS", true)
        .env("MADANG_AUTH__GUESTS_PER_ADDRESS_MAX", 3)
        .start();
    let endpoint = server.endpoint();
    for _ in 0..3 {
        assert_eq!(ask(&endpoint, None, "{}").status, 201);
    }
    let refused = ask(&endpoint, None, "{}");
    assert_eq!((refused.status, code(&refused).as_str()), (429, "TOO_MANY"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=1201).contains(&wait), "{wait}");
    let key = server.run(&["api-key", "add", "shop", "--scope", "users"]);
    for _ in 0..5 {
        let made = ask(&endpoint, Some(key.trim()), r#"{"ttlSeconds":60}"#);
        assert_eq!(made.status, 201, "{}", made.text());
    }
}

#[test]
fn where_guests_are_off_only_the_back_end_makes_some() {
    let server = shared::server();
    let endpoint = server.endpoint();
    assert_eq!(code(&ask(&endpoint, None, "{}")), "NOT_FOUND");
    let key = |scope: &str| {
        let printed = server.run(&["api-key", "add", &unique("key"), "--scope", scope]);
        printed.trim().to_owned()
    };
    let refused = ask(&endpoint, Some(&key("publish")), "{}");
    assert_eq!(code(&refused), "SCOPE_MISSING");
    let made = ask(&endpoint, Some(&key("users")), "{}").json();
    let token = made["token"].as_str().unwrap();
    let rooms = endpoint.rest("GET", "/api/v1/rooms", Some(token), "");
    assert_eq!(rooms.status, 200, "{}", rooms.text());
}
