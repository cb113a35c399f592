//! A blocking stream of bytes, plain or in TLS.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use socket2::SockRef;

use crate::http;

/// The receive buffer of every connection: small, and so never tuned by the kernel, so that the
/// server soon notices a peer that does not read.
const RECEIVE_BUFFER_BYTES: usize = 32 << 10;
const READ_BYTES: usize = 64 << 10;

/// What a client that trusts only `certificate` needs for TLS, offering these protocols by ALPN.
///
/// # Panics
/// When the certificate is none.
#[must_use]
pub fn trusting(certificate: CertificateDer<'static>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("the certificate is one");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider speaks TLS 1.2 and 1.3");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// What a read gave.
#[derive(Debug)]
pub enum Read {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing in the time given.
    Nothing,
    /// The end, in good order or not.
    End,
}

/// An open connection.
#[derive(Debug)]
pub struct Pipe {
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Pipe {
    /// Connects, with TLS if there is a `tls`; its handshake is done with the first use.
    ///
    /// # Errors
    /// The socket's.
    ///
    /// # Panics
    /// When TLS cannot begin.
    pub fn open(address: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> io::Result<Self> {
        let socket = http::connect(address)?;
        SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        let stream = match tls {
            None => Stream::Plain(socket),
            Some(config) => {
                let name = ServerName::from(address.ip());
                let client = ClientConnection::new(Arc::clone(config), name);
                let client = client.expect("the configuration fits");
                Stream::Tls(Box::new(StreamOwned::new(client, socket)))
            }
        };
        Ok(Self { stream })
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// The socket's.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Tls(tls) => {
                tls.write_all(bytes)?;
                tls.flush()
            }
        }
    }

    /// Reads what there is, waiting for at most `time`.
    ///
    /// # Panics
    /// When the socket cannot be used.
    pub fn read_within(&mut self, time: Duration) -> Read {
        let deadline = Instant::now() + time;
        let mut bytes = vec![0; READ_BYTES];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Read::Nothing;
            }
            let timed = self.socket().set_read_timeout(Some(left));
            timed.expect("timeouts can be set");
            let read = match &mut self.stream {
                Stream::Plain(socket) => socket.read(&mut bytes),
                Stream::Tls(tls) => tls.read(&mut bytes),
            };
            match read {
                Ok(0) => return Read::End,
                Ok(length) => {
                    bytes.truncate(length);
                    return Read::Bytes(bytes);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Read::End,
                },
            }
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) {
        if let Stream::Tls(tls) = &mut self.stream {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        // A peer that is gone already needs not be told.
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Reads to the end and answers what came, and whether the end did within `time`.
    pub fn read_to_end_within(&mut self, time: Duration) -> (Vec<u8>, bool) {
        let deadline = Instant::now() + time;
        let mut all = Vec::new();
        loop {
            match self.read_within(deadline.saturating_duration_since(Instant::now())) {
                Read::Bytes(bytes) => all.extend_from_slice(&bytes),
                Read::Nothing => return (all, false),
                Read::End => return (all, true),
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => &tls.sock,
        }
    }
}
