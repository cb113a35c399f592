//! The same session over every transport.

use madang_wire::websocket::Kind;

use madang_e2e::sockjs::Session;
use madang_e2e::websocket::{Opening, Received, WebSocket};

use super::{connected, server, session, texts};
use crate::shared::{connect_frame, fresh_topic, send_frame, unique};

/// CONNECT by `xhr_send`, then what the receiver gets.
fn connect(session: &Session) {
    assert_eq!(session.send(&[&connect_frame("1.2", "")]).status, 204);
}

#[test]
fn stomp_connects_over_streaming_transports() {
    for (transport, prelude, before, after) in [
        ("xhr_streaming", "hhhh", "", "\n"),
        ("eventsource", "\r\n", "data: ", "\r\n\r\n"),
        (
            "htmlfile?c=call",
            "<!doctype",
            "<script>\np(\"",
            "\");\n</script>\r\n",
        ),
    ] {
        let session = session();
        let mut stream = session.ask(transport, "");
        assert_eq!(stream.head.status, 200, "{transport}");
        assert!(stream.frame().starts_with(prelude), "{transport}");
        assert_eq!(stream.frame(), format!("{before}o{after}"));
        connect(&session);
        let frame = stream.frame();
        assert!(frame.contains("CONNECTED"), "{transport}: {frame}");
        assert!(frame.starts_with(before) && frame.ends_with(after));
    }
}

#[test]
fn stomp_connects_over_jsonp_and_its_form() {
    let session = session();
    assert_eq!(session.poll("jsonp?c=call").text(), "/**/call(\"o\");\r\n");
    let frame = serde_json::to_string(&[connect_frame("1.2", "")]).unwrap();
    let mut form = String::from("d=");
    for byte in frame.bytes() {
        form.push_str(&format!("%{byte:02X}"));
    }
    let sender = session.with("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(sender.ask("jsonp_send", &form).head.status, 200);
    let answer = session.poll("jsonp?c=call");
    assert!(answer.text().starts_with("/**/call(\"a[\\\"CONNECTED"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn stomp_connects_over_the_websocket_of_sockjs() {
    let path = format!("/ws/0/{}/websocket", unique("w"));
    let opening = Opening {
        path: &path,
        ..Opening::default()
    };
    let mut socket = WebSocket::open(server().address(), opening);
    assert_eq!(socket.receive(), Received::Text(b"o".to_vec()));
    let frame = serde_json::to_string(&[connect_frame("1.2", "")]).unwrap();
    assert!(socket.send(Kind::Text, frame.as_bytes()));
    let Received::Text(answer) = socket.receive() else {
        panic!("no text");
    };
    assert!(answer.starts_with(b"a[\"CONNECTED"));
}

#[test]
fn a_websocket_whose_client_breaks_sockjs_is_told_by_its_close_alone() {
    let path = format!("/ws/0/{}/websocket", unique("w"));
    let opening = Opening {
        path: &path,
        ..Opening::default()
    };
    let mut socket = WebSocket::open(server().address(), opening);
    assert_eq!(socket.receive(), Received::Text(b"o".to_vec()));
    assert!(socket.send(Kind::Text, b"[\"a"));
    assert_eq!(socket.receive(), Received::Close(Some(3000)));
    assert_eq!(socket.receive(), Received::Eof);
}

#[test]
fn every_message_comes_once_and_in_order_over_responses_that_end() {
    const MESSAGES: usize = 200;
    let session = connected();
    let topic = fresh_topic();
    let subscribe = format!("SUBSCRIBE\nid:1\ndestination:{topic}\nreceipt:r\n\n\0");
    assert_eq!(session.send(&[&subscribe]).status, 204);
    assert!(session.poll("xhr").text().contains("RECEIPT"));
    let sender = {
        let session = session.clone();
        std::thread::spawn(move || {
            for number in 0..MESSAGES {
                let frame = send_frame(&topic, "", &format!("{number} {}", "x".repeat(200)));
                assert_eq!(session.send(&[&frame]).status, 204);
            }
        })
    };
    let (mut got, mut responses) = (Vec::<usize>::new(), 0);
    while got.len() < MESSAGES {
        let mut stream = session.ask("xhr_streaming", "");
        responses += 1;
        assert!(stream.frame().starts_with("hh"));
        while let Some(frame) = stream.chunk() {
            if frame == "h\n" {
                continue;
            }
            for text in texts(&frame) {
                let (_, body) = text.split_once("\n\n").expect("a frame with a body");
                let number = body.split(' ').next().and_then(|word| word.parse().ok());
                got.push(number.expect("a number"));
            }
            if got.len() == MESSAGES {
                break;
            }
        }
    }
    sender.join().unwrap();
    assert_eq!(got, (0..MESSAGES).collect::<Vec<_>>());
    assert!(responses > 1, "4 KiB end a response");
}
