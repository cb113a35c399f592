//! What carries a dialect: pieces of text both ways until the end.

use std::io;
use std::time::Duration;

use super::pipe::{Pipe, Read};

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A piece of text, whole where the transport has messages.
    Text(Vec<u8>),
    /// The end; the close code, where the transport has one and it came.
    End(Option<u16>),
}

/// A transport with an open connection.
pub trait Line: Send {
    /// Sends a piece.
    ///
    /// # Errors
    /// The socket's: the server has ended the connection.
    fn send(&mut self, text: &[u8]) -> io::Result<()>;

    /// What arrives next; `None` when nothing does in this time. After the end: the end again.
    fn receive_within(&mut self, time: Duration) -> Option<Unit>;
}

/// Bytes as they are.
#[derive(Debug)]
pub struct Raw(pub Pipe);

impl Line for Raw {
    fn send(&mut self, text: &[u8]) -> io::Result<()> {
        self.0.write(text)
    }

    fn receive_within(&mut self, time: Duration) -> Option<Unit> {
        match self.0.read_within(time) {
            Read::Bytes(bytes) => Some(Unit::Text(bytes)),
            Read::Nothing => None,
            Read::End => Some(Unit::End(None)),
        }
    }
}
