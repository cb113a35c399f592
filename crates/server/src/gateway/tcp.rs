//! STOMP over bare TCP.

use std::time::Duration;

use super::Gateway;
use super::framing::Framing;
use super::session::stomp::{Handshake, Stomp};
use super::session::{Connection, Input, run};
use super::stream::Stream;
use crate::telemetry::metrics::Transport;

impl Gateway {
    /// Serves STOMP on a connection that has just been accepted, on a task of its own; drops it
    /// while the node drains.
    pub(crate) fn serve_tcp(&self, stream: Stream) {
        let connection = Connection {
            stream,
            transport: Transport::Tcp,
            input: Input::Bare,
            framing: Framing::Bare,
            read_ahead: Vec::new(),
            greeting: Vec::new(),
            beat_every: Duration::ZERO,
        };
        let stomp = Stomp::new(&self.chat, Handshake { token: None });
        if let Some(session) = run(&self.shared, connection, stomp) {
            tokio::spawn(session);
        }
    }
}
