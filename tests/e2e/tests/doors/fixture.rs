//! Servers for doors, and rooms on them.

use std::ops::Deref;
use std::sync::OnceLock;
use std::thread;

use madang_e2e::PATIENCE;
use madang_e2e::doors::stomp::StompPeer;
use madang_e2e::doors::{Arrival, Door, Endpoint, Identity, Message, Peer, Refusal, Start};
use madang_e2e::server::{Builder, TestServer};

use crate::shared::unique;

/// A server as this door needs it.
pub(super) fn builder(door: &Door) -> Builder {
    listeners(TestServer::builder(), door.tls)
}

/// With all listeners.
pub(super) fn listeners(builder: Builder, tls: bool) -> Builder {
    let builder = builder.stomp_tcp();
    if tls { builder.tls() } else { builder }
}

/// A use of a shared server: its log is printed when the test fails.
pub(super) struct Shared(&'static TestServer);

impl Deref for Shared {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.print_log();
        }
    }
}

/// The server that the scenarios which leave it running share.
pub(super) fn shared(door: &Door) -> Shared {
    static PLAIN: OnceLock<TestServer> = OnceLock::new();
    static TLS: OnceLock<TestServer> = OnceLock::new();
    let server = if door.tls { &TLS } else { &PLAIN };
    Shared(server.get_or_init(|| builder(door).start()))
}

/// A customer's room with an agent in it, and the door through which the customer comes.
pub(super) struct Room<'a> {
    door: &'a Door,
    pub(super) id: String,
    pub(super) token: String,
    pub(super) agent: String,
}

impl<'a> Room<'a> {
    /// A room that no other test knows.
    pub(super) fn open(door: &'a Door, server: &TestServer) -> Self {
        let id = unique("door") + "@example.com";
        let token = server.token(&id, "user");
        let agent = server.token(&unique("agent"), "agent");
        let endpoint = server.endpoint();
        let open = "{\"kind\":\"support\"}";
        let opened = endpoint.rest("POST", "/api/v1/rooms", Some(&token), open);
        assert_eq!(opened.status, 201, "{}", opened.text());
        let claim = format!("/api/v1/desk/rooms/{id}/claim");
        let claimed = endpoint.rest("POST", &claim, Some(&agent), "");
        assert_eq!(claimed.status, 200, "{}", claimed.text());
        Self {
            door,
            id,
            token,
            agent,
        }
    }

    /// The agent in session, by the door that all others are compared with.
    pub(super) fn agent(&self, endpoint: &Endpoint) -> StompPeer {
        let token = Some(self.agent.as_str());
        let peer = StompPeer::over_websocket(endpoint, Identity { token });
        peer.expect("the agent is let in")
    }

    /// The customer, through the door, connected and following nothing.
    pub(super) fn connect(&self, endpoint: &Endpoint) -> Box<dyn Peer> {
        let token = Some(self.token.as_str());
        let peer = (self.door.connect)(endpoint, Identity { token });
        peer.unwrap_or_else(|no| panic!("the customer is let in, not {no:?}"))
    }

    /// The customer, through the door, following the room.
    pub(super) fn enter(&self, endpoint: &Endpoint, start: Start<'_>) -> Box<dyn Peer> {
        let mut peer = self.connect(endpoint);
        let followed = peer.follow(&self.id, start);
        followed.unwrap_or_else(|no| panic!("the customer may read, not {no:?}"));
        peer
    }

    /// Somebody with this token tries to read the room through the door.
    pub(super) fn intrude(&self, endpoint: &Endpoint, token: Option<&str>) -> Refusal {
        let connected = (self.door.connect)(endpoint, Identity { token });
        let entered = connected.and_then(|mut peer| peer.follow(&self.id, Start::Now));
        entered.expect_err("who may not read is refused")
    }

    /// The texts that the room keeps, oldest first, at most 200.
    pub(super) fn kept(&self, endpoint: &Endpoint) -> Vec<String> {
        let path = format!("/api/v1/rooms/{}/messages?limit=200&only=messages", self.id);
        let page = endpoint.rest("GET", &path, Some(&self.token), "").json();
        let messages = page["messages"].as_array().expect("messages");
        let text = |message: &serde_json::Value| message["text"].as_str().unwrap().to_owned();
        messages.iter().map(text).collect()
    }
}

/// The next message.
pub(super) fn next(peer: &mut dyn Peer) -> Message {
    match peer.next_within(PATIENCE) {
        Some(Arrival::Message(message)) => message,
        other => panic!("a message comes, not {other:?}"),
    }
}

/// Checks that exactly these come next, numbered without a gap; answers the last position.
pub(super) fn expect_texts(peer: &mut dyn Peer, room: &str, texts: &[String]) -> String {
    let mut last: Option<Message> = None;
    for text in texts {
        let message = next(peer);
        assert_eq!(&message.text, text);
        assert_eq!(message.room, room);
        if let Some(last) = last {
            assert_eq!(message.seq, last.seq + 1, "numbers have no gap");
        }
        last = Some(message);
    }
    last.expect("there were messages").position
}
