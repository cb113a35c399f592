//! Data and control frames of an open connection.

use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::Received;
use madang_wire::websocket::{self, Kind, Opcode};

use super::{close_code, open};
use crate::shared::{self, fresh_topic, send_frame, subscribe};

/// The default of `websocket.message_bytes_max`.
const MESSAGE_BYTES_MAX: usize = 131_072;

#[test]
fn a_ping_is_answered_with_a_pong_of_the_same_payload() {
    let mut socket = open();
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        socket.send_frame(Opcode::Ping, true, payload);
        assert_eq!(socket.receive(), Received::Pong(payload.to_vec()));
    }
}

#[test]
fn a_pong_that_nobody_asked_for_is_ignored() {
    let mut socket = open();
    socket.send_frame(Opcode::Pong, true, b"unasked");
    socket.send_frame(Opcode::Ping, true, b"fence");
    assert_eq!(socket.receive(), Received::Pong(b"fence".to_vec()));
}

#[test]
fn a_stomp_frame_may_come_in_fragments_with_pings_between() {
    let server = shared::server();
    let topic = fresh_topic();
    let mut peer = shared::session(&server, "1.2");
    subscribe(&mut peer, &topic);
    // The cuts lie inside of characters.
    let frame = send_frame(&topic, "", "마당☃").into_bytes();
    let (first, rest) = frame.split_at(frame.len() - 9);
    let (second, third) = rest.split_at(4);
    peer.socket.send_frame(Opcode::Text, false, first);
    peer.socket.send_frame(Opcode::Ping, true, b"between");
    peer.socket.send_frame(Opcode::Continuation, false, second);
    peer.socket.send_frame(Opcode::Continuation, false, b"");
    peer.socket.send_frame(Opcode::Continuation, true, third);
    assert_eq!(peer.socket.receive(), Received::Pong(b"between".to_vec()));
    assert_eq!(peer.message().text(), "마당☃");
}

/// The close code for these bytes on a fresh connection, as they are.
fn answer_to(bytes: &[u8]) -> Option<u16> {
    let mut socket = open();
    socket.send_bytes(bytes);
    close_code(&mut socket)
}

fn masked(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    websocket::encode_masked(opcode, fin, payload, [9, 8, 7, 6], &mut bytes);
    bytes
}

#[test]
fn an_unmasked_frame_is_closed_with_1002() {
    let mut bytes = Vec::new();
    websocket::encode_message(Kind::Text, b"CONNECT\n\n\0", &mut bytes);
    assert_eq!(answer_to(&bytes), Some(1002));
}

#[test]
fn frames_that_break_the_framing_rules_are_closed_with_1002() {
    let mut reserved_bit = masked(Opcode::Text, true, b"x");
    reserved_bit[0] |= 0x40;
    let mut unknown_opcode = masked(Opcode::Text, true, b"x");
    unknown_opcode[0] = 0x83;
    let breaches = [
        ("reserved bit", reserved_bit),
        ("unknown opcode", unknown_opcode),
        (
            "continuation of nothing",
            masked(Opcode::Continuation, true, b"x"),
        ),
        ("fragmented ping", masked(Opcode::Ping, false, b"x")),
        ("long ping", masked(Opcode::Ping, true, &[0; 126])),
        (
            "message inside a message",
            [
                masked(Opcode::Text, false, b"x"),
                masked(Opcode::Text, true, b"y"),
            ]
            .concat(),
        ),
    ];
    for (what, bytes) in breaches {
        assert_eq!(answer_to(&bytes), Some(1002), "{what}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_closed_with_1007() {
    for bad in [&b"\xff"[..], b"\xed\xa0\x80", b"\xc0\xaf", b"ok\xe3\x83"] {
        assert_eq!(
            answer_to(&masked(Opcode::Text, true, bad)),
            Some(1007),
            "{bad:?}"
        );
    }
    let cut = [
        masked(Opcode::Text, false, b"ok\xe3"),
        masked(Opcode::Continuation, true, b"not a continuation byte"),
    ];
    assert_eq!(answer_to(&cut.concat()), Some(1007));
}

#[test]
fn a_message_over_the_limit_is_closed_with_1009_before_it_has_come() {
    let whole = masked(Opcode::Binary, true, &vec![b'\n'; MESSAGE_BYTES_MAX + 1]);
    // The head alone says how long it would be.
    assert_eq!(answer_to(&whole[..14]), Some(1009));
    let half = vec![b'\n'; MESSAGE_BYTES_MAX / 2 + 1];
    let fragments = [
        masked(Opcode::Binary, false, &half),
        masked(Opcode::Continuation, true, &half),
    ];
    assert_eq!(answer_to(&fragments.concat()), Some(1009));
}

#[test]
fn a_message_of_just_the_limit_is_taken() {
    let mut peer: Stomp = shared::session(&shared::server(), "1.2");
    peer.socket
        .send(Kind::Text, &vec![b'\n'; MESSAGE_BYTES_MAX]);
    peer.send("BEGIN\ntransaction:t\nreceipt:alive\n\n\0");
    peer.receipt("alive");
}
