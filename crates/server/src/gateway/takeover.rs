//! Taking a connection from the HTTP stack in the middle of a request: for WebSocket upgrades,
//! server-sent events, and the streaming transports of SockJS.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;

use super::stream::Stream;

type Serve = Box<dyn FnOnce(Stream, Bytes) + Send>;

/// Takes a connection over. It is among the extensions of requests over HTTP/1.x, and of no
/// others. Only the handler of the request may use it, and only while it handles it.
#[derive(Clone, Default)]
pub(crate) struct Takeover(Arc<Mutex<Option<Serve>>>);

impl Takeover {
    /// Hands the connection over once every earlier response on it is written. `serve` gets the
    /// stream, and the bytes that were read behind the request; it writes the whole response
    /// itself, for nothing of it has been written. It must not block.
    ///
    /// The request's handler must have read the request's body, and must await the future, which
    /// never ends: the handler is dropped with it. Dropped earlier, it takes nothing over.
    pub(crate) fn take(&self, serve: impl FnOnce(Stream, Bytes) + Send + 'static) -> Taking {
        *self.0.lock() = Some(Box::new(serve));
        Taking(self.clone())
    }

    /// Whether the request's handler wants the connection.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.lock().is_some()
    }

    /// What to do with the connection, once.
    pub(crate) fn wanted(&self) -> Option<impl FnOnce(Stream, Bytes) + Send + use<>> {
        self.0.lock().take()
    }
}

/// A handler that awaits its takeover.
#[must_use = "a handler must await its takeover"]
pub(crate) struct Taking(Takeover);

impl Future for Taking {
    type Output = Infallible;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Infallible> {
        // The task that polls the handler looks for takeovers after each poll.
        Poll::Pending
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        drop(self.0.wanted());
    }
}
