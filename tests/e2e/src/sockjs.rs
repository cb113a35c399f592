//! A SockJS client over HTTP that does what a test says: one request per connection, and streams
//! that are read chunk by chunk.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::http::{self, Response};

/// One session, as its client addresses it.
#[derive(Debug, Clone)]
pub struct Session {
    address: SocketAddr,
    path: String,
    headers: Vec<(String, String)>,
}

/// A streaming response.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    unread: Vec<u8>,
    /// Status and headers.
    pub head: Response,
}

impl Session {
    /// The session `id` of the endpoint at `base`, such as `/ws`.
    #[must_use]
    pub fn new(address: SocketAddr, base: &str, id: &str) -> Self {
        Self {
            address,
            path: format!("{base}/000/{id}"),
            headers: Vec::new(),
        }
    }

    /// The same session, its requests with one more header.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut session = self.clone();
        session.headers.push((name.to_owned(), value.to_owned()));
        session
    }

    /// The answer to a request of a transport that receives one frame, such as `xhr`.
    #[must_use]
    pub fn poll(&self, transport: &str) -> Response {
        self.ask(transport, "").whole()
    }

    /// Sends texts by `xhr_send`.
    #[must_use]
    pub fn send(&self, texts: &[&str]) -> Response {
        let body = serde_json::to_string(texts).expect("texts are JSON");
        self.ask("xhr_send", &body).whole()
    }

    /// Begins a request and reads the head of its response. Those of a transport with a query or
    /// named `eventsource` are GETs, as browsers make them; others are POSTs.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn ask(&self, transport: &str, body: &str) -> Stream {
        let mut socket = self.begin(transport, body);
        let mut bytes = Vec::new();
        let (head, unread) = loop {
            let mut more = [0; 4096];
            let count = socket.read(&mut more).expect("the server answers");
            assert!(count > 0, "an answer to {transport}: {bytes:?}");
            bytes.extend_from_slice(&more[..count]);
            if let Some((head, rest)) = http::parse_head(&bytes) {
                break (head, rest.to_vec());
            }
        };
        Stream {
            socket,
            unread,
            head,
        }
    }

    /// Sends a request and does not wait for its response.
    ///
    /// # Panics
    /// When the server does not accept the connection.
    #[must_use]
    pub fn begin(&self, transport: &str, body: &str) -> TcpStream {
        let is_get = transport.contains('?') || transport == "eventsource";
        let method = if is_get { "GET" } else { "POST" };
        let mut request = format!("{method} {}/{transport} HTTP/1.1\r\n", self.path);
        request.push_str(&format!("Host: {}\r\nConnection: close\r\n", self.address));
        for (name, value) in &self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut socket = http::connect(self.address).expect("the server accepts connections");
        socket
            .write_all(request.as_bytes())
            .expect("the request can be sent");
        socket
    }
}

impl Stream {
    /// The next chunk; `None` behind the last.
    ///
    /// # Panics
    /// When it does not come whole.
    pub fn chunk(&mut self) -> Option<String> {
        let length = self.line();
        let length = usize::from_str_radix(&length, 16).expect("a chunk's length");
        self.fill(length + 2);
        let chunk: Vec<u8> = self.unread.drain(..length + 2).take(length).collect();
        let chunk = String::from_utf8(chunk).expect("chunks are UTF-8");
        (length > 0).then_some(chunk)
    }

    /// The next chunk that is no heart-beat.
    ///
    /// # Panics
    /// When the response ends before.
    pub fn frame(&mut self) -> String {
        loop {
            let frame = self.chunk().expect("a frame before the end");
            if frame != "h\n" {
                return frame;
            }
        }
    }

    /// The whole response.
    fn whole(mut self) -> Response {
        self.socket
            .read_to_end(&mut self.unread)
            .expect("the response can be read");
        self.head.body = self.unread;
        self.head
    }

    fn line(&mut self) -> String {
        let mut length = 0;
        loop {
            length += 1;
            self.fill(length);
            if self.unread[..length].ends_with(b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..length).collect();
                return String::from_utf8_lossy(line.trim_ascii()).into_owned();
            }
        }
    }

    fn fill(&mut self, length: usize) {
        while self.unread.len() < length {
            let mut more = [0; 4096];
            let count = self.socket.read(&mut more).expect("the stream can be read");
            assert!(count > 0, "the stream ended within a chunk");
            self.unread.extend_from_slice(&more[..count]);
        }
    }
}
