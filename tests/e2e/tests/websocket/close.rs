//! How connections end.

use madang_e2e::stomp::{Arrival, Stomp};
use madang_e2e::websocket::Received;
use madang_wire::websocket::Opcode;

use super::{close_code, open};
use crate::shared::{self, connect_frame, send_frame};

#[test]
fn a_close_is_answered_with_its_own_code() {
    for code in [1000, 1001, 3000, 4999] {
        let mut socket = open();
        socket.send_close(code);
        assert_eq!(close_code(&mut socket), Some(code));
    }
    let mut socket = open();
    socket.send_frame(Opcode::Close, true, b"");
    assert_eq!(close_code(&mut socket), None);
}

#[test]
fn a_close_that_breaks_the_rules_is_closed_with_1002_or_1007() {
    let payloads: [(&[u8], u16); 5] = [
        (b"\x03", 1002),
        (&1005_u16.to_be_bytes(), 1002),
        (&999_u16.to_be_bytes(), 1002),
        (&5000_u16.to_be_bytes(), 1002),
        (b"\x03\xe8\xff", 1007),
    ];
    for (payload, code) in payloads {
        let mut socket = open();
        socket.send_frame(Opcode::Close, true, payload);
        assert_eq!(close_code(&mut socket), Some(code), "{payload:?}");
    }
}

#[test]
fn nothing_that_follows_a_close_is_read() {
    let mut peer = shared::session(&shared::server(), "1.2");
    peer.socket.send_close(1000);
    peer.send("BEGIN\ntransaction:t\nreceipt:too-late\n\n\0");
    assert_eq!(peer.until_closed(), (Vec::new(), Some(1000)));
}

#[test]
fn the_close_code_after_an_error_says_whose_fault_it_is() {
    let server = shared::server();
    let after_connect = [
        ("FOO\n\n\0".to_owned(), "FRAME_INVALID", 1002),
        (send_frame("/nowhere/x", "", "x"), "NOT_FOUND", 1008),
        (
            send_frame("/topic/x", "content-length:99999\n", "x"),
            "TOO_LARGE",
            1009,
        ),
        (send_frame("/rooms/x", "", r#"{"text":"x"}"#), "", 1008),
    ];
    for (frame, name, expected) in after_connect {
        let mut peer = shared::session(&server, "1.2");
        peer.send(&frame);
        let (error, code) = peer.error_then_code();
        assert!(
            name.is_empty() || error.need("code") == name,
            "{frame:?}: {error:?}"
        );
        assert_eq!(code, expected, "{frame:?}");
    }
    let wrong_passcode = connect_frame("1.2", "").replace(shared::PASSCODE, "wrong");
    let first = [
        (connect_frame("9.9", ""), "VERSION_UNSUPPORTED", 1002),
        (wrong_passcode, "CREDENTIALS_INVALID", 1008),
        (
            "CONNECT\naccept-version:1.2\n\n\0".to_owned(),
            "AUTHENTICATION_REQUIRED",
            1008,
        ),
    ];
    for (frame, name, expected) in first {
        let mut peer = Stomp::open(server.address());
        peer.send(&frame);
        let (error, code) = peer.error_then_code();
        assert_eq!((error.need("code"), code), (name, expected));
    }
}

#[test]
fn a_half_closed_client_gets_what_it_asked_for_and_then_the_end() {
    let mut peer = shared::session(&shared::server(), "1.2");
    peer.send("BEGIN\ntransaction:t\nreceipt:last\n\n\0");
    peer.socket.finish_sending();
    peer.receipt("last");
    assert!(matches!(peer.arrival(), Arrival::Closed(_)));
}

#[test]
fn a_client_that_half_closes_before_connect_is_let_go() {
    let mut socket = open();
    socket.finish_sending();
    let mut received = socket.receive();
    while !matches!(received, Received::Eof) {
        assert_ne!(received, Received::Reset);
        received = socket.receive();
    }
}
