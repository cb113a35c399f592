//! A connection whose bytes are ours.
//!
//! Methods take `&self`: a session's task reads while flushers write.

use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};

use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The socket of a session.
pub(crate) enum Stream {
    /// Bare TCP.
    Plain(TcpStream),
}

impl Stream {
    /// Whether [`Stream::try_read`] may get something; errors count.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_read_ready(cx).map(drop),
        }
    }

    /// Reads what is there; 0 when the peer has closed.
    ///
    /// # Errors
    /// `WouldBlock`: nothing now. Others: the connection is gone.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_read(buffer),
        }
    }

    /// Whether [`Stream::try_write`] may take something; errors count.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_write_ready(cx).map(drop),
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
        }
    }

    /// Whether bytes that were taken have not reached the socket yet: wait until it can be
    /// written, then write again, if only nothing.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
        }
    }

    /// Ends a direction. A peer that is gone already is none of our business.
    pub(crate) fn shut_down(&self, how: Shutdown) {
        match self {
            Self::Plain(stream) => drop(socket2::SockRef::from(stream).shutdown(how)),
        }
    }
}
