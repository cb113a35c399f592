//! Clients of the live doors.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use madang_wire::stomp::{self, Command, Frame, Item, Peer, Version};
use madang_wire::websocket::{self, Event, Opcode, Role};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::super::fixture::request;
use super::live::Live;

/// Nothing that is expected takes so long.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap()
}

/// A STOMP session over TCP.
pub(super) struct Stomp {
    socket: TcpStream,
    decoder: stomp::Decoder,
    heard: VecDeque<Frame>,
}

impl Stomp {
    /// # Errors
    /// The code of the ERROR that refuses the session.
    pub(super) async fn connect(live: &Live, token: &str) -> Result<Self, String> {
        let socket = TcpStream::connect(live.stomp).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let mut client = Self {
            socket,
            decoder: stomp::Decoder::new(Peer::Server, stomp::Limits::default()),
            heard: VecDeque::new(),
        };
        let connect = Frame::new(Command::Connect).with("accept-version", "1.2");
        let connect = match token {
            "" => connect,
            token => connect.with("Authorization", token),
        };
        client.say(&connect).await;
        let answer = client.next().await.unwrap();
        if answer.command != Command::Connected {
            return Err(code_of(&answer));
        }
        client.decoder.set_version(Version::V1_2);
        Ok(client)
    }

    async fn say(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        frame.encode(Version::V1_2, &mut bytes);
        // Whoever is refused is cut off: the ERROR says why.
        drop(self.socket.write_all(&bytes).await);
    }

    /// # Errors
    /// The code of the ERROR that answers it.
    pub(super) async fn ask(&mut self, frame: Frame) -> Result<(), String> {
        self.say(&frame.with("receipt", "asked")).await;
        loop {
            let answer = self.next().await.unwrap();
            match answer.command {
                Command::Receipt => return Ok(()),
                Command::Error => return Err(code_of(&answer)),
                _ => {}
            }
        }
    }

    /// The next frame; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut buffer = vec![0; 16 * 1024];
        while self.heard.is_empty() {
            let count = within(self.socket.read(&mut buffer)).await.unwrap_or(0);
            if count == 0 {
                return None;
            }
            let mut input = &buffer[..count];
            while let Some(item) = self.decoder.decode(&mut input).unwrap() {
                if let Item::Frame(frame) = item {
                    if frame.command == Command::Connected {
                        self.decoder.set_version(Version::V1_2);
                    }
                    self.heard.push_back(frame);
                }
            }
        }
        self.heard.pop_front()
    }
}

fn code_of(error: &Frame) -> String {
    assert_eq!(error.command, Command::Error, "{error:?}");
    error.get("code").unwrap_or_default().to_owned()
}

/// A WebSocket on which JSON is spoken.
pub(super) struct WebSocket {
    socket: TcpStream,
    decoder: websocket::Decoder,
    heard: VecDeque<Value>,
}

impl WebSocket {
    /// # Errors
    /// The status that answers the handshake instead.
    pub(super) async fn open(
        live: &Live,
        path: &str,
        credential: Option<&str>,
    ) -> Result<Self, u16> {
        let mut socket = TcpStream::connect(live.web).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let authorization = credential.map_or(String::new(), |credential| {
            format!("Authorization: Bearer {credential}\r\n")
        });
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{authorization}\r\n",
            live.web
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(socket.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        match head.split(' ').nth(1).unwrap() {
            "101" => Ok(Self {
                socket,
                decoder: websocket::Decoder::new(Role::Client, websocket::Limits::default()),
                heard: VecDeque::new(),
            }),
            status => Err(status.parse().unwrap()),
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        let mut bytes = Vec::new();
        websocket::encode_masked(
            Opcode::Text,
            true,
            text.as_bytes(),
            [1, 2, 3, 4],
            &mut bytes,
        );
        // Whoever is refused is cut off: the error says why.
        drop(self.socket.write_all(&bytes).await);
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let mut buffer = vec![0; 16 * 1024];
        while self.heard.is_empty() {
            let count = within(self.socket.read(&mut buffer)).await.unwrap_or(0);
            if count == 0 {
                return None;
            }
            let mut input = &mut buffer[..count];
            while let Some(event) = self.decoder.decode(&mut input).unwrap() {
                if let Event::Message { payload, .. } = event {
                    self.heard
                        .push_back(serde_json::from_slice(payload).unwrap());
                }
            }
        }
        self.heard.pop_front()
    }
}

/// A stream of server-sent events.
pub(super) struct EventStream {
    body: BodyDataStream,
    heard: String,
}

/// One of its events.
pub(super) struct SentEvent {
    pub(super) name: String,
    pub(super) data: Value,
}

impl EventStream {
    /// # Errors
    /// The status that is answered instead.
    pub(super) async fn open(
        live: &Live,
        path: &str,
        token: &str,
        last: Option<&str>,
    ) -> Result<Self, u16> {
        let mut request = request(token, "GET", path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = live.server.router.clone().oneshot(request).await.unwrap();
        match answer.status().as_u16() {
            200 => Ok(Self {
                body: answer.into_body().into_data_stream(),
                heard: String::new(),
            }),
            status => Err(status),
        }
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<SentEvent> {
        loop {
            let Some((block, rest)) = self.heard.split_once("\n\n") else {
                let bytes = within(self.body.next()).await?.ok()?;
                self.heard.push_str(std::str::from_utf8(&bytes).unwrap());
                continue;
            };
            let line = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
            };
            let event = line("event: ").zip(line("data: "));
            self.heard = rest.to_owned();
            if let Some((name, data)) = event {
                // Contract 2's first event is plain text.
                let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
                return Some(SentEvent { name, data });
            }
        }
    }
}
