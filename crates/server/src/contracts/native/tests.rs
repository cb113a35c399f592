use std::sync::Arc;

use madang_domain::{ClientId, Epoch, Extra, Position, RoomId, UserId};

use super::*;

fn message() -> Message {
    Message {
        room: RoomId::new("kim@example.com").unwrap(),
        position: Position {
            epoch: Epoch::new(0xabc),
            seq: Seq::new(7),
        },
        kind: MessageKind::Message,
        sender: UserId::new("kim@example.com").unwrap(),
        sender_name: Some(Arc::from("Kim")),
        sender_kind: SenderKind::Customer,
        client_id: Some(ClientId::new("c-1").unwrap()),
        text: Arc::from("안녕 \"하세요\""),
        sent_at: Timestamp::from_micros(1_696_468_890_000_001),
        extra: None,
    }
}

#[test]
fn a_message_shows_its_place_its_sender_and_its_time_to_the_microsecond() {
    let shown: serde_json::Value = serde_json::from_slice(&render_message(&message())).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "roomId": "kim@example.com", "seq": 7, "position": "abc-7", "messageId": "abc-7",
            "type": "message",
            "sender": {"id": "kim@example.com", "name": "Kim", "kind": "customer"},
            "text": "안녕 \"하세요\"", "clientId": "c-1", "sentAt": "2023-10-05T01:21:30.000001Z",
        })
    );
}

#[test]
fn a_message_without_a_client_id_has_no_such_member() {
    let message = Message {
        client_id: None,
        ..message()
    };
    let shown: serde_json::Value = serde_json::from_slice(&render_message(&message)).unwrap();
    assert!(shown.get("clientId").is_none());
}

#[test]
fn bad_json_is_refused_without_repeating_it() {
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"text\":5}",
        b"{\"text\":\"\xff\"}",
        b"{\"secret\":1}",
    ] {
        let error = parse_send(body).unwrap_err();
        assert_eq!(error.code(), Code::BodyInvalid);
        assert!(!error.message().contains("secret"), "{error}");
    }
    assert_eq!(&*parse_send(br#"{"text":"a","more":1}"#).unwrap().text, "a");
}

#[test]
fn data_comes_out_as_it_went_in() {
    let body = parse_send(br#"{"data":{"b": 1, "a":[ ]}}"#).unwrap();
    assert_eq!(body.data.as_deref(), Some(r#"{"b": 1, "a":[ ]}"#));
    let message = Message {
        text: Arc::from(""),
        extra: Some(Box::new(Extra {
            data: body.data,
            ..Extra::default()
        })),
        ..message()
    };
    let shown = String::from_utf8(render_message(&message)).unwrap();
    assert!(shown.contains(r#""data":{"b": 1, "a":[ ]}"#), "{shown}");
}

#[test]
fn an_event_says_what_happened_to_whom() {
    let message = Message {
        kind: MessageKind::RoleChanged,
        text: Arc::from(""),
        client_id: None,
        extra: Some(Box::new(Extra {
            subjects: vec![Person {
                user: UserId::new("lee").unwrap(),
                name: None,
            }],
            role: Some(MemberRole::Moderator),
            ..Extra::default()
        })),
        ..message()
    };
    let shown: serde_json::Value = serde_json::from_slice(&render_message(&message)).unwrap();
    assert_eq!(shown["type"], "roleChanged");
    assert_eq!(
        shown["subjects"],
        serde_json::json!([{"id": "lee", "name": "lee"}])
    );
    assert_eq!(shown["role"], "moderator");
}
