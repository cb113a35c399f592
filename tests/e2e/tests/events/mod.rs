//! Event streams: exact over cuts, whatever the number of rooms.

mod desk;
mod resume;
mod streams;

use madang_e2e::events::Events;
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;

use crate::rooms::rest;
use crate::shared::unique;

const ALL: &str = "/api/v1/events";

/// A customer with a room, and a connection to write with.
struct Customer {
    id: String,
    token: String,
    peer: Json,
}

impl Customer {
    fn new(server: &TestServer) -> Self {
        let id = unique("kim") + "@example.com";
        let token = server.token(&id, "user");
        let (mut peer, _) = Json::enter(server.address(), &token);
        peer.send(&id, "the first");
        Self { id, token, peer }
    }

    fn say(&mut self, text: &str) -> String {
        let ack = self.peer.send(&self.id.clone(), text);
        ack["position"].as_str().unwrap().to_owned()
    }

    fn room_path(&self) -> String {
        format!("/api/v1/rooms/{}/events", self.id)
    }
}

/// The token of an agent who has these rooms.
fn agent_of(server: &TestServer, customers: &[Customer]) -> String {
    let token = server.token(&unique("lee"), "agent");
    for customer in customers {
        claim(server, &token, &customer.id);
    }
    token
}

fn claim(server: &TestServer, token: &str, room: &str) {
    let path = format!("/api/v1/desk/rooms/{room}/claim");
    assert_eq!(rest(server, "POST", &path, token).status, 200);
}

/// A stream and its `hello`.
fn enter(
    server: &TestServer,
    path: &str,
    token: &str,
    last: Option<&str>,
) -> (Events, serde_json::Value) {
    let mut events = Events::open(server.address(), path, token, last);
    let hello = events.event();
    assert_eq!(hello.name, "hello", "{hello:?}");
    (events, hello.data)
}
