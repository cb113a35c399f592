//! Thousands of connections in one epoll loop on one thread.
//!
//! Made to cost little beside the server it loads: one read of a shared buffer
//! for each readable socket, payloads borrowed from it, one write for all that
//! an arrival triggers. There is no task, no channel and no timer in it.

mod connection;
mod outbox;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use madang_wire::stomp::{self, Frame, Item, Peer, Version};
use rustix::event::{Timespec, epoll};

use crate::client::{ClientError, ConnectOptions};
use crate::url::Url;
use connection::Connection;
pub use outbox::Outbox;

/// Bytes read at once from one connection.
const READ_BYTES_MAX: usize = 256 * 1024;

/// Connections looked at in one round of the loop.
const READY_MAX: usize = 1024;

/// What happened on a connection.
#[derive(Debug)]
pub enum Notice<'a> {
    /// It is ready: CONNECTED arrived.
    Open,
    /// A message arrived: one STOMP frame, or heart-beats.
    Message {
        /// What the WebSocket frame held.
        payload: &'a [u8],
        /// When it was read, as [`Swarm::now_ns`] counts.
        at_ns: u64,
    },
    /// It is over, at most once for a connection. An ERROR in answer to
    /// CONNECT ends it too.
    Closed(ClientError),
}

/// How a connection is opened.
#[derive(Clone, Debug)]
pub enum Opening {
    /// WebSocket frames from the first byte, without handshake or CONNECT.
    Bare,
    /// WebSocket handshake, then CONNECT.
    Stomp {
        /// Where to.
        url: Url,
        /// Headers and limits. Heart-beats are not kept up.
        options: Box<ConnectOptions>,
    },
}

/// Connections, numbered from 0 in the order they were made.
pub struct Swarm {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    ready: Vec<epoll::Event>,
    buffer: Vec<u8>,
    outbox: Outbox,
    started: Instant,
}

impl std::fmt::Debug for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swarm")
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}

impl Swarm {
    /// A swarm without connections.
    ///
    /// # Errors
    ///
    /// The process has no file descriptor left.
    pub fn new() -> io::Result<Swarm> {
        Ok(Swarm {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: Vec::new(),
            ready: Vec::with_capacity(READY_MAX),
            buffer: vec![0; READ_BYTES_MAX],
            outbox: Outbox::default(),
            started: Instant::now(),
        })
    }

    /// How many connections were made, open or not.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether no connection was made.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Nanoseconds since the swarm was made.
    pub fn now_ns(&self) -> u64 {
        ns_since(self.started)
    }

    /// The moment from which [`now_ns`](Self::now_ns) counts.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Connects and begins the handshake; [`Notice::Open`] follows, at once
    /// on the next poll for a bare one. Answers the connection's number.
    ///
    /// # Errors
    ///
    /// TCP is refused, or file descriptors or ports are used up.
    pub fn connect(&mut self, address: SocketAddr, opening: &Opening) -> io::Result<usize> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let index = self.connections.len();
        let connection = Connection::new(stream, opening)?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(
            &self.epoll,
            connection.stream(),
            data,
            connection.interest(),
        )?;
        self.connections.push(connection);
        Ok(index)
    }

    /// Waits up to `timeout` for arrivals and calls `each` with every one:
    /// the connection, what happened, and where to put what is to be sent.
    /// What `each` sends is written when all that one read brought is handled.
    ///
    /// # Errors
    ///
    /// Polling itself fails; what fails on a connection is a notice.
    pub fn poll(
        &mut self,
        timeout: Duration,
        mut each: impl FnMut(usize, Notice<'_>, &mut Outbox),
    ) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        self.ready.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.ready);
        match epoll::wait(&self.epoll, spare, Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for at in 0..self.ready.len() {
            let event = self.ready[at];
            let (index, flags) = (event.data.u64() as usize, event.flags);
            let connection = &mut self.connections[index];
            if flags.contains(epoll::EventFlags::OUT) {
                connection.write_pending();
            }
            if flags != epoll::EventFlags::OUT {
                connection.read(
                    &mut self.buffer,
                    self.started,
                    |notice, outbox| {
                        each(index, notice, outbox);
                    },
                    &mut self.outbox,
                    index,
                );
            }
            self.settle(index)?;
            self.flush()?;
        }
        Ok(())
    }

    /// Sends an encoded STOMP frame as one text message.
    ///
    /// # Errors
    ///
    /// Polling can no longer be arranged; what fails on the connection is a
    /// notice of the next poll.
    pub fn send(&mut self, index: usize, frame: &[u8]) -> io::Result<()> {
        self.outbox.send(index, frame);
        self.flush()
    }

    /// Sends several messages with one write per connection.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_all(&mut self, fill: impl FnOnce(&mut Outbox)) -> io::Result<()> {
        fill(&mut self.outbox);
        self.flush()
    }

    /// Stops or resumes reading from a connection.
    ///
    /// # Errors
    ///
    /// Polling can no longer be arranged.
    pub fn set_paused(&mut self, index: usize, paused: bool) -> io::Result<()> {
        self.connections[index].set_paused(paused);
        self.settle(index)
    }

    /// Asks for a receive buffer of so many bytes, so that a connection which
    /// is not read soon holds the server back.
    ///
    /// # Errors
    ///
    /// The system refuses, or the connection is over.
    pub fn set_receive_buffer(&self, index: usize, bytes: usize) -> io::Result<()> {
        match self.connections[index].stream_if_open() {
            Some(stream) => socket2::SockRef::from(stream).set_recv_buffer_size(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether the connection can still be used.
    pub fn is_open(&self, index: usize) -> bool {
        self.connections[index].stream_if_open().is_some()
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut outbox = std::mem::take(&mut self.outbox);
        for (index, bytes) in outbox.writes() {
            self.connections[index].write(bytes);
            self.settle(index)?;
        }
        outbox.clear();
        self.outbox = outbox;
        Ok(())
    }

    /// Tells epoll what the connection waits for, if that changed.
    fn settle(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Some(interest) = connection.changed_interest() else {
            return Ok(());
        };
        let data = epoll::EventData::new_u64(index as u64);
        Ok(epoll::modify(
            &self.epoll,
            connection.stream(),
            data,
            interest,
        )?)
    }
}

/// The frames in the payload of a message, heart-beats left out. Made for the
/// few frames that are not MESSAGEs.
///
/// # Errors
///
/// The server broke STOMP 1.2.
pub fn frames(payload: &[u8]) -> Result<Vec<Frame>, ClientError> {
    let mut decoder = stomp::Decoder::new(Peer::Server, ConnectOptions::default().stomp_limits);
    decoder.set_version(Version::V1_2);
    let mut input = payload;
    let mut frames = Vec::new();
    while let Some(item) = decoder.decode(&mut input)? {
        if let Item::Frame(frame) = item {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// Whether a payload is a MESSAGE, without decoding it.
pub fn is_message(payload: &[u8]) -> bool {
    payload.starts_with(b"MESSAGE\n") || payload.starts_with(b"MESSAGE\r\n")
}

fn ns_since(started: Instant) -> u64 {
    started.elapsed().as_nanos() as u64
}
