//! A connection whose bytes are ours: taken from the HTTP stack, or never given to it.
//!
//! All methods take `&self`: a session's task reads while flushers write. None waits.

mod body;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use rustix::net::SendFlags;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

pub(crate) use body::BodyStream;
pub(crate) use tls::TlsStream;

use super::session::Session;
use super::sockjs::Link;
use crate::listener::Place;

/// A connection that carries a session, whatever is below it.
///
/// One task may wait to read, and one to write: of several waiting tasks per direction only the
/// last is woken.
pub(crate) enum Stream {
    /// A bare socket, and its place among the connections, given back after the socket is closed.
    Plain(
        TcpStream,
        #[expect(dead_code, reason = "its drop gives the place back")] Place,
    ),
    /// A socket that TLS runs on, its handshake done.
    Tls(Box<TlsStream>),
    /// The body of a response: writes only, and reads nothing but its end.
    Body(BodyStream),
    /// The requests of a SockJS session.
    SockJs(Arc<Link>),
}

impl From<TcpStream> for Stream {
    /// A socket that is counted nowhere.
    fn from(socket: TcpStream) -> Self {
        Self::Plain(socket, Place::uncounted())
    }
}

impl Stream {
    /// Whether a read is worth a try; otherwise the task is woken when it is. Errors and the end
    /// count as ready.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(socket, _) => socket.poll_read_ready(cx).map(drop),
            Self::Tls(stream) => stream.poll_read_ready(cx),
            Self::Body(body) => body.poll_read_ready(cx),
            Self::SockJs(link) => link.poll_read_ready(cx),
        }
    }

    /// Reads what is there. `Ok(0)`: the peer sends no more.
    ///
    /// # Errors
    /// `WouldBlock`: nothing is there now. Any other: the connection is broken.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket, _) => socket.try_read(buffer),
            Self::Tls(stream) => stream.try_read(buffer),
            Self::Body(body) => body.try_read(),
            Self::SockJs(link) => link.try_read(),
        }
    }

    /// Whether a write is worth a try; otherwise the task is woken when it is. Errors count as
    /// ready.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(socket, _) => socket.poll_write_ready(cx).map(drop),
            Self::Tls(stream) => stream.poll_write_ready(cx),
            Self::Body(body) => body.poll_write_ready(cx),
            Self::SockJs(link) => link.poll_write_ready(cx),
        }
    }

    /// Takes the bytes that it can take without waiting, and answers how many. With TLS they may
    /// not have reached the socket: see [`Stream::has_unsent`].
    ///
    /// # Errors
    /// `WouldBlock`: none can be taken now. Any other: the connection is broken.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket, _) => socket.try_io(Interest::WRITABLE, || {
                // Not libc's, whose send is a cancellation point: 2% of a delivery.
                Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
            }),
            Self::Tls(stream) => stream.try_write(bytes),
            Self::Body(body) => body.try_write(bytes),
            Self::SockJs(link) => link.try_write(bytes),
        }
    }

    /// Whether bytes that were taken have not been given to the socket. Then `try_write(&[])`
    /// pushes on once [`Stream::poll_write_ready`] is ready.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(..) | Self::Body(_) => false,
            Self::Tls(stream) => stream.has_unsent(),
            Self::SockJs(link) => link.has_unsent(),
        }
    }

    /// Ends a direction of the connection. A peer that is gone already is none of our business.
    /// The end of writing comes behind all that was taken before.
    pub(crate) fn shut_down(&self, how: Shutdown) {
        match self {
            Self::Plain(socket, _) => drop(SockRef::from(socket).shutdown(how)),
            Self::Tls(stream) => stream.shut_down(how),
            Self::Body(body) => body.shut_down(how),
            Self::SockJs(link) => link.shut_down(how),
        }
    }

    /// The messages that wait, where they come whole; `None` where bytes are to be read.
    pub(super) fn take_messages(&self) -> Option<VecDeque<Vec<u8>>> {
        match self {
            Self::SockJs(link) => link.take_messages(),
            Self::Plain(..) | Self::Tls(_) | Self::Body(_) => None,
        }
    }

    /// Nothing more that comes is carried out: where messages come whole, their senders are told so.
    pub(super) fn refuse_input(&self) {
        match self {
            Self::SockJs(link) => link.refuse_input(),
            Self::Plain(..) | Self::Tls(_) | Self::Body(_) => {}
        }
    }

    /// Who the peer is is known.
    pub(super) fn set_identified(&self) {
        match self {
            Self::SockJs(link) => link.set_identified(),
            Self::Plain(..) | Self::Tls(_) | Self::Body(_) => {}
        }
    }

    /// Whether it comes to the client by one request after another.
    pub(super) const fn is_of_requests(&self) -> bool {
        matches!(self, Self::SockJs(_))
    }

    /// Tells the stream whose it is.
    pub(super) fn bind(&self, session: &Weak<Session>) {
        match self {
            Self::SockJs(link) => link.bind(session),
            Self::Plain(..) | Self::Tls(_) | Self::Body(_) => {}
        }
    }

    /// The session is over; a socket is closed when it is dropped.
    pub(super) fn release(&self) {
        match self {
            Self::SockJs(link) => link.shut_down(Shutdown::Both),
            Self::Body(body) => body.shut_down(Shutdown::Write),
            Self::Plain(..) | Self::Tls(_) => {}
        }
    }
}

/// Puts the task into the place of the one that waits.
pub(super) fn keep(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        none => *none = Some(cx.waker().clone()),
    }
}
