use serde_json::{Value, json};

use madang_domain::{Code, Error};

use super::*;

fn refused(text: &str) -> (Option<Box<str>>, Error) {
    let request = Request::parse(text.as_bytes()).unwrap();
    (request.id, request.command.unwrap_err())
}

#[test]
fn what_is_no_json_object_ends_the_connection() {
    for text in [
        "",
        " ",
        "{",
        "[]",
        "1",
        "\"x\"",
        "null",
        "{\"type\":\"ping\"} x",
        "{\"type\":}",
        "{'a':1}",
    ] {
        let error = Request::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::BodyInvalid, "{text}");
    }
    assert!(Request::parse(b"{\"type\":\"ping\",\"id\":\"\xff\"}").is_err());
    let deep = "[".repeat(100_000);
    assert!(Request::parse(format!("{{\"type\":{deep}").as_bytes()).is_err());
}

#[test]
fn an_object_that_is_no_command_is_answered_under_its_id() {
    for (text, told) in [
        (json!({"id": 1}), "type must be one of"),
        (json!({"id": 1, "type": 5}), "type must be one of"),
        (json!({"id": 1, "type": "secret"}), "type must be one of"),
        (
            json!({"id": 1, "type": "send", "text": "t"}),
            "send: missing field `room`",
        ),
        (
            json!({"id": 1, "type": "send", "room": 5, "text": "secret"}),
            "send: expected a string",
        ),
        (
            json!({"id": 1, "type": "read", "room": "r"}),
            "read: missing field `position`",
        ),
        (
            json!({"id": 1, "type": "typing", "room": "r", "active": "secret"}),
            "typing: expected a boolean",
        ),
        (
            json!({"id": 1, "type": "resume", "positions": ["secret"]}),
            "resume: expected a map",
        ),
        (
            json!({"id": 1, "type": "resume"}),
            "resume: missing field `positions`",
        ),
        (
            json!({"id": 1, "type": "auth"}),
            "auth: missing field `token`",
        ),
    ] {
        let (id, error) = refused(&text.to_string());
        assert_eq!(id.as_deref(), Some("1"), "{text}");
        assert_eq!(error.code(), Code::BodyInvalid);
        assert!(error.message().contains(told), "{text}: {error}");
        assert!(!error.message().contains("secret"), "{error}");
    }
}

#[test]
fn an_id_is_not_longer_than_what_is_kept_until_the_answer() {
    for (bytes, fits) in [(ID_BYTES_MAX, true), (ID_BYTES_MAX + 1, false)] {
        let id = format!("\"{}\"", "x".repeat(bytes - 2));
        let text = format!(r#"{{"type":"ping","id":{id}}}"#);
        let request = Request::parse(text.as_bytes()).unwrap();
        assert_eq!(request.id.is_some(), fits);
        assert_eq!(
            request.command.err().map(|error| error.code()),
            (!fits).then_some(Code::BodyInvalid)
        );
    }
}

#[test]
fn an_id_is_a_string_or_a_number_and_comes_back_as_it_was() {
    for id in [
        "\"1\"",
        "7",
        "-1.50",
        "\"한 \\\"x\\\"\"",
        "123456789012345678901234567890",
    ] {
        let request = Request::parse(format!(r#"{{"type":"ping","id":{id}}}"#).as_bytes()).unwrap();
        let echo = echo(request.id.as_deref());
        let pong = ServerEvent::Pong {
            id: echo.as_deref(),
        }
        .to_json();
        assert_eq!(
            String::from_utf8(pong).unwrap(),
            format!(r#"{{"type":"pong","id":{id}}}"#)
        );
    }
    for id in ["true", "{}", "[1]"] {
        let (id, error) = refused(&format!(r#"{{"type":"ping","id":{id}}}"#));
        assert_eq!((id, error.code()), (None, Code::BodyInvalid));
    }
    let without = Request::parse(br#"{"type":"ping","id":null}"#).unwrap();
    assert!(without.id.is_none() && without.command.is_ok());
    assert_eq!(refused(r#"{"type":"ping","id":1,"id":2}"#).0, None);
}

#[test]
fn commands_are_read_and_further_members_are_ignored() {
    let read = |value: Value| {
        Request::parse(value.to_string().as_bytes())
            .unwrap()
            .command
            .unwrap()
    };
    let send = json!({"type": "send", "room": "r", "text": "안녕", "clientId": "c", "more": 1});
    assert!(matches!(
        read(send),
        ClientCommand::Send { room, text: Some(text), data: None, client_id: Some(c) }
            if room == "r" && text == "안녕" && c == "c"
    ));
    assert!(matches!(
        read(json!({"type": "typing", "room": "r", "active": true})),
        ClientCommand::Typing { active: true, .. }
    ));
    assert!(matches!(
        read(json!({"type": "resume", "positions": {"r": "a-1"}})),
        ClientCommand::Resume { positions, inbox: None } if positions["r"] == "a-1"
    ));
    for (inbox, expected) in [
        (json!(null), Some(None)),
        (json!("i-2"), Some(Some("i-2".to_owned()))),
    ] {
        let resume = json!({"type": "resume", "positions": {}, "inbox": inbox});
        assert!(matches!(read(resume), ClientCommand::Resume { inbox, .. } if inbox == expected));
    }
    assert!(matches!(
        read(json!({"type": "ping"})),
        ClientCommand::Ping {}
    ));
}

#[test]
fn acks_hold_what_was_done_and_nothing_else() {
    let shown = |ack| serde_json::from_slice::<Value>(&ServerEvent::Ack(ack).to_json()).unwrap();
    assert_eq!(shown(Ack::default()), json!({"type": "ack"}));
    let id = echo(Some("\"1\""));
    let unknown = Ack {
        id: id.as_deref(),
        unknown: Some(&["r"]),
        ..Ack::default()
    };
    assert_eq!(
        shown(unknown),
        json!({"type": "ack", "id": "1", "unknown": ["r"]})
    );
}

#[test]
fn a_room_that_is_left_shows_its_id_only() {
    let left = RoomChange::Left {
        room: RoomName { id: "r" },
    };
    let shown: Value = serde_json::from_slice(&ServerEvent::Room(left).to_json()).unwrap();
    assert_eq!(
        shown,
        json!({"type": "room", "change": "left", "room": {"id": "r"}})
    );
}

#[test]
fn an_error_tells_its_code_and_whether_a_retry_can_help() {
    let error = Error::from(Code::Unavailable);
    let event = ServerEvent::Error {
        id: None,
        error: ErrorBody::from(&error),
    };
    let shown: Value = serde_json::from_slice(&event.to_json()).unwrap();
    assert_eq!(shown["error"]["code"], "UNAVAILABLE");
    assert_eq!(shown["error"]["retryable"], true);
    assert!(shown.get("id").is_none());
}

#[test]
fn data_is_taken_as_it_was_sent() {
    let text = br#"{"type":"edit","room":"r","seq":7,"data":{"b": 1, "a":[ 2.50 ]}}"#;
    let request = Request::parse(text).unwrap();
    let ClientCommand::Edit { seq, data, .. } = request.command.unwrap() else {
        panic!("another command");
    };
    let data = data.unwrap();
    assert_eq!((seq, data.get()), (7, r#"{"b": 1, "a":[ 2.50 ]}"#));
}
