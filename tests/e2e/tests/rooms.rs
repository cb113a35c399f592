//! Customers and their support rooms, over the native destinations.

use madang_e2e::http;
use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Frame, Stomp};

use crate::shared::unique;

/// A customer whose room is open. The room's id is the customer's.
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) peer: Stomp,
}

impl Customer {
    /// A customer that no other test knows, in session, the room made.
    pub(crate) fn new(server: &TestServer) -> Self {
        let id = unique("kim") + "@example.com";
        let token = server.token(&id, "user");
        let mut peer = Stomp::with_token(server.address(), &token);
        open_room(&mut peer, &id);
        Self { id, token, peer }
    }

    /// One more session of the same customer.
    pub(crate) fn again(&self, server: &TestServer) -> Stomp {
        Stomp::with_token(server.address(), &self.token)
    }

    /// Sends a text and waits until it is accepted.
    pub(crate) fn say(&mut self, text: &str) {
        let id = self.id.clone();
        say(&mut self.peer, &id, "", text);
    }
}

/// Makes the caller's own room: the support desk's SUBSCRIBE does, and leaves no subscription.
pub(crate) fn open_room(peer: &mut Stomp, id: &str) {
    let destination = format!("/sub/chat/room/{id}");
    peer.send(format!(
        "SUBSCRIBE\nid:open\ndestination:{destination}\nreceipt:o1\n\n\0"
    ));
    peer.receipt("o1");
    peer.send("UNSUBSCRIBE\nid:open\nreceipt:o2\n\n\0");
    peer.receipt("o2");
}

/// An agent in session who has claimed the room.
pub(crate) fn assigned_agent(server: &TestServer, room: &str) -> (String, Stomp) {
    let token = server.token(&unique("agent"), "agent");
    let mut peer = Stomp::with_token(server.address(), &token);
    let destination = format!("/sub/chat/room/{room}");
    peer.send(format!(
        "SUBSCRIBE\nid:claim\ndestination:{destination}\nreceipt:c1\n\n\0"
    ));
    peer.receipt("c1");
    peer.send("UNSUBSCRIBE\nid:claim\nreceipt:c2\n\n\0");
    peer.receipt("c2");
    (token, peer)
}

/// A SEND to a room with further header lines.
pub(crate) fn room_send(room: &str, headers: &str, text: &str) -> String {
    let body = serde_json::json!({ "text": text });
    format!("SEND\ndestination:/rooms/{room}\n{headers}\n{body}\0")
}

/// Sends a text to a room and waits until it is accepted.
pub(crate) fn say(peer: &mut Stomp, room: &str, headers: &str, text: &str) {
    let receipt = unique("said-");
    peer.send(room_send(
        room,
        &format!("{headers}receipt:{receipt}\n"),
        text,
    ));
    peer.receipt(&receipt);
}

/// Subscribes to a room as `s1`, with further header lines, and waits for the receipt.
pub(crate) fn follow(peer: &mut Stomp, room: &str, headers: &str) {
    let receipt = unique("follow-");
    let headers = format!("id:s1\n{headers}receipt:{receipt}\n");
    peer.send(format!(
        "SUBSCRIBE\n{headers}destination:/rooms/{room}\n\n\0"
    ));
    peer.receipt(&receipt);
}

/// The header line that resumes behind a message.
pub(crate) fn since(message: &Frame) -> String {
    format!("since:{}\n", message.need("position"))
}

/// The text of a room's message.
pub(crate) fn text(message: &Frame) -> String {
    message.json()["text"].as_str().expect("a text").to_owned()
}

/// The texts of the next messages.
pub(crate) fn texts(peer: &mut Stomp, count: usize) -> Vec<String> {
    (0..count).map(|_| text(&peer.message())).collect()
}

/// Checks that nothing more came: what the customer says now is the next.
pub(crate) fn assert_nothing_more(peer: &mut Stomp, customer: &mut Customer) {
    let fence = unique("fence-");
    customer.say(&fence);
    assert_eq!(text(&peer.message()), fence, "nothing before the fence");
}

/// A REST call with a token.
pub(crate) fn rest(server: &TestServer, method: &str, path: &str, token: &str) -> http::Response {
    let bearer = format!("Bearer {token}");
    http::request(
        server.address(),
        method,
        path,
        &[("Authorization", &bearer)],
    )
}
