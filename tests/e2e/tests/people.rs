//! People with tokens, and rooms of members that they make over REST.

use madang_e2e::http::Rest;
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use crate::shared::unique;

/// Somebody whom no other test knows.
pub(crate) struct Someone {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) rest: Rest,
}

impl Someone {
    pub(crate) fn new(server: &TestServer, name: &str) -> Self {
        Self::of_role(server, name, "user")
    }

    pub(crate) fn of_role(server: &TestServer, name: &str, role: &str) -> Self {
        Self::named(server, &unique(name), role)
    }

    /// Somebody with this very id.
    pub(crate) fn named(server: &TestServer, id: &str, role: &str) -> Self {
        let token = server.token(id, role);
        Self {
            id: id.to_owned(),
            rest: Rest::of(server.address(), &token),
            token,
        }
    }

    /// Makes a room, or finds the direct one that there is; answers its id.
    pub(crate) fn make(&self, room: &Value) -> String {
        let made = self.rest.done("POST", "/api/v1/rooms", room);
        made["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn group(&self, others: &[&Someone]) -> String {
        let members: Vec<_> = others.iter().map(|other| &other.id).collect();
        self.make(&json!({"kind": "group", "title": "산책 모임", "members": members}))
    }

    pub(crate) fn direct(&self, other: &Someone) -> String {
        self.make(&json!({"kind": "direct", "members": [other.id]}))
    }

    /// Sends a text; answers the message.
    pub(crate) fn say(&self, room: &str, text: &str) -> Value {
        let path = format!("/api/v1/rooms/{room}/messages");
        self.rest.done("POST", &path, &json!({"text": text}))
    }

    /// Reads up to a number.
    pub(crate) fn read(&self, room: &str, seq: u64) {
        let path = format!("/api/v1/rooms/{room}/read");
        self.rest.done("PUT", &path, &json!({"seq": seq}));
    }

    /// The texts of a room's newest messages, in their order.
    pub(crate) fn texts(&self, room: &str) -> Vec<String> {
        let page = self
            .rest
            .get(&format!("/api/v1/rooms/{room}/messages?only=messages"));
        let messages = page["messages"].as_array().expect("messages").iter();
        let text = |message: &Value| message["text"].as_str().expect("a text").to_owned();
        messages.map(text).collect()
    }

    /// What this user has not read: in all, and in a room.
    pub(crate) fn unread(&self, room: &str) -> (u64, u64) {
        let unread = self.rest.get("/api/v1/unread");
        let rooms = unread["rooms"].as_array().expect("rooms");
        let of_room = rooms.iter().find(|one| one["id"] == room);
        let of_room = of_room.map_or(0, |one| one["unread"].as_u64().expect("a number"));
        (unread["total"].as_u64().expect("a number"), of_room)
    }

    /// A connection to the JSON door, and its `hello`.
    pub(crate) fn enter(&self, server: &TestServer) -> (Json, Value) {
        Json::enter(server.address(), &self.token)
    }
}

/// The host's back end, which may do everything that a host may.
pub(crate) fn host(server: &TestServer) -> Rest {
    let name = unique("shop");
    let key = server.run(&["api-key", "add", &name, "--scope", "all"]);
    Rest::host(server.address(), key.trim())
}
