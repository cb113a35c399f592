//! Open chat and trade chat, over bare sockets. The community's own front end is a client among
//! others: see `clients`.

mod notifications;
mod open_rooms;
mod refusals;
mod trade_rooms;

use madang_e2e::http::{self, Response};
use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Frame, Stomp};
use madang_e2e::websocket::{Opening, WebSocket};
use serde_json::{Value, json};

use crate::shared::unique;

const PATH: &str = "/stomp/chat";

/// Somebody whom no other test knows.
struct Person {
    id: String,
    name: &'static str,
    token: String,
}

impl Person {
    fn new(server: &TestServer, name: &'static str) -> Self {
        let id = unique("pet-") + "@example.com";
        let token = server.token_with(&id, "user", &["--name", name]);
        Self { id, name, token }
    }

    fn session(&self, server: &TestServer) -> Stomp {
        session(server, &self.token)
    }

    fn call(&self, server: &TestServer, method: &str, path: &str) -> Response {
        self.form(server, method, path, "")
    }

    /// Sends a form, if it is not empty.
    fn form(&self, server: &TestServer, method: &str, path: &str, form: &str) -> Response {
        let cookie = format!("Authorization=Bearer%20{}", self.token);
        let mut headers = vec![("Cookie", cookie.as_str())];
        if !form.is_empty() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        http::send(server.address(), method, path, &headers, form.as_bytes())
    }

    /// Makes an open room; answers its number.
    fn open_room(&self, server: &TestServer) -> String {
        let made = self.form(server, "POST", "/api/openchat", "title=walks&content=");
        assert_eq!(made.status, 201, "{}", made.text());
        let path = made.header("location").unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    }

    /// Opens a room about an item of `seller`; answers its id.
    fn open_trade(&self, server: &TestServer, item: &str, seller: &Self) -> String {
        let path = format!("/api/tradechat/{item}");
        let form = format!("sellerId={}", seller.id);
        let made = self.form(server, "POST", &path, &form);
        assert_eq!(made.status, 201, "{}", made.text());
        let path = made.header("location").unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    }
}

/// A connection where this contract's clients look for it, before CONNECT.
fn open(server: &TestServer, headers: &[(&str, &str)]) -> Stomp {
    let opening = Opening {
        path: PATH,
        headers,
        ..Opening::default()
    };
    Stomp::over(WebSocket::open(server.address(), opening))
}

fn session(server: &TestServer, token: &str) -> Stomp {
    let mut peer = open(server, &[]);
    peer.send(format!(
        "CONNECT\naccept-version:1.2\nAuthorization:{token}\n\n\0"
    ));
    peer.expect("CONNECTED");
    peer
}

/// Subscribes under the destination's own name, with further header lines.
fn subscribe_with(peer: &mut Stomp, destination: &str, headers: &str) {
    let receipt = unique("sub-");
    peer.send(format!(
        "SUBSCRIBE\nid:{destination}\ndestination:{destination}\n{headers}receipt:{receipt}\n\n\0"
    ));
    peer.receipt(&receipt);
}

fn subscribe(peer: &mut Stomp, destination: &str) {
    subscribe_with(peer, destination, "");
}

fn send_frame(destination: &str, headers: &str, body: &Value) -> String {
    format!("SEND\ndestination:{destination}\n{headers}\n{body}\0")
}

/// Sends and waits until it is accepted.
fn send(peer: &mut Stomp, destination: &str, body: &Value) {
    let receipt = unique("send-");
    let headers = format!("receipt:{receipt}\n");
    peer.send(send_frame(destination, &headers, body));
    peer.receipt(&receipt);
}

fn enter(peer: &mut Stomp, room: &str, sender: &str) {
    let body = json!({ "sender": sender });
    send(peer, &format!("/pub/chat/enter/{room}"), &body);
}

fn say(peer: &mut Stomp, room: &str, sender: &str, message: &str) {
    let body = json!({ "sender": sender, "message": message });
    send(peer, &format!("/pub/chat/message/{room}"), &body);
}

/// The next MESSAGE, whose destination and body are these.
#[track_caller]
fn hears(peer: &mut Stomp, destination: &str, expected: &Value) -> Frame {
    let message = peer.message();
    assert_eq!(message.need("destination"), destination, "{message:?}");
    assert_eq!(message.need("subscription"), destination);
    assert_eq!(message.json(), *expected);
    message
}

fn entered(room: &str, person: &Person) -> Value {
    let message = format!("{}님이 채팅방에 참여하였습니다.", person.name);
    json!({ "roomId": room, "sender": person.name, "message": message })
}

fn said(room: &str, person: &Person, message: &str) -> Value {
    json!({ "roomId": room, "sender": person.name, "message": message })
}
