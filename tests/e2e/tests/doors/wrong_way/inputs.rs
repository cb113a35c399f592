//! What a broken or hostile client says, by dialect.

use madang_wire::websocket::{Opcode, encode_masked};
use serde_json::{Value, json};

use super::Victim;
use super::odd::{ODD_TEXTS, spoil};
use crate::dice::Dice;

const MASK: [u8; 4] = [7, 0, 201, 99];

/// STOMP frames, at least one of them wrong.
pub(super) fn stomp(dice: &mut Dice, victim: &Victim) -> Vec<u8> {
    let token = &victim.token;
    let mut octets = Vec::new();
    if !dice.once_in(3) {
        let connect =
            format!("CONNECT\naccept-version:1.2\nhost:x\nAuthorization:Bearer {token}\n\n\0");
        octets.extend_from_slice(connect.as_bytes());
    }
    for _ in 0..=dice.below(3) {
        let mut frame = stomp_frame(dice, victim).into_bytes();
        if !dice.once_in(4) {
            spoil(dice, &mut frame);
        }
        octets.extend_from_slice(&frame);
    }
    octets
}

fn stomp_frame(dice: &mut Dice, victim: &Victim) -> String {
    let commands = [
        "SEND",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "ACK",
        "NACK",
        "BEGIN",
        "COMMIT",
        "ABORT",
        "DISCONNECT",
        "CONNECT",
        "STOMP",
        "MESSAGE",
        "send",
        "",
        "GET / HTTP/1.1",
    ];
    let headers = [
        "destination",
        "id",
        "receipt",
        "transaction",
        "content-length",
        "ack",
        "since",
        "client-id",
        "accept-version",
        "heart-beat",
        "selector",
        "login",
        "Authorization",
        "",
    ];
    let mut frame = format!("{}\n", dice.pick(&commands));
    for _ in 0..dice.below(6) {
        let room = format!("/rooms/{}", victim.room);
        let value = match dice.below(4) {
            0 => room.as_str(),
            1 => "1",
            _ => dice.pick(ODD_TEXTS),
        };
        frame.push_str(&format!("{}:{value}\n", dice.pick(&headers)));
    }
    if dice.once_in(20) {
        frame.push_str(&"h:v\n".repeat(200));
    }
    if dice.once_in(40) {
        return frame + "\n" + &"b".repeat(70_000) + "\0";
    }
    frame + "\n" + &json_text(dice) + "\0"
}

/// A command of the JSON door, mostly wrong.
pub(super) fn json_command(dice: &mut Dice, victim: &Victim) -> Vec<u8> {
    let types = [
        "send",
        "read",
        "typing",
        "resume",
        "ping",
        "auth",
        "subscribe",
        "",
        "hello",
    ];
    let names = [
        "id",
        "room",
        "text",
        "clientId",
        "position",
        "positions",
        "active",
        "token",
    ];
    let mut command = json!({ "type": dice.pick(&types) });
    for _ in 0..dice.below(6) {
        let value = match dice.below(3) {
            0 => json!(victim.room),
            _ => json_value(dice),
        };
        command[dice.pick(&names)] = value;
    }
    let mut text = match dice.below(8) {
        0 => json_text(dice),
        1 => json_value(dice).to_string(),
        2 => command
            .to_string()
            .replacen('{', "{\"type\":\"ping\",\"id\":1,\"id\":2,", 1),
        _ => command.to_string(),
    };
    if dice.once_in(60) {
        text.push_str(&" ".repeat(140 << 10));
    }
    let mut bytes = text.into_bytes();
    if dice.once_in(3) {
        spoil(dice, &mut bytes);
    }
    bytes
}

/// A value of any type.
fn json_value(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(dice.once_in(2)),
        2 => json!(dice.bits()),
        3 => json!(-1.5e300),
        4 => json!([[1], {}, "x"]),
        5 => json!({ "a": { "b": null } }),
        6 => json!("가".repeat(dice.below(8000))),
        _ => json!(dice.pick(ODD_TEXTS)),
    }
}

