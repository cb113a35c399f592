//! A connection whose bytes are ours.
//!
//! Methods take `&self`: a session's task reads while flushers write.

mod body;

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

pub(crate) use body::BodyStream;

use super::session::Session;
use super::sockjs::Link;

/// The socket of a session.
pub(crate) enum Stream {
    /// Bare TCP.
    Plain(TcpStream),
    /// The body of a response: writes only, and reads nothing but its end.
    Body(Arc<BodyStream>),
    /// The requests of a SockJS session.
    SockJs(Arc<Link>),
}

impl Stream {
    /// Whether [`Stream::try_read`] may get something; errors count.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_read_ready(cx).map(drop),
            Self::Body(body) => body.poll_read_ready(cx),
            Self::SockJs(link) => link.poll_read_ready(cx),
        }
    }

    /// Reads what is there; 0 when the peer has closed.
    ///
    /// # Errors
    /// `WouldBlock`: nothing now. Others: the connection is gone.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_read(buffer),
            Self::Body(body) => body.try_read(),
            Self::SockJs(link) => link.try_read(),
        }
    }

    /// Whether [`Stream::try_write`] may take something; errors count.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_write_ready(cx).map(drop),
            Self::Body(body) => body.poll_write_ready(cx),
            Self::SockJs(link) => link.poll_write_ready(cx),
        }
    }

    /// Gives the socket what it takes without waiting.
    ///
    /// # Errors
    /// `WouldBlock`: nothing now. Others: the connection is gone.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_io(Interest::WRITABLE, || {
                // Not libc's, whose send is a cancellation point: 2% of a delivery.
                Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?)
            }),
            Self::Body(body) => body.try_write(bytes),
            Self::SockJs(link) => link.try_write(bytes),
        }
    }

    /// Whether bytes that were taken have not reached the socket yet: wait until it can be
    /// written, then write again, if only nothing.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Body(_) => false,
            Self::SockJs(link) => link.has_unsent(),
        }
    }

    /// Ends a direction. A peer that is gone already is none of our business.
    pub(crate) fn shut_down(&self, how: Shutdown) {
        match self {
            Self::Plain(stream) => drop(socket2::SockRef::from(stream).shutdown(how)),
            Self::Body(body) => body.shut_down(how),
            Self::SockJs(link) => link.shut_down(how),
        }
    }

    /// The messages that wait, where they come whole; `None` where bytes are to be read.
    pub(super) fn take_messages(&self) -> Option<VecDeque<Vec<u8>>> {
        match self {
            Self::SockJs(link) => link.take_messages(),
            Self::Plain(_) | Self::Body(_) => None,
        }
    }

    /// Tells the stream whose it is.
    pub(super) fn bind(&self, session: &Weak<Session>) {
        match self {
            Self::SockJs(link) => link.bind(session),
            Self::Plain(_) | Self::Body(_) => {}
        }
    }

    /// The session is over; a socket is closed when it is dropped.
    pub(super) fn release(&self) {
        match self {
            Self::SockJs(link) => link.shut_down(Shutdown::Both),
            Self::Body(body) => body.shut_down(Shutdown::Write),
            Self::Plain(_) => {}
        }
    }
}
