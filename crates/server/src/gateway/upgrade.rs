//! The WebSocket opening handshake (RFC 6455, section 4.2), and the session on its connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use madang_wire::http1::append_response_head;
use madang_wire::websocket::handshake::{self, HandshakeError, RequestHeaders};

use super::Shared;
use super::framing::Framing;
use super::headers::text;
use super::session::dialect::Dialect;
use super::session::{Connection, Input, run};
use super::takeover::Takeover;
use crate::telemetry::metrics::Transport;

/// What a WebSocket endpoint speaks.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct Offer {
    /// Best first; none has to be asked for.
    pub(in crate::gateway) subprotocols: &'static [&'static str],
    /// Values of `Sec-WebSocket-Version`.
    pub(in crate::gateway) versions: &'static [&'static str],
}

/// The version of RFC 6455.
pub(in crate::gateway) const VERSIONS: &[&str] = &["13"];

/// What ws4py reads at once of an answer's head: of frames that come with the rest of the last
/// block it takes only the first.
const HEAD_BLOCK_BYTES: usize = 128;

/// A header that nobody reads.
const PADDING_NAME: &str = "x-padding";

/// A handshake that is answered with 101.
pub(in crate::gateway) struct Upgrade {
    takeover: Takeover,
    accept: String,
    subprotocol: Option<&'static str>,
    /// The head of the answer.
    head: Vec<u8>,
}

/// How messages stand in the WebSocket.
pub(in crate::gateway) struct Carriage {
    pub(in crate::gateway) transport: Transport,
    pub(in crate::gateway) input: Input,
    pub(in crate::gateway) framing: Framing,
    /// Pause between the transport's own beats; zero for none.
    pub(in crate::gateway) beat_every: Duration,
    /// Frames that go out before anything of the session does.
    pub(in crate::gateway) greeting: Vec<u8>,
}

impl Upgrade {
    /// Checks the handshake.
    ///
    /// # Errors
    /// [`HandshakeError`]: the client's fault; the connection stays with HTTP.
    pub(in crate::gateway) fn check(parts: &Parts, offer: &Offer) -> Result<Self, HandshakeError> {
        // RFC 6455, section 4.1: the method is GET; routes for GET answer HEAD too.
        if parts.method != Method::GET {
            return Err(HandshakeError::Upgrade);
        }
        let headers = &parts.headers;
        let request = RequestHeaders {
            upgrade: text(headers, &UPGRADE),
            connection: text(headers, &CONNECTION),
            version: text(headers, &SEC_WEBSOCKET_VERSION),
            key: text(headers, &SEC_WEBSOCKET_KEY),
        };
        let accept = handshake::check_request_of_versions(&request, offer.versions)?;
        let subprotocol = text(headers, &SEC_WEBSOCKET_PROTOCOL)
            .and_then(|offered| handshake::choose_subprotocol(offered, offer.subprotocols));
        // Upgrading is of HTTP/1.1 (RFC 9110, section 7.8).
        let takeover = parts.extensions.get::<Takeover>().cloned();
        let takeover = takeover
            .filter(|_| parts.version == http::Version::HTTP_11)
            .ok_or(HandshakeError::Upgrade)?;
        let head = switching_protocols(&accept, subprotocol, None);
        Ok(Self {
            takeover,
            accept,
            subprotocol,
            head,
        })
    }

    /// Makes the head fill whole blocks, so that a client that reads it by blocks loses no frame
    /// that follows at once.
    pub(in crate::gateway) fn padded(self) -> Self {
        let bare = switching_protocols(&self.accept, self.subprotocol, Some("")).len();
        let padding = "-".repeat(bare.next_multiple_of(HEAD_BLOCK_BYTES) - bare);
        let head = switching_protocols(&self.accept, self.subprotocol, Some(&padding));
        Self { head, ..self }
    }

    /// Serves a session on the connection once HTTP has let go of it; dropped while the node
    /// drains. Never returns: the request's handler is dropped with the request.
    pub(in crate::gateway) async fn serve<D: Dialect>(
        self,
        shared: &Arc<Shared>,
        carriage: Carriage,
        dialect: D,
    ) -> Infallible {
        let Self { takeover, head, .. } = self;
        let shared = Arc::clone(shared);
        takeover
            .take(move |stream, read_ahead| {
                let Carriage {
                    transport,
                    input,
                    framing,
                    beat_every,
                    greeting,
                } = carriage;
                let connection = Connection {
                    stream,
                    transport,
                    input,
                    framing,
                    read_ahead: read_ahead.to_vec(),
                    greeting: [head, greeting].concat(),
                    beat_every,
                };
                if let Some(session) = run(&shared, connection, dialect) {
                    tokio::spawn(session);
                }
            })
            .await
    }
}

fn switching_protocols(accept: &str, subprotocol: Option<&str>, padding: Option<&str>) -> Vec<u8> {
    let mut headers = vec![
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-accept", accept),
    ];
    headers.extend(subprotocol.map(|name| ("sec-websocket-protocol", name)));
    headers.extend(padding.map(|padding| (PADDING_NAME, padding)));
    let mut head = Vec::with_capacity(2 * HEAD_BLOCK_BYTES);
    // The accept value is base64 and the others are constants.
    let appended = append_response_head(101, "Switching Protocols", headers, &mut head);
    debug_assert!(appended.is_ok());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_head_fills_whole_blocks() {
        for subprotocol in [None, Some("v12.stomp"), Some("madang.v1.json")] {
            let accept = "HSmrc0sMlYUkAGmm5OPpG2HaGWk=".to_owned();
            let upgrade = Upgrade {
                takeover: Takeover::default(),
                accept,
                subprotocol,
                head: Vec::new(),
            };
            let head = upgrade.padded().head;
            assert_eq!(head.len() % HEAD_BLOCK_BYTES, 0);
            assert!(head.ends_with(b"\r\n\r\n"));
        }
    }
}
