//! A streaming response that is written frame by frame.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::task::{Context, Poll};

use madang_wire::http1::{LAST_CHUNK, append_chunk};
use madang_wire::sockjs::{Receiver, Revision};

use super::super::stream::Stream;

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// HTTP/1.1.
    Chunked,
    /// By the end of the connection (HTTP/1.0), or by the HTTP stack.
    Bare,
}

/// Owned by the link whose frames it carries.
pub(super) struct Response {
    stream: Stream,
    receiver: Receiver,
    revision: Revision,
    coding: Coding,
    /// What the connection has not taken yet.
    pending: Vec<u8>,
    /// Bytes of frames, without the prelude.
    sent: usize,
    is_ending: bool,
}

impl Response {
    /// A response that begins with `head` (empty where the HTTP stack writes it) and the prelude.
    pub(super) fn new(
        stream: Stream,
        receiver: Receiver,
        revision: Revision,
        coding: Coding,
        head: Vec<u8>,
    ) -> Self {
        let mut prelude = Vec::new();
        receiver.append_prelude(&mut prelude);
        let mut response = Self {
            stream,
            receiver,
            revision,
            coding,
            pending: head,
            sent: 0,
            is_ending: false,
        };
        response.append_body(&prelude);
        response
    }

    /// Appends a frame.
    pub(super) fn append(&mut self, frame: &[u8]) {
        let mut bytes = Vec::with_capacity(frame.len() + 64);
        self.receiver.append_frame(frame, self.revision, &mut bytes);
        self.sent += bytes.len();
        self.append_body(&bytes);
    }

    /// Ends the body behind what was appended.
    pub(super) fn end(&mut self) {
        if !self.is_ending && self.coding == Coding::Chunked {
            self.pending.extend_from_slice(LAST_CHUNK);
        }
        self.is_ending = true;
    }

    pub(super) const fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Bytes of frames so far.
    pub(super) const fn sent(&self) -> usize {
        self.sent
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.pending.is_empty() || self.stream.has_unsent()
    }

    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_write_ready(cx)
    }

    /// Gives the connection what it takes. `true` once the response is complete, and the
    /// connection closed.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn push(&mut self) -> io::Result<bool> {
        while self.has_unsent() {
            match self.stream.try_write(&self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.pending = Vec::new();
        if self.is_ending {
            self.stream.shut_down(Shutdown::Write);
        }
        Ok(self.is_ending)
    }

    /// Whether the client has closed the connection. What else it says on it is thrown away.
    pub(super) fn peer_is_gone(&self, cx: &mut Context<'_>) -> bool {
        let mut scrap = [0; 512];
        while self.stream.poll_read_ready(cx).is_ready() {
            match self.stream.try_read(&mut scrap) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return true,
            }
        }
        false
    }

    fn append_body(&mut self, bytes: &[u8]) {
        match self.coding {
            Coding::Chunked => append_chunk(&[bytes], &mut self.pending),
            Coding::Bare => self.pending.extend_from_slice(bytes),
        }
    }
}
