//! What is answered to those who are not known, and to what cannot be meant.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;
use madang_e2e::websocket::{Opening, WebSocket};
use serde_json::json;

use super::{PATH, Person, open, send_frame, session, subscribe};
use crate::shared;

fn code(peer: &mut Stomp, frame: &str) -> String {
    peer.send(frame);
    peer.error_then_close().need("code").to_owned()
}

#[test]
fn the_cookie_of_the_handshake_counts_where_connect_has_no_token() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let bare = format!("Authorization={}", kim.token);
    let encoded = format!("x=1; Authorization=Bearer%20{}", kim.token);
    for cookie in [&bare, &encoded] {
        let mut peer = open(&server, &[("Cookie", cookie)]);
        peer.send("CONNECT\naccept-version:1.2\n\n\0");
        assert_eq!(peer.expect("CONNECTED").need("user-name"), kim.id);
    }
    for connect in [
        format!("Authorization:{}\n", kim.token),
        format!("Authorization:Bearer%20{}\n", kim.token),
    ] {
        let mut peer = open(&server, &[]);
        peer.send(format!("CONNECT\naccept-version:1.2\n{connect}\n\0"));
        assert_eq!(peer.expect("CONNECTED").need("user-name"), kim.id);
    }
    let mut nobody = open(&server, &[]);
    let connect = "CONNECT\naccept-version:1.2\n\n\0";
    assert_eq!(code(&mut nobody, connect), "AUTHENTICATION_REQUIRED");
}

#[test]
fn a_page_of_a_foreign_origin_does_not_connect() {
    let server = shared::server();
    let opening = Opening {
        path: PATH,
        headers: &[("Origin", "https://evil.example")],
        ..Opening::default()
    };
    let refused = WebSocket::try_open(server.address(), opening).unwrap_err();
    assert_eq!(refused.status, 403);
}

#[test]
fn the_subprotocols_of_stomp_are_chosen_from() {
    let server = shared::server();
    let opening = Opening {
        path: PATH,
        subprotocols: &["v10.stomp", "v11.stomp", "v12.stomp"],
        ..Opening::default()
    };
    let socket = WebSocket::open(server.address(), opening);
    let chosen = socket.response.header("sec-websocket-protocol");
    assert_eq!(chosen, Some("v12.stomp"));
}

#[test]
fn what_names_no_room_is_refused_with_a_code() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let message = json!({ "message": "x", "sender": "x" });
    for (prefix, named, expected) in [
        ("chat/", "999999999", "ROOM_NOT_FOUND"),
        ("chat/", "x", "PARAMETER_INVALID"),
        ("chat/", "", "PARAMETER_INVALID"),
        ("chat/", "1/2", "PARAMETER_INVALID"),
        ("enter/", "999999999", "ROOM_NOT_FOUND"),
        ("enter/", "007", "PARAMETER_INVALID"),
        ("tradechat/", "no-such-item", "ROOM_NOT_FOUND"),
        ("tradechat/", "", "ROOM_NOT_FOUND"),
    ] {
        let subscribe = format!("SUBSCRIBE\nid:s\ndestination:/sub/{prefix}{named}\n\n\0");
        let to = match prefix {
            "tradechat/" => format!("/pub/tradechat/message/{named}"),
            "enter/" => format!("/pub/chat/enter/{named}"),
            _ => format!("/pub/chat/message/{named}"),
        };
        for frame in [subscribe, send_frame(&to, "", &message)] {
            assert_eq!(
                code(&mut kim.session(&server), &frame),
                expected,
                "{frame:?}"
            );
        }
    }
}

#[test]
fn a_body_that_is_no_message_is_refused_and_nothing_stored() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    let long = json!({ "message": "x".repeat((16 << 10) + 1) }).to_string();
    for (body, expected) in [
        ("", "BODY_INVALID"),
        ("text", "BODY_INVALID"),
        ("{\"sender\":\"x\"}", "BODY_INVALID"),
        ("{\"message\":7}", "BODY_INVALID"),
        ("{\"message\":\"\"}", "MESSAGE_INVALID"),
        (&long, "MESSAGE_INVALID"),
    ] {
        let frame = format!("SEND\ndestination:/pub/chat/message/{room}\nreceipt:r\n\n{body}\0");
        let mut peer = kim.session(&server);
        peer.send(frame);
        let error = peer.error_then_close();
        assert_eq!(error.need("code"), expected, "{body:.40}");
        assert_eq!(error.need("receipt-id"), "r");
    }
    let enter = format!("SEND\ndestination:/pub/chat/enter/{room}\n\nx\0");
    assert_eq!(code(&mut kim.session(&server), &enter), "BODY_INVALID");
    let history = kim.call(&server, "GET", &format!("/api/openchat/room/{room}"));
    assert_eq!(history.json(), json!({ "chatList": [] }));
}

#[test]
fn a_transaction_is_refused_because_entering_takes_effect_at_once() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    for to in ["chat/message", "chat/enter"] {
        let mut peer = kim.session(&server);
        peer.send("BEGIN\ntransaction:t\n\n\0");
        let body = json!({ "message": "x" });
        let frame = send_frame(&format!("/pub/{to}/{room}"), "transaction:t\n", &body);
        assert_eq!(code(&mut peer, &frame), "FRAME_INVALID");
    }
}

#[test]
fn a_service_has_no_part_in_rooms() {
    let server = shared::server();
    let room = Person::new(&server, "Choco").open_room(&server);
    let frame = format!("SUBSCRIBE\nid:s\ndestination:/sub/chat/{room}\n\n\0");
    let mut peer = shared::session(&server, "1.2");
    assert_eq!(code(&mut peer, &frame), "NOT_YOUR_ROOM");
}

#[test]
fn a_deployment_without_the_contract_has_none_of_it() {
    let server = TestServer::builder()
        .env("MADANG_CONTRACTS__COMMUNITY", false)
        .start();
    let opening = Opening {
        path: PATH,
        ..Opening::default()
    };
    let refused = WebSocket::try_open(server.address(), opening).unwrap_err();
    assert_eq!(refused.status, 404);
    let kim = Person::new(&server, "Choco");
    let events = kim.call(&server, "GET", "/api/notifications/connect");
    assert_eq!(events.status, 404);
    let mut peer = Stomp::with_token(server.address(), &kim.token);
    let frame = "SUBSCRIBE\nid:s\ndestination:/sub/chat/1\n\n\0";
    assert_eq!(code(&mut peer, frame), "NOT_FOUND");
}

#[test]
fn contract_2_and_contract_1_are_told_apart_by_their_destinations() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    let mut peer = session(&server, &kim.token);
    subscribe(&mut peer, &format!("/sub/chat/{room}"));
    subscribe(&mut peer, &format!("/sub/chat/room/{}", kim.id));
    let body = json!({ "roomId": kim.id, "message": "상담" });
    super::send(&mut peer, "/pub/message", &body);
    let told = peer.message();
    assert_eq!(
        told.need("destination"),
        format!("/sub/chat/room/{}", kim.id)
    );
}
