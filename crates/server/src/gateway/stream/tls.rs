//! TLS by hand: reading and writing go on in different tasks, and neither may wait for the other.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use rustls::ServerConnection;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::listener::Place;

/// Plaintext that is encrypted ahead of what the socket takes: two of the largest records.
const UNSENT_BYTES_MAX: usize = 32 * 1024;

/// A socket that TLS runs on.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    /// Not held across a wait: the socket does not block.
    session: Mutex<Session>,
    /// Behind the socket: given back after it is closed.
    _place: Place,
}

#[derive(Debug)]
struct Session {
    tls: ServerConnection,
    /// Decrypted bytes may be there, of which the socket tells nothing.
    may_hold_plaintext: bool,
    /// The socket's direction ends once all records are sent.
    ends_after_unsent: bool,
}

impl TlsStream {
    /// Takes over a connection whose handshake is done.
    pub(crate) fn new(socket: TcpStream, mut tls: ServerConnection, place: Place) -> Self {
        tls.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Self {
            socket,
            session: Mutex::new(Session {
                tls,
                // What came behind the request's head may be decrypted already.
                may_hold_plaintext: true,
                ends_after_unsent: false,
            }),
            _place: place,
        }
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.session.lock().may_hold_plaintext {
            return Poll::Ready(());
        }
        self.socket.poll_read_ready(cx).map(drop)
    }

    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let session = &mut *self.session.lock();
        loop {
            match session.tls.reader().read(buffer) {
                Ok(count) => {
                    session.may_hold_plaintext = count == buffer.len();
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The peer closed without close_notify (RFC 8446, section 6.1): the protocols
                // above have ends of their own, so that a cut is noticed there.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => return Err(error),
            }
            session.may_hold_plaintext = false;
            session.tls.read_tls(&mut Socket(&self.socket))?;
            if let Err(error) = session.tls.process_new_packets() {
                // The alert that says why, if it can still be sent.
                drop(session.push(&self.socket));
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
            if session.tls.wants_write() {
                // An answer of TLS itself. What the socket does not take goes with the next write.
                drop(session.push(&self.socket));
            }
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_write_ready(cx).map(drop)
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let session = &mut *self.session.lock();
        session.push(&self.socket)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let taken = session.tls.writer().write(bytes)?;
        match session.push(&self.socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.session.lock().tls.wants_write()
    }

    pub(super) fn shut_down(&self, how: Shutdown) {
        if how != Shutdown::Write {
            drop(SockRef::from(&self.socket).shutdown(how));
            return;
        }
        let session = &mut *self.session.lock();
        if session.ends_after_unsent {
            return;
        }
        session.ends_after_unsent = true;
        session.tls.send_close_notify();
        drop(session.push(&self.socket));
    }
}

impl Session {
    /// Gives the socket the records that it takes, and its end behind the last.
    fn push(&mut self, socket: &TcpStream) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut Socket(socket))?;
        }
        if self.ends_after_unsent {
            drop(SockRef::from(socket).shutdown(Shutdown::Write));
        }
        Ok(())
    }
}

/// The socket as rustls wants it; it never blocks.
struct Socket<'s>(&'s TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
