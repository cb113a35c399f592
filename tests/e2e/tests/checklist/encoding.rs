//! E: what stands in headers.

use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::Received;
use madang_wire::websocket::Kind;

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{self, send_frame, subscribe_with};

#[test]
fn e1_defined_escapes_are_decoded_and_encoded_again() {
    let mut bench = Bench::subscribed("1.2");
    bench.probe("SEND\ndestination:D\nk\\cey:a\\cb\\nc\\rd\\\\e\n\nx\0");
    assert_eq!(
        bench.peer.message().get("k\\cey"),
        Some("a\\cb\\nc\\rd\\\\e")
    );
}

#[test]
fn e2_an_undefined_escape_is_fatal() {
    let mut bench = Bench::subscribed("1.2");
    bench.probe("SEND\ndestination:D\nreceipt:q\na:b\\tc\n\nx\0");
    bench.peer.refused();
}

#[test]
fn e3_in_1_1_backslash_r_is_undefined_and_fatal() {
    let mut bench = Bench::subscribed("1.1");
    bench.probe("SEND\ndestination:D\na:b\\rc\n\nx\0");
    bench.peer.refused();
}

#[test]
fn e4_in_1_0_nothing_is_escaped() {
    let mut bench = Bench::subscribed("1.0");
    bench.probe("SEND\ndestination:D\nfoo:a\\nb\\t\n\nx\0");
    assert_eq!(bench.peer.message().get("foo"), Some("a\\nb\\t"));
}

#[test]
fn e5_header_values_are_neither_trimmed_nor_padded() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nfoo: a b \n\nx\0");
        assert_eq!(bench.peer.message().get("foo"), Some(" a b "));
    }
}

#[test]
fn e6_headers_and_bodies_are_utf_8() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nключ:€ 한\n\n☃\0");
        let message = bench.peer.message();
        assert_eq!(message.get("ключ"), Some("€ 한"));
        assert_eq!(message.text(), "☃");
    }
}

#[test]
fn e7_the_first_of_repeated_headers_counts() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nfoo:World\nfoo:Hello\n\nx\0");
        assert_eq!(bench.peer.message().get("foo"), Some("World"));
    }
}

#[test]
fn e8_connect_and_connected_are_not_escaped() {
    let server = shared::server();
    for version in VERSIONS {
        let mut peer = Stomp::open(server.address());
        peer.send(shared::connect_frame(version, "x-note:a\\tb\n"));
        let connected = peer.expect("CONNECTED");
        for (name, value) in &connected.headers {
            assert!(
                !name.contains("\\c") && !value.contains("\\c"),
                "{connected:?}"
            );
        }
    }
}

#[test]
fn e9_headers_that_the_server_makes_are_escaped_too() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        subscribe_with(&mut bench.peer, &bench.topic, "id:a\\cb\n");
        bench.probe(&send_frame("D", "", "x"));
        assert_eq!(bench.peer.message().get("subscription"), Some("a\\cb"));
    }
}

#[test]
fn e10_a_header_value_may_be_empty() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nfoo:\n\nx\0");
        assert_eq!(bench.peer.message().get("foo"), Some(""));
    }
}

#[test]
fn e11_headers_that_are_not_utf_8_are_refused() {
    let probe = |bench: &Bench| {
        [
            b"SEND\ndestination:",
            bench.topic.as_bytes(),
            b"\nfoo:\xff\n\nx\0",
        ]
        .concat()
    };
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let octets = probe(&bench);
        bench.peer.send(octets);
        bench.peer.refused();
    }
    let mut bench = Bench::subscribed("1.2");
    let octets = probe(&bench);
    bench.peer.socket.send(Kind::Text, &octets);
    let mut received = bench.peer.socket.receive();
    while matches!(received, Received::Text(_) | Received::Binary(_)) {
        received = bench.peer.socket.receive();
    }
    assert_eq!(received, Received::Close(Some(1007)));
}
