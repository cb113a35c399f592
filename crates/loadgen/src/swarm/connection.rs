use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Instant;

use madang_wire::websocket::{self, CloseCode, Opcode};
use rustix::event::epoll::EventFlags;

use super::inbound::{Inbound, Piece};
use super::outbound::{Kind, Outbound, Post};
use super::session::{Exchange, Session};
use super::{Notice, Opening, Outbox, ns_since};
use crate::client::ClientError;

/// One connection of a swarm: a socket, or one after the other.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    inbound: Inbound,
    session: Session,
    outbound: Outbound,
    /// What asks for the next response, if a session has several.
    request: Vec<u8>,
    /// What the socket did not take yet.
    pending: Vec<u8>,
    is_closed: bool,
    paused: bool,
    registered: Registered,
    write_error: Option<io::Error>,
}

/// What epoll knows of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registered {
    Not,
    For(EventFlags),
    /// It was told to forget it: a dead socket is reported for ever otherwise.
    NoMore,
}

/// What epoll is to be told.
pub(super) enum Change {
    Add(EventFlags),
    Modify(EventFlags),
    Delete,
}

impl Connection {
    pub(super) fn new(address: SocketAddr, opening: &Opening) -> io::Result<Connection> {
        let stream = connect(address)?;
        if let Opening::Session { options, .. } = opening
            && let Some(bytes) = options.receive_buffer_bytes
        {
            socket2::SockRef::from(&stream).set_recv_buffer_size(bytes)?;
        }
        let prepared = opening.prepare(address);
        let mut connection = Connection {
            address,
            stream,
            inbound: prepared.inbound,
            session: prepared.session,
            outbound: prepared.outbound,
            request: prepared.request,
            pending: Vec::new(),
            is_closed: false,
            paused: false,
            registered: Registered::Not,
            write_error: None,
        };
        connection.ask();
        if !connection.spans_responses() {
            connection.request = Vec::new();
        }
        Ok(connection)
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn stream_if_open(&self) -> Option<&TcpStream> {
        (!self.is_closed).then_some(&self.stream)
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What epoll does not know yet about this connection.
    pub(super) fn take_change(&mut self) -> Option<Change> {
        let interest = self.interest();
        let (now, change) = match self.registered {
            Registered::NoMore => return None,
            Registered::Not if self.is_closed => (Registered::NoMore, None),
            Registered::For(_) if self.is_closed => (Registered::NoMore, Some(Change::Delete)),
            Registered::Not => (Registered::For(interest), Some(Change::Add(interest))),
            Registered::For(before) if before == interest => return None,
            Registered::For(_) => (Registered::For(interest), Some(Change::Modify(interest))),
        };
        self.registered = now;
        change
    }

    fn interest(&self) -> EventFlags {
        let mut interest = EventFlags::empty();
        interest.set(EventFlags::IN, !self.paused);
        interest.set(EventFlags::OUT, !self.pending.is_empty());
        interest
    }

    /// Appends to `wire` what is to be written for `bytes`; or answers the
    /// request that is to be made instead.
    pub(super) fn encode(
        &self,
        index: usize,
        kind: Kind,
        bytes: &[u8],
        wire: &mut Vec<u8>,
    ) -> Option<Post> {
        match self.is_closed {
            true => None,
            false => self.outbound.encode(index, kind, bytes, wire),
        }
    }

    /// Writes, or keeps what the socket does not take.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.is_closed {
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

    /// Makes the server end the session; without a word for that, ends the
    /// connection.
    pub(super) fn farewell(&mut self, index: usize, outbox: &mut Outbox) {
        match (self.session.farewell(), &self.outbound) {
            (Some(frame), _) => outbox.send(index, &frame),
            (None, Outbound::WebSocket) => {
                let code = CloseCode::NORMAL.get().to_be_bytes();
                let mut close = Vec::new();
                websocket::encode_masked(Opcode::Close, true, &code, rand::random(), &mut close);
                outbox.raw(index, &close);
            }
            _ => self.shut(),
        }
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
            Ok(0) => self.ended(),
            Ok(len) => self.take(
                &mut buffer[..len],
                &mut Exchange {
                    index,
                    at_ns: ns_since(clock),
                    outbox,
                    each: &mut each,
                },
            ),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
                _ => Err(error.into()),
            },
        };
        if let Err(error) = result {
            self.fail(error, |notice| each(notice, outbox));
        }
    }

    /// Ends the connection, unless it is over, and says so.
    pub(super) fn fail(&mut self, error: ClientError, each: impl FnOnce(Notice<'_>)) {
        if !self.is_closed {
            self.shut();
            each(Notice::Closed(error));
        }
    }

    fn shut(&mut self) {
        self.is_closed = true;
        self.pending = Vec::new();
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn take<F: FnMut(Notice<'_>, &mut Outbox)>(
        &mut self,
        input: &mut [u8],
        exchange: &mut Exchange<'_, F>,
    ) -> Result<(), ClientError> {
        let session = &mut self.session;
        let mut response_end = None;
        self.inbound.take(input, |piece| {
            match piece {
                Piece::Ready => session.ready(exchange),
                Piece::Content(content) => return session.take(content, exchange),
                Piece::Ping(payload) => exchange.outbox.pong(exchange.index, payload),
                Piece::ResponseEnd { socket_stays } => response_end = Some(socket_stays),
            }
            Ok(())
        })?;
        match response_end {
            None => Ok(()),
            Some(_) if !self.spans_responses() => Err(ClientError::Disconnected),
            Some(true) => {
                self.ask();
                Ok(())
            }
            Some(false) => self.ask_anew(),
        }
    }

    /// Takes the end of the socket.
    fn ended(&mut self) -> Result<(), ClientError> {
        if let Some(error) = self.write_error.take() {
            return Err(error.into());
        }
        match self.inbound.take_end() && self.spans_responses() {
            true => self.ask_anew(),
            false => Err(ClientError::Disconnected),
        }
    }

    /// Whether a session goes on in the next response when one ends (SockJS
    /// 0.3.3, "Streaming"): the one that posts its frames does.
    fn spans_responses(&self) -> bool {
        matches!(self.outbound, Outbound::Post(_))
    }

    fn ask(&mut self) {
        let request = std::mem::take(&mut self.request);
        self.write(&request);
        self.request = request;
    }

    /// Asks on a new socket. The kernel makes epoll forget the one before.
    fn ask_anew(&mut self) -> Result<(), ClientError> {
        self.stream = connect(self.address)?;
        self.registered = Registered::Not;
        self.pending.clear();
        self.ask();
        Ok(())
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
