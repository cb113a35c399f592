//! The opening handshake.

use madang_e2e::http::Response;
use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::{Opening, WebSocket, exchange};

use super::strict_server;
use crate::shared;

/// The response to a GET of `/ws` with these header lines besides `Host`.
fn answer(method: &str, headers: &[&str]) -> Response {
    let address = shared::server().address();
    let mut request = format!("{method} /ws/websocket HTTP/1.1\r\nHost: {address}\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    exchange(address, request.as_bytes()).0
}

const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

#[test]
fn a_handshake_in_good_order_is_accepted() {
    let response = answer("GET", &[UPGRADE, CONNECTION, VERSION, KEY]);
    assert_eq!(response.status, 101);
    assert_eq!(
        response.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(response.header("sec-websocket-extensions"), None);
}

#[test]
fn a_handshake_with_lists_and_other_letter_case_is_accepted() {
    let connection = "connection: keep-alive, upgrade";
    let response = answer("GET", &["UPGRADE: WebSocket", connection, VERSION, KEY]);
    assert_eq!(response.status, 101);
}

#[test]
fn a_missing_or_malformed_key_is_refused_with_400() {
    assert_eq!(answer("GET", &[UPGRADE, CONNECTION, VERSION]).status, 400);
    for key in [
        "",
        "short",
        "dGhlIHNhbXBsZSBub25jZQ",
        "****************************==",
    ] {
        let key = format!("Sec-WebSocket-Key: {key}");
        assert_eq!(
            answer("GET", &[UPGRADE, CONNECTION, VERSION, &key]).status,
            400,
            "{key}"
        );
    }
}

#[test]
fn another_version_is_refused_with_426_and_the_version_spoken() {
    let response = answer(
        "GET",
        &[UPGRADE, CONNECTION, "Sec-WebSocket-Version: 8", KEY],
    );
    assert_eq!(response.status, 426);
    assert_eq!(response.header("sec-websocket-version"), Some("13"));
    assert_eq!(answer("GET", &[UPGRADE, CONNECTION, KEY]).status, 400);
}

#[test]
fn a_request_that_is_no_handshake_is_refused_with_4xx() {
    for headers in [&[CONNECTION, VERSION, KEY][..], &[UPGRADE, VERSION, KEY]] {
        assert_eq!(answer("GET", headers).status, 400, "{headers:?}");
    }
    assert_eq!(
        answer("POST", &[UPGRADE, CONNECTION, VERSION, KEY]).status,
        405
    );
}

#[test]
fn both_paths_open_the_same_door() {
    for path in ["/ws", "/ws/websocket"] {
        let opening = Opening {
            path,
            ..Opening::default()
        };
        let mut peer = Stomp::over(WebSocket::open(shared::server().address(), opening));
        peer.send(shared::connect_frame("1.2", ""));
        peer.expect("CONNECTED");
    }
}

fn chosen(subprotocols: &[&str]) -> Option<String> {
    let opening = Opening {
        subprotocols,
        ..Opening::default()
    };
    let socket = WebSocket::open(shared::server().address(), opening);
    socket
        .response
        .header("sec-websocket-protocol")
        .map(str::to_owned)
}

#[test]
fn the_highest_subprotocol_offered_is_chosen_whatever_the_order() {
    assert_eq!(
        chosen(&["v10.stomp", "v11.stomp"]).as_deref(),
        Some("v11.stomp")
    );
    assert_eq!(
        chosen(&["v12.stomp", "v10.stomp"]).as_deref(),
        Some("v12.stomp")
    );
    assert_eq!(chosen(&["mqtt", "v11.stomp"]).as_deref(), Some("v11.stomp"));
}

#[test]
fn a_subprotocol_that_was_not_offered_is_never_named() {
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&["mqtt", "V12.STOMP"]), None);
}

fn with_origin(address: std::net::SocketAddr, origin: &str) -> u16 {
    let headers = &[("Origin", origin)];
    let opening = Opening {
        headers,
        ..Opening::default()
    };
    match WebSocket::try_open(address, opening) {
        Ok(_) => 101,
        Err(response) => response.status,
    }
}

#[test]
fn a_page_of_the_same_origin_may_connect_and_no_other() {
    let address = shared::server().address();
    assert_eq!(with_origin(address, &format!("http://{address}")), 101);
    let elsewhere = [
        "http://evil.example",
        "https://app.example",
        "null",
        "http://127.0.0.1",
    ];
    for origin in elsewhere {
        assert_eq!(with_origin(address, origin), 403, "{origin}");
    }
}

#[test]
fn a_page_of_a_configured_origin_may_connect_beside_the_servers_own() {
    let address = strict_server().address();
    assert_eq!(with_origin(address, "https://app.example"), 101);
    assert_eq!(with_origin(address, &format!("http://{address}")), 101);
    for origin in [
        "https://app.example.evil",
        "http://app.example",
        "https://evil.example",
    ] {
        assert_eq!(with_origin(address, origin), 403, "{origin}");
    }
}

#[test]
fn a_client_that_does_not_connect_in_time_is_closed_even_if_it_beats() {
    let address = strict_server().address();
    for early in ["", "\n"] {
        let mut peer = Stomp::open(address);
        peer.send(early);
        let (error, code) = peer.error_then_code();
        assert_eq!(error.need("code"), "CONNECT_TIMEOUT");
        assert_eq!(code, 1002);
    }
}