/// A text that is JSON, nearly, or not at all.
pub(super) fn json_text(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => "[".repeat(dice.below(6000)),
        1 => "{\"text\":".repeat(dice.below(6000)),
        2 => "{\"text\":1e99999}".to_owned(),
        3 => "{\"text\":\"a\",\"text\":\"b\"}".to_owned(),
        4 => "{\"text\":\"\\ud800\"}".to_owned(),
        5 => dice.pick(ODD_TEXTS).to_owned(),
        6 => json!({ "text": json_value(dice) }).to_string(),
        _ => json!({ "text": "fine", "kind": "support" }).to_string(),
    }
}

/// `payload` as one WebSocket message of this kind, which it may contradict.
pub(super) fn message(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_masked(opcode, true, payload, MASK, &mut bytes);
    bytes
}

/// WebSocket frames that break RFC 6455, section 5, somewhere.
pub(super) fn websocket(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=dice.below(3) {
        let first = match dice.below(4) {
            // Reserved bits and opcodes.
            0 => dice.byte(),
            // Continuations of nothing, messages that never end, cut control frames.
            1 => *dice.pick(&[&0x00, &0x80, &0x01, &0x02, &0x09, &0x08]),
            _ => *dice.pick(&[&0x81, &0x82, &0x88, &0x89, &0x8a]),
        };
        let length = dice.pick(&[&0usize, &1, &2, &125, &126, &200]).to_owned();
        let payload: Vec<u8> = (0..length).map(|_| dice.byte()).collect();
        let masked = if dice.once_in(6) { 0 } else { 0x80 };
        bytes.push(first);
        match dice.below(8) {
            // A length that is not coded as short as can be, or has the sign bit.
            0 => bytes.extend_from_slice(&[masked | 126, 0, 5]),
            1 => bytes.extend_from_slice(&[masked | 127, 0, 0, 0, 0, 0, 0, 0, 5]),
            2 => bytes.extend_from_slice(&[masked | 127, 0xff, 0, 0, 0, 0, 0, 0, 5]),
            3 => bytes.extend_from_slice(&[masked | 127, 0, 0, 0, 0xff, 0, 0, 0, 0]),
            _ if length < 126 => bytes.push(masked | u8::try_from(length).unwrap()),
            _ => {
                bytes.push(masked | 126);
                bytes.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        bytes.extend_from_slice(&MASK);
        bytes.extend_from_slice(&payload);
    }
    bytes
}

/// A request over HTTP; whether the server can know where it ends.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) whole: bool,
}

/// A request that is well framed and wrong in what it asks for.
fn whole(dice: &mut Dice, methods: &[&str], path: &str, token: &str, body: &[u8]) -> Request {
    let method = dice.pick(methods);
    let kinds = [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "a/b; c=\"",
        "",
    ];
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    match dice.below(6) {
        0 => {}
        1 => head.push_str(&format!(
            "Authorization: Bearer {}\r\n",
            dice.pick(ODD_TEXTS)
        )),
        2 => head.push_str("Cookie: Authorization=Bearer%20; a; =; \r\n"),
        _ => head.push_str(&format!("Authorization: Bearer {token}\r\n")),
    }
    head.push_str(&format!("Content-Type: {}\r\n", dice.pick(&kinds)));
    let names = [
        "Last-Event-ID",
        "Idempotency-Key",
        "Accept",
        "Range",
        "If-None-Match",
        "Origin",
        "X-Forwarded-For",
        "Expect",
    ];
    if dice.once_in(2) {
        head.push_str(&format!(
            "{}: {}\r\n",
            dice.pick(&names),
            dice.pick(ODD_TEXTS)
        ));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    Request { bytes, whole: true }
}

/// A request whose head or framing is broken too.
fn perhaps_broken(dice: &mut Dice, mut request: Request) -> Request {
    if dice.once_in(3) {
        spoil(dice, &mut request.bytes);
        request.whole = false;
    }
    request
}

fn odd_path(dice: &mut Dice, paths: &[&str], room: &str) -> String {
    let mut path = dice.pick(paths).replace("{room}", room);
    while path.contains("{odd}") {
        let odd = dice.pick(ODD_TEXTS);
        // A path has no spaces and no control characters; the rest stands as it is.
        let odd: String = odd
            .chars()
            .filter(|one| !one.is_whitespace() && !one.is_control())
            .collect();
        path = path.replacen("{odd}", &odd, 1);
    }
    path
}

/// Requests to the REST API and the contracts.
pub(super) fn rest(dice: &mut Dice, victim: &Victim) -> Request {
    let paths = [
        "/api/v1/rooms",
        "/api/v1/rooms/{room}",
        "/api/v1/rooms/{odd}",
        "/api/v1/rooms/{room}/messages",
        "/api/v1/rooms/{room}/messages?after={odd}&limit={odd}",
        "/api/v1/rooms/{room}/messages?before={odd}",
        "/api/v1/rooms/{odd}/messages",
        "/api/v1/desk/rooms/{odd}/claim",
        "/api/v1/desk/waiting?{odd}",
        "/user/chats",
        "/user/chats/my-rooms?page={odd}",
        "/admin/chats/{odd}?page={odd}",
        "/{odd}",
        "//{odd}//",
        "/docs/{odd}",
        "/ws",
        "*",
    ];
    let path = odd_path(dice, &paths, &victim.room);
    let methods = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get",
    ];
    let mut body = json_text(dice).into_bytes();
    if dice.once_in(4) {
        spoil(dice, &mut body);
    }
    // Leaving would end the room that the other inputs are about.
    let methods = if path.ends_with(&victim.room) || path == "/user/chats" {
        &methods[..4]
    } else {
        &methods[..]
    };
    let request = whole(dice, methods, &path, &victim.token, &body);
    perhaps_broken(dice, request)
}

/// Requests for events.
pub(super) fn sse(dice: &mut Dice, victim: &Victim) -> Request {
    let paths = [
        "/api/v1/events?lastEventId={odd}",
        "/api/v1/rooms/{room}/events?lastEventId={odd}",
        "/api/v1/rooms/{odd}/events",
        "/api/v1/events?access_token={odd}",
    ];
    let path = odd_path(dice, &paths, &victim.room);
    let methods = ["GET", "GET", "GET", "POST", "DELETE"];
    let mut request = whole(dice, &methods, &path, &victim.token, b"");
    // What is right by chance streams on.
    request.whole = false;
    perhaps_broken(dice, request)
}

/// Requests below SockJS's base path.
pub(super) fn sockjs(dice: &mut Dice, victim: &Victim) -> Request {
    let paths = [
        "/ws/{odd}/{odd}/xhr",
        "/ws/000/{odd}/xhr_send",
        "/ws/000/s.x/xhr",
        "/ws//s/xhr",
        "/ws/000/s1/jsonp?c={odd}",
        "/ws/000/s1/jsonp",
        "/ws/000/s1/jsonp_send",
        "/ws/000/s1/htmlfile?c={odd}",
        "/ws/000/s1/htmlfile?callback={odd}",
        "/ws/000/s1/xhr_send",
        "/ws/000/s1/{odd}",
        "/ws/info{odd}",
        "/ws/iframe{odd}.html",
        "/ws/000/s1/websocket",
        "/ws/000/s1/eventsource{odd}",
        "/ws/{odd}",
        "/ws/000/s1/xhr_streaming/{odd}",
    ];
    let path = odd_path(dice, &paths, &victim.room);
    let mut body = match dice.below(4) {
        0 => json_text(dice),
        1 => "d=%5B%22x%22%5D".to_owned(),
        2 => json!([json_value(dice)]).to_string(),
        _ => "[\"CONNECT\\n\\n\\u0000\"".to_owned(),
    }
    .into_bytes();
    if dice.once_in(3) {
        spoil(dice, &mut body);
    }
    let methods = ["POST", "GET", "POST", "OPTIONS", "PUT"];
    let mut request = whole(dice, &methods, &path, &victim.token, &body);
    request.whole = false;
    perhaps_broken(dice, request)
}
