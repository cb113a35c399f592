//! Every way into the server, driven by one set of operations.
//!
//! A [`Door`] is a transport and the dialect spoken on it. What a scenario needs of it is a
//! [`Peer`]; who wants to know how a door differs from the others reads its file here:
//! [`stomp`], [`json`] and [`sse`] are dialects, [`socket`], [`sockjs`] and [`line`] carry them.

pub mod json;
pub mod line;
pub mod list;
pub mod pipe;
pub mod registry;
pub mod socket;
pub mod sockjs;
pub mod sse;
pub mod stomp;
pub mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::http::Response;
use pipe::Pipe;

/// Where a server listens and how it is talked to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Address of HTTP and WebSocket.
    pub http: SocketAddr,
    /// Address of STOMP over TCP, where it is on.
    pub stomp_tcp: Option<SocketAddr>,
    /// What clients need for TLS, where the server speaks it.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Endpoint {
    /// A connection for HTTP.
    ///
    /// # Panics
    /// When the server does not listen.
    #[must_use]
    pub fn open(&self) -> Pipe {
        self.try_open().expect("the server accepts connections")
    }

    /// A connection for HTTP, to a server that may be gone.
    ///
    /// # Errors
    /// The socket's.
    pub fn try_open(&self) -> io::Result<Pipe> {
        Pipe::open(self.http, self.tls.as_ref())
    }

    /// A connection for STOMP over TCP.
    ///
    /// # Panics
    /// When the server does not listen there.
    #[must_use]
    pub fn open_tcp(&self) -> Pipe {
        let address = self.stomp_tcp.expect("STOMP over TCP is on");
        Pipe::open(address, self.tls.as_ref()).expect("the server accepts connections")
    }

    /// A REST call with a JSON body, or none where it is empty.
    #[must_use]
    pub fn rest(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Response {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            ("Connection", "close"),
            ("Content-Type", "application/json"),
        ];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        let body = (!body.is_empty()).then_some(body.as_bytes());
        let request = stream::encode(method, path, &headers, body);
        stream::Exchange::start(self.open(), &request).finish()
    }
}

/// What a client says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Its token, if it has one.
    pub token: Option<&'a str>,
}

/// Where following a room begins.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// With the next message.
    Now,
    /// Right behind this position, as the door gave it with a message.
    After(&'a str),
}

/// A no of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the registry.
    pub code: String,
    /// Whether the connection, or the request, is over with it.
    pub ended: bool,
    /// The close code, where the door has one and it came.
    pub close_code: Option<u16>,
}

impl Refusal {
    /// Of an HTTP response with problem details.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn of_response(response: &Response) -> Self {
        let problem = response.json();
        assert_eq!(problem["status"], response.status, "{problem}");
        Self {
            code: problem["code"].as_str().expect("a code").to_owned(),
            ended: true,
            close_code: None,
        }
    }
}

/// A stored message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its room.
    pub room: String,
    /// What it says.
    pub text: String,
    /// Its number in the room.
    pub seq: u64,
    /// What to hand back to this door to go on behind it.
    pub position: String,
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A message.
    Message(Message),
    /// The end: what was told as its cause, and the close code.
    Ended(Option<String>, Option<u16>),
}

/// A client in session.
pub trait Peer: Send {
    /// Follows a room. In force when it returns.
    ///
    /// # Errors
    /// The server's no.
    fn follow(&mut self, room: &str, start: Start<'_>) -> Result<(), Refusal>;

    /// Sends a text and waits for the answer.
    ///
    /// # Errors
    /// The server's no.
    fn send(&mut self, room: &str, text: &str) -> Result<(), Refusal>;

    /// The next message or the end; `None` when neither comes in this time.
    fn next_within(&mut self, time: Duration) -> Option<Arrival>;

    /// Sends more bytes at once than the door takes; answers what it said to that.
    fn send_too_much(&mut self, room: &str) -> Refusal;

    /// Makes more subscriptions than the door takes; `None` where it has none to make.
    fn subscribe_too_often(&mut self) -> Option<Refusal>;
}

/// How a client is told that the server restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The close code 1012.
    CloseCode,
    /// The end of the connection or the response: the transport has no word for why.
    End,
}

/// Connects a client.
pub type Connect = fn(&Endpoint, Identity<'_>) -> Result<Box<dyn Peer>, Refusal>;

/// A transport and its dialect.
#[derive(Debug)]
pub struct Door {
    /// As the module of its tests is named.
    pub name: &'static str,
    /// As the document names it.
    pub title: &'static str,
    /// Whether its server speaks TLS.
    pub tls: bool,
    /// Whether rooms are subscribed to one by one.
    pub subscribes: bool,
    /// Whether a client that asks for nothing for some seconds has no session any more.
    pub expires: bool,
    /// What SIGTERM brings.
    pub farewell: Farewell,
    /// Connects a client and says who it is.
    pub connect: Connect,
}
