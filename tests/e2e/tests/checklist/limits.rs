//! L: limits, hasty clients, and a last word that arrives.

use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::Received;

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{self, send_frame, subscribe};

/// Below every limit on one WebSocket message, so that only STOMP's own limits are met.
const PIECE: usize = 8 << 10;
/// The defaults of `stomp.header_line_bytes_max` and `stomp.body_bytes_max`.
const HEADER_LINE_BYTES_MAX: usize = 8192;
const BODY_BYTES_MAX: usize = 65536;

#[test]
fn l1_too_many_headers_are_answered_with_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        let headers: String = (0..10_000).map(|i| format!("h{i}:v\n")).collect();
        bench
            .peer
            .send_cut(send_frame(&bench.topic, &headers, "x"), PIECE);
        assert_eq!(bench.peer.error_then_close().need("code"), "TOO_LARGE");
    }
}

#[test]
fn l2_a_header_line_that_is_too_long_is_answered_with_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        let header = format!("long:{}\n", "v".repeat(2 << 20));
        bench
            .peer
            .send_cut(send_frame(&bench.topic, &header, "x"), PIECE);
        assert_eq!(bench.peer.error_then_close().need("code"), "TOO_LARGE");
    }
}

#[test]
fn l3_a_body_that_is_too_long_closes_its_own_connection_only() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        let mut other = bench.other("1.2");
        subscribe(&mut other, &bench.topic);
        let full = "b".repeat(BODY_BYTES_MAX);
        bench.peer.send(send_frame(&bench.topic, "", &full));
        assert_eq!(
            other.message().body.len(),
            BODY_BYTES_MAX,
            "the longest body is taken"
        );
        bench.peer.send(send_frame(&bench.topic, "", &(full + "b")));
        assert_eq!(bench.peer.error_then_close().need("code"), "TOO_LARGE");
        other.send(send_frame(&bench.topic, "", "unharmed"));
        assert_eq!(other.message().text(), "unharmed");
    }
}

#[test]
fn l4_before_authentication_an_endless_header_is_refused_at_the_limit() {
    let server = shared::server();
    let endless = |length| format!("CONNECT\nx:{}", "a".repeat(length));
    let mut peer = Stomp::open(server.address());
    peer.send_cut(endless(4 << 20), PIECE);
    peer.refused();
    // Nothing more is read than the limit allows, so nothing more can be kept.
    let mut peer = Stomp::open(server.address());
    peer.send_cut(endless(HEADER_LINE_BYTES_MAX + 1), PIECE);
    peer.refused();
}

#[test]
fn l5_clients_may_come_and_go_rapidly() {
    let server = shared::server();
    for round in 0..200 {
        let mut peer = shared::session(&server, VERSIONS[round % 3]);
        peer.send("DISCONNECT\n\n\0");
        peer.socket.send_close(1000);
    }
    let mut bench = Bench::subscribed("1.2");
    bench.probe(&send_frame("D", "", "healthy"));
    assert_eq!(bench.peer.message().text(), "healthy");
}

#[test]
fn l6_the_last_error_reaches_a_client_that_still_has_unsent_data() {
    let mut bench = Bench::new("1.2");
    let mut octets = b"SEND\nreceipt:q\n\nno destination\0".to_vec();
    octets.resize(octets.len() + (1 << 20), b'\n');
    bench.peer.send_cut(octets, PIECE);
    assert_eq!(bench.peer.error_then_close().get("receipt-id"), Some("q"));
    assert_eq!(bench.peer.socket.receive(), Received::Eof);
}
