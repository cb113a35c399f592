//! W: STOMP in WebSocket messages.

use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::{Opening, WebSocket};

use super::{Bench, VERSIONS};
use crate::shared::{self, connect_frame, send_frame, subscribe};

fn over(subprotocols: &[&str]) -> (Option<String>, Stomp) {
    let opening = Opening {
        subprotocols,
        ..Opening::default()
    };
    let socket = WebSocket::open(shared::server().address(), opening);
    let chosen = socket
        .response
        .header("sec-websocket-protocol")
        .map(str::to_owned);
    (chosen, Stomp::over(socket))
}

#[test]
fn w1_the_subprotocol_offered_is_chosen() {
    for (offered, version) in [
        ("v10.stomp", "1.0"),
        ("v11.stomp", "1.1"),
        ("v12.stomp", "1.2"),
    ] {
        let (chosen, mut peer) = over(&[offered]);
        assert_eq!(chosen.as_deref(), Some(offered));
        peer.send(connect_frame(version, ""));
        peer.expect("CONNECTED");
    }
    let (chosen, _) = over(&["v10.stomp", "v11.stomp", "v12.stomp"]);
    assert_eq!(chosen.as_deref(), Some("v12.stomp"));
}

#[test]
fn w2_a_client_may_offer_no_subprotocol() {
    let (chosen, mut peer) = over(&[]);
    assert_eq!(chosen, None);
    peer.send(connect_frame("1.2", ""));
    peer.expect("CONNECTED");
}

#[test]
fn w3_a_message_that_is_utf_8_goes_out_as_text() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let frame = send_frame(&bench.topic, "", "h☃");
        // Whatever the sender's own frame was.
        bench
            .peer
            .socket
            .send(madang_wire::websocket::Kind::Binary, frame.as_bytes());
        let message = bench.peer.message();
        assert_eq!(message.text(), "h☃");
        assert!(message.in_text);
    }
}

#[test]
fn w4_a_message_that_is_not_utf_8_goes_out_as_binary() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let head = format!("SEND\ndestination:{}\ncontent-length:2\n\n", bench.topic);
        bench.peer.send([head.as_bytes(), b"\xff\xfe\0"].concat());
        let message = bench.peer.message();
        assert_eq!(message.body, b"\xff\xfe");
        assert!(!message.in_text);
    }
}

#[test]
fn w5_stomp_frames_are_not_websocket_messages() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let frame = send_frame(&bench.topic, "", "three pieces of text");
        let third = frame.len() / 3;
        for piece in [
            &frame[..third],
            &frame[third..2 * third],
            &frame[2 * third..],
        ] {
            bench.peer.send(piece);
        }
        assert_eq!(bench.peer.message().text(), "three pieces of text");
        let mut other = bench.other(version);
        subscribe(&mut other, &bench.topic);
        let joined = send_frame(&bench.topic, "", "1") + &send_frame(&bench.topic, "", "2");
        bench.peer.send(joined);
        assert_eq!([other.message().text(), other.message().text()], ["1", "2"]);
    }
}
