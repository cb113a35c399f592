//! Thousands of connections in one epoll loop on one thread.
//!
//! Made to cost little beside the server it loads: one read of a shared buffer
//! for each readable socket, payloads borrowed from it, one write for all that
//! an arrival triggers. There is no task, no channel and no timer in it.
//!
//! A connection is a socket (`connection`), what turns its bytes into pieces
//! of content (`inbound`), what a piece says (`content`, `session`), and
//! the way back (`outbound`). A [`Transport`] is a choice of these.

mod connection;
mod content;
mod couriers;
mod inbound;
mod opening;
mod outbound;
mod outbox;
mod session;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use madang_wire::stomp::{self, Frame, Item, Peer, Version};
use rustix::event::{Timespec, epoll};

use crate::client::{ClientError, ConnectOptions};
use connection::{Change, Connection};
use couriers::Couriers;
pub use opening::Opening;
pub use outbox::Outbox;
pub use transport::Transport;

/// Bytes read at once from one connection.
const READ_BYTES_MAX: usize = 256 * 1024;

/// Connections looked at in one round of the loop.
const READY_MAX: usize = 1024;

/// Marks what epoll says of a courier's socket.
const COURIER: u64 = 1 << 63;

/// What happened on a connection.
#[derive(Debug)]
pub enum Notice<'a> {
    /// It is ready: CONNECTED arrived, or the hello of the JSON door.
    Open,
    /// A message of a room arrived.
    Message {
        /// A MESSAGE frame, escaped if it came in a SockJS string; or what
        /// the JSON door makes of a message.
        payload: &'a [u8],
        /// When it was read, as [`Swarm::now_ns`] counts.
        at_ns: u64,
    },
    /// STOMP frames that are no MESSAGE.
    Answer {
        /// For [`frames`].
        payload: &'a [u8],
    },
    /// What else the JSON door tells: answers to commands, and what happened.
    Event {
        /// Its `type`.
        kind: &'a str,
    },
    /// An error of the JSON door, which goes on.
    Error(String),
    /// It is over, at most once for a connection. An ERROR in answer to
    /// CONNECT ends it too.
    Closed(ClientError),
}

/// Connections, numbered from 0 in the order they were made.
pub struct Swarm {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    ready: Vec<epoll::Event>,
    buffer: Vec<u8>,
    outbox: Outbox,
    /// What one connection is to get of the outbox, framed.
    wire: Vec<u8>,
    couriers: Couriers,
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
            wire: Vec::new(),
            couriers: Couriers::default(),
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
        let index = self.connections.len();
        self.connections.push(Connection::new(address, opening)?);
        self.settle(index)?;
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
            let (data, flags) = (event.data.u64(), event.flags);
            if data & COURIER != 0 {
                let slot = (data ^ COURIER) as usize;
                self.couriers.read(slot, &self.epoll, courier_data);
                self.tell_failed(&mut each)?;
                continue;
            }
            let index = data as usize;
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
        self.tell_failed(&mut each)?;
        self.flush()
    }

    /// Says goodbye on all connections and waits until the server has ended
    /// them, so that nothing is left of their sessions; after `timeout`, ends
    /// them itself.
    ///
    /// # Errors
    ///
    /// Polling itself fails.
    pub fn close(mut self, timeout: Duration) -> io::Result<()> {
        let open = |swarm: &Swarm| (0..swarm.len()).filter(|at| swarm.is_open(*at)).count();
        for index in 0..self.len() {
            if self.is_open(index) {
                self.connections[index].set_paused(false);
                self.connections[index].farewell(index, &mut self.outbox);
                self.settle(index)?;
            }
        }
        self.flush()?;
        let until = Instant::now() + timeout;
        while open(&self) > 0 && Instant::now() < until {
            self.poll(
                until.saturating_duration_since(Instant::now()),
                |_, _, _| {},
            )?;
        }
        Ok(())
    }

    /// Sends an encoded STOMP frame, framed as the transport wants it.
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
        let mut items = outbox.items().peekable();
        while let Some((index, kind, bytes)) = items.next() {
            let connection = &mut self.connections[index];
            if let Some(post) = connection.encode(index, kind, bytes, &mut self.wire) {
                self.couriers.post(post, &self.epoll, courier_data);
            }
            if items.peek().is_none_or(|(next, ..)| *next != index) {
                connection.write(&self.wire);
                self.wire.clear();
                self.settle(index)?;
            }
        }
        drop(items);
        outbox.clear();
        self.outbox = outbox;
        Ok(())
    }

    /// Ends the connections whose frames a courier could not bring.
    fn tell_failed(
        &mut self,
        each: &mut impl FnMut(usize, Notice<'_>, &mut Outbox),
    ) -> io::Result<()> {
        for (index, error) in self.couriers.take_failed() {
            let outbox = &mut self.outbox;
            self.connections[index].fail(error, |notice| each(index, notice, outbox));
            self.settle(index)?;
        }
        Ok(())
    }

    /// Tells epoll what the connection waits for, if that changed.
    fn settle(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let data = epoll::EventData::new_u64(index as u64);
        match connection.take_change() {
            None => {}
            Some(Change::Add(interest)) => {
                epoll::add(&self.epoll, connection.stream(), data, interest)?;
            }
            Some(Change::Modify(interest)) => {
                epoll::modify(&self.epoll, connection.stream(), data, interest)?;
            }
            Some(Change::Delete) => epoll::delete(&self.epoll, connection.stream())?,
        }
        Ok(())
    }
}

fn courier_data(slot: usize) -> u64 {
    COURIER | slot as u64
}

/// The frames in the payload of a notice, heart-beats left out. Made for the
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

fn ns_since(started: Instant) -> u64 {
    started.elapsed().as_nanos() as u64
}
