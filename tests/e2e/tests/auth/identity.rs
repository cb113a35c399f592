//! Tokens: where they may stand, and what is said of a bad one.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Frame, Stomp};
use madang_e2e::websocket::{Opening, WebSocket};

use crate::rooms::{Customer, follow, say};
use crate::shared;

fn refused(connect_headers: &str) -> Frame {
    let mut peer = Stomp::open(shared::server().address());
    peer.send(format!(
        "CONNECT\naccept-version:1.2\n{connect_headers}\n\0"
    ));
    peer.error_then_close()
}

#[test]
fn a_connect_without_any_credentials_is_refused() {
    assert_eq!(refused("").need("code"), "AUTHENTICATION_REQUIRED");
}

#[test]
fn a_token_that_is_malformed_or_of_another_server_is_refused() {
    let foreign = TestServer::start().token("kim", "user");
    let ours = shared::server().token("kim", "user");
    let tampered = format!("{}A", &ours[..ours.len() - 2]);
    let (header_and_claims, _) = ours.rsplit_once('.').unwrap();
    let unsigned = format!("{header_and_claims}.");
    // {"alg":"none","typ":"JWT"}
    let claims = ours.split('.').nth(1).unwrap();
    let alg_none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    for token in ["x", "a.b.c", &foreign, &tampered, &unsigned, &alg_none] {
        let error = refused(&format!("Authorization:Bearer {token}\n"));
        assert_eq!(error.need("code"), "TOKEN_INVALID");
        assert!(!error.text().contains(token), "a token is not repeated");
    }
}

#[test]
fn a_token_that_expires_ends_the_session_and_opens_no_other() {
    let server = shared::server();
    let token = server.token_with("short", "user", &["--ttl", "3s"]);
    let mut peer = Stomp::with_token(server.address(), &token);
    let (error, code) = peer.error_then_code();
    assert_eq!((error.need("code"), code), ("TOKEN_EXPIRED", 1008));
    let again = refused(&format!("Authorization:Bearer {token}\n"));
    assert_eq!(again.need("code"), "TOKEN_EXPIRED");
}

/// A session whose handshake carried this header and whose CONNECT carried none.
fn by_handshake(name: &str, value: &str) -> Stomp {
    let headers = &[(name, value)];
    let opening = Opening {
        headers,
        ..Opening::default()
    };
    let mut peer = Stomp::over(WebSocket::open(shared::server().address(), opening));
    peer.send("CONNECT\naccept-version:1.2\n\n\0");
    peer
}

#[test]
fn the_handshakes_header_or_cookie_counts_when_connect_has_none() {
    let server = shared::server();
    let customer = Customer::new(&server);
    let token = &customer.token;
    let ways = [
        ("Authorization", format!("Bearer {token}")),
        (
            "Cookie",
            format!("a=b; Authorization=Bearer%20{token}; c=d"),
        ),
        ("Cookie", format!("Authorization={token}")),
    ];
    for (name, value) in ways {
        let mut peer = by_handshake(name, &value);
        peer.expect("CONNECTED");
        follow(&mut peer, &customer.id, "");
    }
}

#[test]
fn a_bad_handshake_credential_does_not_let_in() {
    let mut peer = by_handshake("Cookie", "Authorization=Bearer%20nonsense");
    let error = peer.error_then_close();
    assert_eq!(error.need("code"), "TOKEN_INVALID");
}

#[test]
fn the_connect_header_counts_before_the_handshakes() {
    let server = shared::server();
    let customer = Customer::new(&server);
    let other = server.token("somebody-else", "user");
    let cookie = format!("Authorization={other}");
    let headers = &[("Cookie", cookie.as_str())];
    let opening = Opening {
        headers,
        ..Opening::default()
    };
    let mut peer = Stomp::over(WebSocket::open(server.address(), opening));
    let token = &customer.token;
    peer.send(format!(
        "CONNECT\naccept-version:1.2\nAuthorization:Bearer {token}\n\n\0"
    ));
    peer.expect("CONNECTED");
    follow(&mut peer, &customer.id, "");
}

#[test]
fn a_repeated_authorization_that_is_valid_changes_nothing() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let (id, token) = (customer.id.clone(), customer.token.clone());
    let mut watcher = customer.again(&server);
    follow(
        &mut watcher,
        &id,
        &format!("Authorization:Bearer {token}\n"),
    );
    say(
        &mut customer.peer,
        &id,
        &format!("Authorization:Bearer {token}\n"),
        "mine",
    );
    assert_eq!(watcher.message().json()["sender"]["id"], id);
}

#[test]
fn a_repeated_authorization_that_is_invalid_is_refused() {
    let server = shared::server();
    let customer = Customer::new(&server);
    let id = &customer.id;
    for frame in [
        format!("SUBSCRIBE\nid:s1\ndestination:/rooms/{id}\nAuthorization:Bearer nonsense\n\n\0"),
        format!(
            "SEND\ndestination:/rooms/{id}\nAuthorization:Bearer nonsense\n\n{{\"text\":\"x\"}}\0"
        ),
    ] {
        let mut peer = customer.again(&server);
        peer.send(frame);
        assert_eq!(peer.error_then_close().need("code"), "TOKEN_INVALID");
    }
}
