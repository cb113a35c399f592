//! The JSON door and contract 3's WebSocket.

mod commands;
mod direct;
mod identity;
mod resume;
mod rooms;

use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::Value;

use crate::rooms::rest;
use crate::shared::unique;

/// Somebody with a token and a connection.
struct Person {
    id: String,
    token: String,
    peer: Json,
    hello: Value,
}

impl Person {
    fn new(server: &TestServer, role: &str) -> Self {
        let id = unique(role) + "@example.com";
        let token = server.token_with(&id, role, &["--name", &format!("{id} by name")]);
        let (peer, hello) = Json::enter(server.address(), &token);
        Self {
            id,
            token,
            peer,
            hello,
        }
    }

    /// A customer whose room is open and known to the connection.
    fn customer(server: &TestServer) -> Self {
        let mut customer = Self::new(server, "user");
        let id = customer.id.clone();
        customer.say(&id, "the first");
        customer.peer.texts(1);
        customer
    }

    fn say(&mut self, room: &str, text: &str) -> Value {
        self.peer.send(room, text)
    }

    fn rest(&self, server: &TestServer, method: &str, path: &str) {
        let answer = rest(server, method, path, &self.token);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    }

    fn claim(&self, server: &TestServer, room: &str) {
        self.rest(server, "POST", &format!("/api/v1/desk/rooms/{room}/claim"));
    }

    fn complete(&self, server: &TestServer, room: &str) {
        self.rest(
            server,
            "POST",
            &format!("/api/v1/desk/rooms/{room}/complete"),
        );
    }
}

/// An agent who has the room, told of it.
fn agent_of(server: &TestServer, room: &str) -> Person {
    let mut agent = Person::new(server, "agent");
    agent.claim(server, room);
    let joined = agent.peer.next_of("room");
    assert_eq!(joined["change"], "joined", "{joined}");
    agent
}
