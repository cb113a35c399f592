//! What the HTTP stack reads and writes, and what it tells about a connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream as HandshakenStream;

use super::gate::Place;
use super::half_open::Entry;
use crate::gateway::stream::{Stream, TlsStream};
use crate::gateway::takeover::Takeover;

/// What a connection's task, its handlers and its socket tell each other.
pub(super) struct State {
    pub(super) takeover: Takeover,
    /// Until the first request.
    half_open: Mutex<Option<Entry>>,
    /// The socket has not taken all that HTTP wrote.
    has_unwritten: AtomicBool,
}

impl State {
    pub(super) fn half_open(entry: Entry) -> Arc<Self> {
        Arc::new(Self {
            takeover: Takeover::default(),
            half_open: Mutex::new(Some(entry)),
            has_unwritten: AtomicBool::new(false),
        })
    }

    /// The head of a request has arrived: the connection is no longer half open.
    pub(super) fn has_request(&self) {
        drop(self.half_open.lock().take());
    }

    /// Whether no request has arrived yet.
    pub(super) fn is_half_open(&self) -> bool {
        self.half_open.lock().is_some()
    }

    /// Whether a handler wants the connection, and nothing of an earlier response would be lost.
    pub(super) fn may_be_taken(&self) -> bool {
        self.takeover.is_wanted() && !self.has_unwritten.load(Ordering::Relaxed)
    }
}

/// A connection that HTTP runs on, and that sessions run on afterwards.
pub(super) trait HttpIo: Read + Write + Unpin + Send + 'static {
    /// Takes the connection from the HTTP stack.
    fn into_stream(self, place: Place) -> Stream;
}

impl HttpIo for TokioIo<TcpStream> {
    fn into_stream(self, place: Place) -> Stream {
        Stream::Plain(self.into_inner(), place)
    }
}

// For bare sockets too, once `hyper::upgrade` is no longer used.
impl HttpIo for Tracked<TcpStream> {
    fn into_stream(self, place: Place) -> Stream {
        Stream::Plain(self.io.into_inner(), place)
    }
}

impl HttpIo for Tracked<HandshakenStream<TcpStream>> {
    fn into_stream(self, place: Place) -> Stream {
        let (socket, tls) = self.io.into_inner().into_inner();
        Stream::Tls(Box::new(TlsStream::new(socket, tls, place)))
    }
}

/// Notes whether HTTP still has something to write. Its stack flushes at the end of each of its
/// turns, and what it cannot write it keeps: then its last call did not succeed.
pub(super) struct Tracked<S> {
    io: TokioIo<S>,
    state: Arc<State>,
}

impl<S> Tracked<S> {
    pub(super) fn new(stream: S, state: Arc<State>) -> Self {
        Self {
            io: TokioIo::new(stream),
            state,
        }
    }
}

impl<S: AsyncRead + Unpin> Read for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S> Tracked<S> {
    fn note<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let has_unwritten = outcome.is_pending();
        self.state
            .has_unwritten
            .store(has_unwritten, Ordering::Relaxed);
        outcome
    }
}

impl<S: AsyncWrite + Unpin> Write for Tracked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.note(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        self.note(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(cx, buffers);
        self.note(outcome)
    }
}
