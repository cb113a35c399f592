use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use madang_wire::stomp::{Command, Version};
use madang_wire::websocket::handshake::{self, ResponseError};
use madang_wire::websocket::{self, Event, Role};
use rustix::event::epoll::EventFlags;

use super::{Notice, Opening, Outbox, ns_since};
use crate::client::ClientError;

/// One connection of a swarm.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    decoder: websocket::Decoder,
    phase: Phase,
    /// What the socket did not take yet.
    pending: Vec<u8>,
    paused: bool,
    registered: EventFlags,
    write_error: Option<io::Error>,
}

#[derive(Debug)]
enum Phase {
    /// Before the head of the HTTP response is complete.
    Upgrading(Box<Upgrade>),
    /// Before CONNECTED.
    Connecting,
    Open,
    Closed,
}

#[derive(Debug)]
struct Upgrade {
    key: String,
    offered: Vec<String>,
    connect: Vec<u8>,
    head: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, opening: &Opening) -> io::Result<Connection> {
        let mut connection = Connection {
            stream,
            decoder: websocket::Decoder::new(Role::Client, websocket::Limits::default()),
            phase: Phase::Open,
            pending: Vec::new(),
            paused: false,
            registered: EventFlags::IN,
            write_error: None,
        };
        if let Opening::Stomp { url, options } = opening {
            if let Some(bytes) = options.receive_buffer_bytes {
                socket2::SockRef::from(&connection.stream).set_recv_buffer_size(bytes)?;
            }
            let mut request = Vec::new();
            let key = options.encode_request(&url.authority(), &url.path, &mut request);
            let mut connect = Vec::new();
            options
                .connect_frame(&url.host)
                .encode(Version::V1_2, &mut connect);
            connection.decoder = websocket::Decoder::new(Role::Client, options.websocket_limits);
            connection.phase = Phase::Upgrading(Box::new(Upgrade {
                key,
                offered: options.subprotocols.clone(),
                connect,
                head: Vec::new(),
            }));
            connection.write(&request);
        }
        Ok(connection)
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn stream_if_open(&self) -> Option<&TcpStream> {
        (!matches!(self.phase, Phase::Closed)).then_some(&self.stream)
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What epoll is to tell about this connection.
    pub(super) fn interest(&self) -> EventFlags {
        if matches!(self.phase, Phase::Closed) {
            return EventFlags::empty();
        }
        let mut interest = EventFlags::empty();
        interest.set(EventFlags::IN, !self.paused);
        interest.set(EventFlags::OUT, !self.pending.is_empty());
        interest
    }

    pub(super) fn changed_interest(&mut self) -> Option<EventFlags> {
        let interest = self.interest();
        (interest != self.registered).then(|| {
            self.registered = interest;
            interest
        })
    }

    /// Writes, or keeps what the socket does not take.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if matches!(self.phase, Phase::Closed) {
            return;
        }
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(bytes);
            return;
        }
        let written = self.write_some(bytes);
        self.pending.extend_from_slice(&bytes[written..]);
    }

    pub(super) fn write_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let written = self.write_some(&pending);
        if written < pending.len() {
            self.pending = pending;
            self.pending.drain(..written);
        }
    }

    /// How much was written; everything if the socket is broken, which the
    /// next read tells.
    fn write_some(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.stream.write(&bytes[written..]) {
                Ok(len) => written += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.write_error = Some(error);
                    return bytes.len();
                }
            }
        }
        written
    }

    /// Reads once and hands on what arrived.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        clock: Instant,
        mut each: impl FnMut(Notice<'_>, &mut Outbox),
        outbox: &mut Outbox,
        index: usize,
    ) {
        let result = match self.stream.read(buffer) {
            Ok(0) => Err(match self.write_error.take() {
                Some(error) => error.into(),
                None => ClientError::Disconnected,
            }),
            Ok(len) => self.take(&mut buffer[..len], clock, &mut each, outbox, index),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
                _ => Err(error.into()),
            },
        };
        if let Err(error) = result
            && !matches!(self.phase, Phase::Closed)
        {
            self.phase = Phase::Closed;
            self.pending = Vec::new();
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
            each(Notice::Closed(error), outbox);
        }
    }

    fn take(
        &mut self,
        input: &mut [u8],
        clock: Instant,
        each: &mut impl FnMut(Notice<'_>, &mut Outbox),
        outbox: &mut Outbox,
        index: usize,
    ) -> Result<(), ClientError> {
        let mut rest;
        let mut input = &mut input[..];
        if let Phase::Upgrading(upgrade) = &mut self.phase {
            let Some(behind) = upgrade.take(input)? else {
                return Ok(());
            };
            outbox.send(index, &upgrade.connect);
            self.phase = Phase::Connecting;
            rest = behind;
            input = &mut rest;
        }
        let at_ns = ns_since(clock);
        loop {
            match self.decoder.decode(&mut input)? {
                None => return Ok(()),
                Some(Event::Message { payload, .. }) => match self.phase {
                    Phase::Open => each(Notice::Message { payload, at_ns }, outbox),
                    _ => {
                        if is_connected(payload)? {
                            self.phase = Phase::Open;
                            each(Notice::Open, outbox);
                        }
                    }
                },
                Some(Event::Ping(payload)) => outbox.pong(index, payload),
                Some(Event::Pong(_)) => {}
                Some(Event::Close { code, reason }) => {
                    return Err(ClientError::Closed {
                        code,
                        reason: reason.to_owned(),
                    });
                }
            }
        }
    }
}

impl Upgrade {
    /// Takes the response; once it is complete, what came behind its head.
    fn take(&mut self, input: &[u8]) -> Result<Option<Vec<u8>>, ClientError> {
        self.head.extend_from_slice(input);
        let offered: Vec<&str> = self.offered.iter().map(String::as_str).collect();
        match handshake::check_response(&self.head, &self.key, &offered) {
            Ok(None) => Ok(None),
            Ok(Some(response)) => Ok(Some(self.head[response.consumed..].to_vec())),
            // The rest of the body is not waited for: it matters to nobody here.
            Err(ResponseError::Status(status)) => {
                let end = memchr::memmem::find(&self.head, b"\r\n\r\n").unwrap_or(0);
                Err(ClientError::Refused {
                    status,
                    headers: Vec::new(),
                    body: self.head[end..].trim_ascii().to_vec(),
                })
            }
            Err(error) => Err(ClientError::Handshake(error)),
        }
    }
}

/// Looks for CONNECTED in what came before the session was open.
fn is_connected(payload: &[u8]) -> Result<bool, ClientError> {
    match super::frames(payload)?.into_iter().next() {
        None => Ok(false),
        Some(frame) => match (frame.command, frame.get("version")) {
            (Command::Connected, Some("1.2")) => Ok(true),
            (Command::Connected, version) => Err(ClientError::Version(version.map(str::to_owned))),
            (Command::Error, _) => Err(ClientError::Stomp(Box::new(frame))),
            _ => Err(ClientError::Unexpected(Box::new(frame))),
        },
    }
}
